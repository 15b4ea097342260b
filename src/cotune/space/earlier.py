"""What earlier studies say of a space: configurations of theirs, as far as it has the same parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cotune.types import Params


@dataclass(frozen=True)
class Earlier:
    """Knowledge from earlier studies. Configurations lie in the space; those of `best` may lack parameters.

    Args:
        firsts: to be tried first, in this order: the best ones, and those that models of the studies expect most of.
        best: the best fifth of every study, without the parameters that it did not search.
        observed: of every study the trials all of whose parameters are known: configuration, and the normal score of
            its rank, larger is better.
    """

    firsts: tuple[Params, ...] = ()
    best: tuple[Params, ...] = ()
    observed: tuple[tuple[tuple[Params, float], ...], ...] = ()
