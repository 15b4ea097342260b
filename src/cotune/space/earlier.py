"""What earlier studies say of a space: configurations of theirs, as far as it has the same parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cotune.types import Params


@dataclass(frozen=True)
class Earlier:
    """Knowledge from earlier studies; every configuration lies in the space.

    Args:
        firsts: the best ones, to be tried first, in this order.
        best: the best fifth of every study, without the parameters that it did not search.
        observed: (configuration, normal score of its rank within its study, larger is better) of studies
            of the same problem: task, data and metric.
    """

    firsts: tuple[Params, ...] = ()
    best: tuple[Params, ...] = ()
    observed: tuple[tuple[Params, float], ...] = ()
