"""The best ended trials, whose weights are kept: the model will be one of them, or an ensemble of some."""

from collections.abc import Sequence
from dataclasses import dataclass

from cotune.engine.loop import LaneWeights
from cotune.search import Objectives
from cotune.search.several.dominance import as_points, first_front
from cotune.search.several.order import order
from cotune.types import TrialResult

MOST = 5
"""Trials kept where no ensemble asks for more."""

FRONT = 32
"""Trials kept beside the best, where there are several objectives: those that none dominates, spread over the front."""

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
        objectives: where there are several; the front's trials are kept as well.
    """

    def __init__(self, *, maximize: bool, most: int = MOST, objectives: Objectives | None = None) -> None:
        self._maximize = maximize
        self._objectives = objectives
        self._most = most
        self._kept: list[Leader] = []

    def rank(self, result: TrialResult) -> tuple[float, ...]:
        """Smaller is better; a score of fewer folds is worse than any of more."""
        assert result.score is not None
        if self._objectives is None:
            return (-result.share, -result.score if self._maximize else result.score, result.number)
        return (*as_points([self._objectives.losses(result.score, result.values)])[0], result.number)

    def would_keep(self, result: TrialResult) -> bool:
        """Whether a trial that has ended is among the best."""
        if result.score is None:
            return False
        best = len(self._kept) < self._most or self.rank(result) < self.rank(
            self._kept[self._most - 1].result
        )
        return best or (self._objectives is not None and result in self._front([*self.results(), result]))

    def keep(self, leader: Leader) -> None:
        """Take a trial in, and let the worst go if there are too many."""
        self._kept = self.best([*self._kept, leader])

    def best(self, leaders: Sequence[Leader]) -> list[Leader]:
        """The best of some trials, as many as are kept, best first."""
        found = sorted(leaders, key=lambda leader: self.rank(leader.result))[: self._most]
        if self._objectives is not None:
            front = self._front([leader.result for leader in leaders])
            own = {leader.result.number: leader for leader in leaders if leader not in found}
            found += [own[result.number] for result in front if result.number in own][:FRONT]
        taken = sum(leader.bytes for leader in found)
        while len(found) > MOST and taken > BYTES:
            taken -= found.pop().bytes
        return sorted(found, key=lambda leader: self.rank(leader.result))

    def _front(self, results: Sequence[TrialResult]) -> list[TrialResult]:
        """Those that none of the others dominates, in an order in which any first few are spread over them."""
        assert self._objectives is not None
        results = sorted(results, key=lambda result: result.number)
        losses = as_points([self._objectives.of(result) or () for result in results])
        places = first_front(losses)
        return [results[places[i]] for i in order(losses[places])]

    def all(self) -> list[Leader]:
        """The trials, best first."""
        return list(self._kept)

    def results(self) -> list[TrialResult]:
        """How they went."""
        return [leader.result for leader in self._kept]

    def all_weights(self) -> list[LaneWeights]:
        """The networks of every kept trial, for a snapshot."""
        return [item for leader in self._kept for item in leader.weights]
