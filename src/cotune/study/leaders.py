"""The best ended trials, whose weights are kept: the model will be one of them, or an ensemble of some."""

from collections.abc import Sequence
from dataclasses import dataclass

from cotune.engine.loop import LaneWeights
from cotune.types import TrialResult

MOST = 5
"""Trials kept where no ensemble asks for more."""

BYTES = 256 << 20
"""What trials may take where more than those are kept, since they are part of every snapshot."""


@dataclass(frozen=True, eq=False)
class Leader:
    """A trial and its networks.

    Args:
        result: how it went.
        lanes: its folds × seeds, each at its best epoch.
        checkpoints: the same at further epochs, where they are kept.
    """

    result: TrialResult
    lanes: Sequence[LaneWeights]
    checkpoints: Sequence[LaneWeights] = ()

    @property
    def weights(self) -> list[LaneWeights]:
        """All of them."""
        return [*self.lanes, *self.checkpoints]

    @property
    def bytes(self) -> int:
        """What they take."""
        return sum(item.weights.nbytes + item.statistics.nbytes for item in self.weights)


class Leaders:
    """Keeps the weights of the best trials; of equal scores the earlier trial is better.

    Which are kept follows from the trials in the order in which they ended, so that a resumed study keeps the same.

    Args:
        maximize: whether larger scores are better.
        most: trials kept; fewer where they are large.
    """

    def __init__(self, *, maximize: bool, most: int = MOST) -> None:
        self._maximize = maximize
        self._most = most
        self._kept: list[Leader] = []

    def rank(self, result: TrialResult) -> tuple[float, float, int]:
        """Smaller is better; a score of fewer folds is worse than any of more."""
        assert result.score is not None
        return (-result.share, -result.score if self._maximize else result.score, result.number)

    def would_keep(self, result: TrialResult) -> bool:
        """Whether a trial that has ended is among the best."""
        if result.score is None:
            return False
        return len(self._kept) < self._most or self.rank(result) < self.rank(self._kept[-1].result)

    def keep(self, leader: Leader) -> None:
        """Take a trial in, and let the worst go if there are too many."""
        self._kept = self.best([*self._kept, leader])

    def best(self, leaders: Sequence[Leader]) -> list[Leader]:
        """The best of some trials, as many as are kept, best first."""
        found = sorted(leaders, key=lambda leader: self.rank(leader.result))[: self._most]
        taken = sum(leader.bytes for leader in found)
        while len(found) > MOST and taken > BYTES:
            taken -= found.pop().bytes
        return found

    def all(self) -> list[Leader]:
        """The trials, best first."""
        return list(self._kept)

    def results(self) -> list[TrialResult]:
        """How they went."""
        return [leader.result for leader in self._kept]

    def all_weights(self) -> list[LaneWeights]:
        """The networks of every kept trial, for a snapshot."""
        return [item for leader in self._kept for item in leader.weights]
