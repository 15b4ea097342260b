"""What every strategy of search can do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from cotune.types import Params, Parent, Trial, TrialResult


class Sampler(Protocol):
    """Proposes configurations.

    A proposal is a pure function of the seed, the trial's number, and what was added and told so far. The
    order of those events is not looked at: history is read by trial number, so that a sampler rebuilt
    from a study's records goes on with the same bits.
    """

    def ask(self, number: int, count: int) -> list[Params]:
        """Configurations for the trials `number` … `number + count − 1`, in this order.

        Fewer, possibly none, once a finite space holds nothing new.
        """

    def add(self, trial: Trial) -> None:
        """This trial is running now."""

    def tell(self, result: TrialResult) -> None:
        """This trial has ended, or a rung has paused it: then it may be told of again, with a longer training."""


Curve = Sequence[tuple[int, float, float]]
"""(epoch, train loss, validation figure), as `TrialResult.curve`."""


@dataclass(frozen=True)
class Brood:
    """Children that are to begin at one boundary.

    Args:
        number: of the first of them; the others follow.
        parents: of each.
        curves: of the trials in training, by number.
        every: epochs between two comparisons.
        fits: whether a child with the second settings can go on from networks of the first.
    """

    number: int
    parents: Sequence[Parent]
    curves: Mapping[int, Curve]
    every: int
    fits: Callable[[Params, Params], bool]


@runtime_checkable
class Explorer(Protocol):
    """A sampler that also chooses the settings of children, as much a pure function of what it has been shown."""

    def breed(self, brood: Brood) -> list[Params]:
        """Settings of children, in the order of their numbers; parameters that are not fusable are the parent's."""


@runtime_checkable
class Watcher(Protocol):
    """A sampler that also looks at trials while they train."""

    def watch(self, result: TrialResult) -> None:
        """This trial goes on from a rung; its status is `RUNNING`, and its curve is what it has shown so far."""
