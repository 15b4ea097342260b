"""Successive halving of trials that are compared in several objectives."""

from collections.abc import Collection, Sequence

from cotune.search.rungs.bracket import Bracket
from cotune.search.several.dominance import as_points
from cotune.search.several.order import order


class FrontRungs:
    """Rungs at `first · reductionⁱ` epochs; one in `reduction` goes on from each, by fronts.

    As `cotune.search.rungs.halving.Rungs`, but for the order: front by front, and of the front that cannot go on as a
    whole, those that are spread over it, the best by the first objective before all others.

    Args:
        epochs: what a full training takes; rungs lie below it.
        first: epoch of the first rung.
        reduction: one in so many goes on.

    Source: Schmucker et al., Multi-objective asynchronous successive halving, 2021.
    """

    def __init__(self, *, epochs: int, first: int, reduction: int) -> None:
        self._reduction = reduction
        self._seen: dict[int, dict[int, tuple[float, ...]]] = {}
        while first < epochs:
            self._seen[first] = {}
            first *= reduction

    @property
    def levels(self) -> tuple[int, ...]:
        """The epochs of the rungs."""
        return tuple(self._seen)

    @property
    def brackets(self) -> tuple[Bracket, ...]:
        """One for all trials."""
        return (Bracket(1.0, self.levels),)

    def judge(self, arrivals: Sequence[tuple[int, int, tuple[float, ...]]]) -> frozenset[int]:
        """Which of the trials that finished an epoch at this boundary are to be stopped.

        Args:
            arrivals: (trial, epoch, what it has shown: less is better, NaN is worse than every number).
        """
        stopped: set[int] = set()
        for epoch, seen in self._seen.items():
            here = {trial: shown for trial, at, shown in arrivals if at == epoch}
            if here:
                seen.update(here)
                stopped |= here.keys() - set(self._going_on(seen))
        return frozenset(stopped)

    def reason(self, epoch: int) -> str:
        """Why a trial was stopped there."""
        return f"not among the best at the rung of epoch {epoch}"

    def promoted(self, paused: Collection[int]) -> tuple[int, ...]:
        """Which of the trials that were stopped would go on by now, since later ones at their rung were worse.

        The deepest rung first, and there the best first.

        Args:
            paused: trials that were stopped at the deepest rung that they have seen.
        """
        found, left = list[int](), set(paused)
        for epoch in sorted(self._seen, reverse=True):
            seen = self._seen[epoch]
            here = left & seen.keys()
            left -= here
            found += [trial for trial in self._going_on(seen) if trial in here] if here else []
        return tuple(found)

    def _going_on(self, seen: dict[int, tuple[float, ...]]) -> list[int]:
        """One in `reduction` of those seen, at least one; the best first."""
        trials = sorted(seen)
        most = max(1, len(trials) // self._reduction)
        return [trials[place] for place in order(as_points([seen[t] for t in trials]), count=most)]
