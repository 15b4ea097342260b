"""Trials that no rung stops."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cotune.search.rungs.table import Judge


@dataclass(frozen=True)
class Exempting:
    """A judge who sees every trial, and lets some of them go on whatever they show.

    They are compared all the same: a rung that did not know of the best would be too kind to the others.

    Args:
        inner: who judges the others.
        is_full: whether a trial, by its number, is exempt.
    """

    inner: Judge
    is_full: Callable[[int], bool]

    @property
    def levels(self) -> tuple[int, ...]:
        """Epochs at which trials are judged."""
        return self.inner.levels

    def judge(self, arrivals: Sequence[tuple[int, int, float]]) -> frozenset[int]:
        """Which of the trials that finished an epoch at this boundary are to be stopped."""
        return frozenset(trial for trial in self.inner.judge(arrivals) if not self.is_full(trial))
