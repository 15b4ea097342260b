"""The ways to stop weak trials, by name."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol, runtime_checkable

from cotune.search.rungs.bracket import Bracket
from cotune.search.rungs.extrapolation import Extrapolation
from cotune.search.rungs.fronts import FrontRungs
from cotune.search.rungs.halving import Rungs
from cotune.search.rungs.hyperband import Hyperband
from cotune.search.rungs.truncation import Truncation


class Judge(Protocol):
    """Says who is stopped: a function of what it was shown, boundary by boundary; a resumed study shows it again."""

    @property
    def brackets(self) -> tuple[Bracket, ...]:
        """Where trials are judged, or about where; from this it follows how long they take on average."""

    def judge(self, arrivals: Sequence[tuple[int, int, Any]]) -> frozenset[int]:
        """Which of the trials that finished an epoch at this boundary are to be stopped.

        Args:
            arrivals: (trial, epoch, score); of `SEVERAL` (trial, epoch, what it has shown in each objective).
        """

    def reason(self, epoch: int) -> str:
        """Why a trial was stopped that had come to this epoch."""


@runtime_checkable
class Promoter(Protocol):
    """A judge that may change its mind: whom it has stopped is paused, and may be thawed when a slot is free."""

    def promoted(self, paused: Collection[int]) -> tuple[int, ...]:
        """Which of these trials, stopped by it before, are to go on after all; whom to thaw first comes first."""


@runtime_checkable
class Breeder(Protocol):
    """A judge that has children of good trials take the places of those it stops."""

    def births(self, training: Collection[int]) -> tuple[int, ...]:
        """Who is to have a child, one for each that was stopped at the last boundary."""


def _truncation(*, epochs: int, first: int, reduction: int, maximize: bool) -> Truncation:  # noqa: ARG001
    return Truncation(epochs=epochs, every=first, maximize=maximize)


BREEDING = "pbt"
"""The way of stopping that strategies of population based training need, and no other knows how to use."""

RUNGS: dict[str, Callable[..., Judge] | None] = {
    "none": None,
    "asha": Rungs,
    "hyperband": Hyperband,
    "extrapolate": Extrapolation,
    BREEDING: _truncation,
}

SEVERAL: dict[str, Callable[..., Judge] | None] = {"none": None, "asha": FrontRungs}
"""The same where trials are compared in several objectives, of which less is better."""


def make_judge(
    name: str, *, epochs: int, first: int, reduction: int, maximize: bool, several: bool = False
) -> Judge | None:
    """A judge by its name; `None` where nobody is stopped.

    Args:
        name: a key of `RUNGS`.
        epochs: what a full training takes.
        first: epoch of the first rung; of `pbt`, epochs between two comparisons.
        reduction: one in so many goes on.
        maximize: whether larger scores are better.
        several: whether trials are compared in several objectives; `name` is a key of `SEVERAL` then.
    """
    if several:
        front = SEVERAL[name]
        return front and front(epochs=epochs, first=first, reduction=reduction)
    make = RUNGS[name]
    return make and make(epochs=epochs, first=first, reduction=reduction, maximize=maximize)
