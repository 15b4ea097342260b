"""A trial in training, as the ledger sees it."""

from collections import defaultdict
from dataclasses import dataclass, field

from cotune.types import LaneId, Trial


@dataclass
class Running:
    """A trial in training: what its lanes have shown so far.

    Args:
        trial: which.
        lanes: that train together.
        best: the best figure of each.
        figures: (train loss, figure) of epochs that not all have finished.
        curve: (epoch, train loss, figure), means over lanes.
        seconds: all of it took.
        stage: that it is in, where rungs go by folds or rows; lanes, best figures and curve are of that stage.
        before: epochs of earlier stages.
        done: best figures of the lanes of earlier stages that count.
        stages: (stages done, train loss, score) after each.
    """

    trial: Trial
    lanes: int
    best: dict[LaneId, float] = field(default_factory=dict)
    figures: dict[int, dict[LaneId, tuple[float, float]]] = field(default_factory=lambda: defaultdict(dict))
    curve: list[tuple[int, float, float]] = field(default_factory=list)
    seconds: float = 0.0
    stage: int = 0
    before: int = 0
    done: dict[LaneId, float] = field(default_factory=dict)
    stages: list[tuple[int, float, float]] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        """The epoch it has come to; a trial that began as a copy of another counts on from there."""
        if self.curve:
            return self.curve[-1][0]
        return self.trial.parent.epoch if self.trial.parent else 0

    @property
    def counted(self) -> frozenset[LaneId]:
        """The lanes that the score is of."""
        return frozenset(self.done or self.best)

    def next_stage(self, lanes: int) -> None:
        """Its next lanes begin, so many."""
        self.stage += 1
        self.before += self.epoch
        self.lanes, self.best, self.curve = lanes, {}, []

    def score(self) -> float | None:
        """Mean over lanes of each lane's best figure; `None` until all have one.

        A stage counts once it is over; the first one from its first epoch on, for there is nothing else.
        """
        if self.done:
            return sum(self.done.values()) / len(self.done)
        return sum(self.best.values()) / self.lanes if len(self.best) == self.lanes else None
