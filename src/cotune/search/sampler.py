"""What every strategy of search can do."""

from typing import Protocol, runtime_checkable

from cotune.types import Params, Trial, TrialResult


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
        """This trial has ended."""


@runtime_checkable
class Watcher(Protocol):
    """A sampler that also looks at trials while they train."""

    def watch(self, result: TrialResult) -> None:
        """This trial goes on from a rung; its status is `RUNNING`, and its curve is what it has shown so far."""
