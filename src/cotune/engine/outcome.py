"""What an epoch of a population yields, how it is broken off, and the ways in which lanes step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from cotune.types import Divergence, LaneId, Record

Halt = Callable[[], bool]

Way = Literal["compiled", "batched"]
"""How lanes step: each by itself through compiled loops (CPU), or together by PyTorch's batched kernels."""

WAYS: tuple[Way, ...] = get_args(Way)


def never() -> bool:
    """The `halt` of an epoch that nothing breaks off."""
    return False


@dataclass(frozen=True)
class Outcome:
    """What an epoch of a population yielded.

    Args:
        records: of the lanes that finished the epoch.
        divergences: lanes that met a number that is not finite.
        failed: lanes that do not fit into memory even alone.
        steps: optimizer steps trained, summed over lanes.
    """

    records: tuple[Record, ...]
    divergences: tuple[Divergence, ...]
    failed: tuple[LaneId, ...]
    steps: int


class Halted(Exception):
    """An epoch was broken off; the lanes hold a part of it, their best weights are untouched."""
