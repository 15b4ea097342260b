"""Successive halving in lock-step: weak trials are stopped at rungs."""

import math
from collections.abc import Sequence


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
        self._seen: dict[int, dict[int, float]] = {}
        while first < epochs:
            self._seen[first] = {}
            first *= reduction

    @property
    def levels(self) -> tuple[int, ...]:
        """The epochs of the rungs."""
        return tuple(self._seen)

    def judge(self, arrivals: Sequence[tuple[int, int, float]]) -> frozenset[int]:
        """Which of the trials that finished an epoch at this boundary are to be stopped.

        Args:
            arrivals: (trial, epoch, score); those between rungs pass. NaN is worse than every number.

        A trial goes on if it is among the best ⌊n / reduction⌋, at least one, of the n seen at its rung;
        of equal scores the lower trial number is better.
        """
        here = [(trial, epoch) for trial, epoch, _ in arrivals if epoch in self._seen]
        for trial, epoch, score in arrivals:
            if epoch in self._seen:
                self._seen[epoch][trial] = math.inf if math.isnan(score) else self._sign * score
        going_on = {epoch: self._best(epoch) for _, epoch in here}
        return frozenset(trial for trial, epoch in here if trial not in going_on[epoch])

    def _best(self, epoch: int) -> set[int]:
        seen = self._seen[epoch]
        ranked = sorted(seen, key=lambda trial: (seen[trial], trial))
        return set(ranked[: max(1, len(ranked) // self._reduction)])
