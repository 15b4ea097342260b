"""The best ended trials, whose weights are kept: one of them will be the model."""

from cotune.engine.loop import LaneWeights
from cotune.types import TrialResult

MOST = 5
"""Trials kept."""


class Leaders:
    """Keeps the weights of the best trials; of equal scores the earlier trial is better.

    Args:
        maximize: whether larger scores are better.
    """

    def __init__(self, *, maximize: bool) -> None:
        self._maximize = maximize
        self._kept: list[tuple[TrialResult, list[LaneWeights]]] = []

    def rank(self, result: TrialResult) -> tuple[float, int]:
        """Smaller is better."""
        assert result.score is not None
        return (-result.score if self._maximize else result.score, result.number)

    def would_keep(self, result: TrialResult) -> bool:
        """Whether a trial that has ended is among the best."""
        if result.score is None:
            return False
        return len(self._kept) < MOST or self.rank(result) < self.rank(self._kept[-1][0])

    def keep(self, result: TrialResult, lanes: list[LaneWeights]) -> None:
        """Take a trial in, and let the worst go if there are too many."""
        self._kept = sorted([*self._kept, (result, lanes)], key=lambda pair: self.rank(pair[0]))[:MOST]

    def results(self) -> list[TrialResult]:
        """The trials, best first."""
        return [result for result, _ in self._kept]

    def lanes(self, number: int) -> list[LaneWeights]:
        """The lanes of a kept trial; none of one that is not kept."""
        return next((lanes for result, lanes in self._kept if result.number == number), [])

    def all_lanes(self) -> list[LaneWeights]:
        """The lanes of every kept trial, for a snapshot."""
        return [weights for _, lanes in self._kept for weights in lanes]
