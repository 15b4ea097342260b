"""Hyperband: brackets of trials that are judged from different epochs on."""

from collections.abc import Collection, Sequence
from functools import cached_property

from cotune.search.rungs.bracket import Bracket
from cotune.search.rungs.halving import Rungs


class Hyperband:
    """Successive halving in several brackets; bracket b judges first at rung b, the last one never.

    How early a figure can be trusted is not known beforehand: the first bracket stops most trials soonest, the last
    lets all of them run their course. With S rungs, of each round of trials

        ⌈(S + 1) / (s + 1) · reductionˢ⌉,   s = S − b

    belong to bracket b, as in Hyperband; they are spread over the round. To which a trial belongs follows from its
    number alone. A bracket is judged in lock-step, as `Rungs` does, and nobody waits.

    Args:
        epochs: what a full training takes; rungs lie below it.
        first: epoch of the first rung of the first bracket.
        reduction: one in so many goes on.
        maximize: whether larger scores are better.

    Example:
        >>> Hyperband(epochs=27, first=3, reduction=3, maximize=True).sizes
        (9, 5, 3)

    Source: Li et al., Hyperband: a novel bandit-based approach to hyperparameter optimization, 2018; brackets of
    trials that come one by one as in Li et al., A system for massively parallel hyperparameter tuning, 2020.
    """

    def __init__(self, *, epochs: int, first: int, reduction: int, maximize: bool) -> None:
        def rungs(first: int) -> Rungs:
            return Rungs(epochs=epochs, first=first, reduction=reduction, maximize=maximize)

        most = len(rungs(first).levels)
        self._brackets = tuple(rungs(first * reduction**place) for place in range(most + 1))
        self.sizes = tuple(-(-(most + 1) * reduction**s // (s + 1)) for s in range(most, -1, -1))
        """Trials of each bracket in a round."""

    @property
    def brackets(self) -> tuple[Bracket, ...]:
        """A course for each bracket."""
        total = sum(self.sizes)
        return tuple(
            Bracket(size / total, rungs.levels)
            for size, rungs in zip(self.sizes, self._brackets, strict=True)
        )

    def bracket(self, trial: int) -> int:
        """The bracket of a trial."""
        return self._round[trial % len(self._round)]

    def judge(self, arrivals: Sequence[tuple[int, int, float]]) -> frozenset[int]:
        """Which of the trials that finished an epoch at this boundary are to be stopped.

        Args:
            arrivals: (trial, epoch, score); each is judged among the trials of its bracket.
        """
        stopped: frozenset[int] = frozenset()
        for place, rungs in enumerate(self._brackets):
            stopped |= rungs.judge([arrival for arrival in arrivals if self.bracket(arrival[0]) == place])
        return stopped

    def reason(self, epoch: int) -> str:
        """Why a trial was stopped there."""
        return f"not among the best at the rung of epoch {epoch}"

    def promoted(self, paused: Collection[int]) -> tuple[int, ...]:
        """Which of the trials that were stopped would go on by now: those of the first bracket first.

        Args:
            paused: trials that were stopped at the deepest rung that they have seen.
        """
        return tuple(
            trial
            for place, rungs in enumerate(self._brackets)
            for trial in rungs.promoted([trial for trial in paused if self.bracket(trial) == place])
        )

    @cached_property
    def _round(self) -> tuple[int, ...]:
        """The brackets of a round of trials, spread evenly: whoever lags most behind its share is next."""
        owed = [0] * len(self.sizes)
        turns = []
        for _ in range(sum(self.sizes)):
            owed = [debt + size for debt, size in zip(owed, self.sizes, strict=True)]
            turn = owed.index(max(owed))
            owed[turn] -= sum(self.sizes)
            turns.append(turn)
        return tuple(turns)
