"""Figures beside the one that steers: what the networks that are handed out had of them."""

import math
from collections.abc import Mapping, Sequence

from cotune.types import Record


class BestLane:
    """A lane's figures at its best epoch, the last of several that are equally good: those of the weights it keeps.

    Args:
        metric, maximize: the figure that steers.
    """

    def __init__(self, metric: str, maximize: bool) -> None:
        self._metric, self._sign = metric, -1.0 if maximize else 1.0
        self._best = math.inf
        self.metrics: Mapping[str, float] = {}

    def see(self, record: Record) -> None:
        """The lane's next epoch."""
        loss = self._sign * record.metrics[self._metric]
        if loss <= self._best or not self.metrics:
            self._best = loss if loss == loss else math.inf
            self.metrics = record.metrics


def mean(figures: Sequence[float]) -> float:
    """Of the lanes; NaN where there are none."""
    return math.fsum(figures) / len(figures) if figures else math.nan


def at_best(
    records: Sequence[Record], names: Sequence[str], *, metric: str, maximize: bool
) -> dict[str, float]:
    """The further metrics of a trial's networks, mean over lanes.

    Args:
        records: of the trial, by lane and epoch.
        names: of the metrics.
    """
    lanes: dict[object, BestLane] = {}
    for record in records:
        lanes.setdefault(record.lane, BestLane(metric, maximize)).see(record)
    return {name: mean([lane.metrics[name] for lane in lanes.values()]) for name in names}
