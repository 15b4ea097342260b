"""Successive halving in lock-step: weak trials are stopped at rungs."""

import math
from bisect import bisect_left, insort
from collections.abc import Collection, Sequence

from cotune.search.rungs.bracket import Bracket


class Rungs:
    """Rungs at `first · reductionⁱ` epochs; the best of `reduction` goes on from each.

    All trials that arrive at one boundary are recorded before any of them is judged, so the order in which
    lanes happen to be listed decides nothing. Nobody waits: a trial is judged against all that were seen at
    its rung so far, as in ASHA.

    Args:
        epochs: what a full training takes; rungs lie below it.
        first: epoch of the first rung.
        reduction: one in so many goes on.
        maximize: whether larger scores are better.

    Example:
        >>> Rungs(epochs=50, first=3, reduction=3, maximize=True).levels
        (3, 9, 27)

    Source: Li et al., A system for massively parallel hyperparameter tuning, 2020.
    """

    def __init__(self, *, epochs: int, first: int, reduction: int, maximize: bool) -> None:
        self._sign = -1.0 if maximize else 1.0
        self._reduction = reduction
        self._seen: dict[int, _Rung] = {}
        while first < epochs:
            self._seen[first] = _Rung()
            first *= reduction

    @property
    def levels(self) -> tuple[int, ...]:
        """The epochs of the rungs."""
        return tuple(self._seen)

    @property
    def brackets(self) -> tuple[Bracket, ...]:
        """One for all trials."""
        return (Bracket(1.0, self.levels),)

    def judge(self, arrivals: Sequence[tuple[int, int, float]]) -> frozenset[int]:
        """Which of the trials that finished an epoch at this boundary are to be stopped.

        Args:
            arrivals: (trial, epoch, score); those between rungs pass. NaN is worse than every number.

        A trial goes on if it is among the best ⌊n / reduction⌋, at least one, of the n seen at its rung;
        of equal scores the lower trial number is better.
        """
        here = [arrival for arrival in arrivals if arrival[1] in self._seen]
        for trial, epoch, score in here:
            self._seen[epoch].see(trial, math.inf if math.isnan(score) else self._sign * score)
        return frozenset(
            trial
            for trial, epoch, _ in here
            if self._seen[epoch].place(trial) >= self._seen[epoch].going_on(self._reduction)
        )

    def reason(self, epoch: int) -> str:
        """Why a trial was stopped there."""
        return f"not among the best at the rung of epoch {epoch}"

    def promoted(self, paused: Collection[int]) -> tuple[int, ...]:
        """Which of the trials that were stopped would go on by now, since later ones at their rung were worse.

        The deepest rung first, and there the best first, which is the order in which ASHA hands out work.

        Args:
            paused: trials that were stopped at the deepest rung that they have seen.
        """
        found = []
        left = set(paused)
        for level in sorted(self._seen, reverse=True):
            rung = self._seen[level]
            here = {trial: rung.place(trial) for trial in left if trial in rung}
            left -= here.keys()
            top = rung.going_on(self._reduction)
            found += sorted((trial for trial, place in here.items() if place < top), key=here.__getitem__)
        return tuple(found)


class _Rung:
    """Trials by their figure there; smaller is better. Kept in order, since thousands may arrive one by one."""

    def __init__(self) -> None:
        self._figures: dict[int, float] = {}
        self._ranked: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(self._ranked)

    def __contains__(self, trial: int) -> bool:
        return trial in self._figures

    def going_on(self, reduction: int) -> int:
        """How many of those seen go on: one in `reduction`, at least one."""
        return max(1, len(self._ranked) // reduction)

    def see(self, trial: int, figure: float) -> None:
        """Take a trial in; one that was seen before is moved."""
        if trial in self._figures:
            del self._ranked[self.place(trial)]
        self._figures[trial] = figure
        insort(self._ranked, (figure, trial))

    def place(self, trial: int) -> int:
        """How many are better."""
        return bisect_left(self._ranked, (self._figures[trial], trial))
