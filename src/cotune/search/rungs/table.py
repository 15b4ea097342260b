"""The ways to stop weak trials, by name."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from cotune.search.rungs.fronts import FrontRungs
from cotune.search.rungs.halving import Rungs


class Judge(Protocol):
    """Says who is stopped: a function of what it was shown, boundary by boundary; a resumed study shows it again."""

    @property
    def levels(self) -> tuple[int, ...]:
        """Epochs at which trials are judged."""

    def judge(self, arrivals: Sequence[tuple[int, int, Any]]) -> frozenset[int]:
        """Which of the trials that finished an epoch at this boundary are to be stopped.

        Args:
            arrivals: (trial, epoch, score); of `SEVERAL` (trial, epoch, what it has shown in each objective).
        """


RUNGS: dict[str, Callable[..., Judge] | None] = {"none": None, "asha": Rungs}

SEVERAL: dict[str, Callable[..., Judge] | None] = {"none": None, "asha": FrontRungs}
"""The same where trials are compared in several objectives, of which less is better."""


def make_judge(
    name: str, *, epochs: int, first: int, reduction: int, maximize: bool, several: bool = False
) -> Judge | None:
    """A judge by its name; `None` where nobody is stopped.

    Args:
        name: a key of `RUNGS`.
        epochs: what a full training takes.
        first: epoch of the first rung.
        reduction: one in so many goes on.
        maximize: whether larger scores are better.
        several: whether trials are compared in several objectives; `name` is a key of `SEVERAL` then.
    """
    if several:
        front = SEVERAL[name]
        return front and front(epochs=epochs, first=first, reduction=reduction)
    make = RUNGS[name]
    return make and make(epochs=epochs, first=first, reduction=reduction, maximize=maximize)
