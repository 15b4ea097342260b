"""Trials at several of their epochs, kept while they train: what snapshot ensembles and soups are made of."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from cotune.engine.loop import Engine, LaneWeights
from cotune.types import Record

CYCLES = 5
"""Epochs at which a trial is kept, the last of them its last."""


def cycle_ends(epochs: int) -> frozenset[int]:
    """The epochs after which a trial is kept, at equal distances.

    Example:
        >>> sorted(cycle_ends(20))
        [4, 8, 12, 16, 20]
    """
    return frozenset(max(1, round(epochs * k / CYCLES)) for k in range(1, CYCLES + 1))


class Checkpoints:
    """The checkpoints of trials in training.

    Args:
        epochs: after which they are taken; none where nobody asks for them.
    """

    def __init__(self, epochs: frozenset[int]) -> None:
        self._epochs = epochs
        self._kept: dict[int, list[LaneWeights]] = defaultdict(list)

    def take(self, engine: Engine, records: Sequence[Record]) -> None:
        """After an epoch: keep the lanes whose cycle has ended with it."""
        due = [record for record in records if record.epoch in self._epochs]
        if due:
            self.put(engine.now(due))

    def put(self, weights: Iterable[LaneWeights]) -> None:
        """Take in what a snapshot held."""
        for item in weights:
            self._kept[item.lane.id.trial].append(item)

    def of(self, trial: int) -> list[LaneWeights]:
        """Those of a trial."""
        return list(self._kept.get(trial, ()))

    def forget(self, trial: int) -> list[LaneWeights]:
        """Those of a trial that has ended; they are not kept any more."""
        return self._kept.pop(trial, [])

    def all(self) -> list[LaneWeights]:
        """Every one, for a snapshot."""
        return [item for kept in self._kept.values() for item in kept]
