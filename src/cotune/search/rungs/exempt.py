"""Trials that no rung stops."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from cotune.search.rungs.bracket import Bracket
from cotune.search.rungs.table import Judge, Promoter


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
    def brackets(self) -> tuple[Bracket, ...]:
        """Those of the others."""
        return self.inner.brackets

    def judge(self, arrivals: Sequence[tuple[int, int, Any]]) -> frozenset[int]:
        """Which of the trials that finished an epoch at this boundary are to be stopped."""
        return frozenset(trial for trial in self.inner.judge(arrivals) if not self.is_full(trial))

    def reason(self, epoch: int) -> str:
        """Why a trial was stopped there."""
        return self.inner.reason(epoch)


class ExemptingPromoter(Exempting):
    """The same with a judge that may change its mind."""

    def promoted(self, paused: Collection[int]) -> tuple[int, ...]:
        """Which of these trials, stopped before, are to go on after all."""
        assert isinstance(self.inner, Promoter)
        return self.inner.promoted(paused)


def exempting(inner: Judge, is_full: Callable[[int], bool]) -> Exempting:
    """`inner`, but for trials that are exempt."""
    return (ExemptingPromoter if isinstance(inner, Promoter) else Exempting)(inner, is_full)
