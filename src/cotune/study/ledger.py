"""Who goes on and who ends: a pure function of the records in the order of their boundaries.

On resume the ledger is rebuilt by showing it the stored boundaries again.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cotune.search import Judge, Patience
from cotune.types import Divergence, LaneId, Record, Status, Trial, TrialResult

EPOCH_LIMIT = "epoch limit"


@dataclass
class Running:
    """A trial in training: what its lanes have shown so far."""

    trial: Trial
    lanes: int
    best: dict[LaneId, float] = field(default_factory=dict)
    figures: dict[int, dict[LaneId, tuple[float, float]]] = field(default_factory=lambda: defaultdict(dict))
    curve: list[tuple[int, float, float]] = field(default_factory=list)
    seconds: float = 0.0

    def score(self) -> float | None:
        """Mean over lanes of each lane's best figure; `None` until all have one."""
        return sum(self.best.values()) / self.lanes if len(self.best) == self.lanes else None


class Ledger:
    """Follows every trial in training.

    Args:
        metric, maximize: the figure that steers.
        epochs: epochs a trial may take.
        rungs: or `None` when no trial is stopped early.
        patience: epochs without a gain before a trial ends; 0 is never.
    """

    def __init__(
        self, *, metric: str, maximize: bool, epochs: int, rungs: Judge | None, patience: int
    ) -> None:
        self._metric = metric
        self._maximize = maximize
        self._epochs = epochs
        self._rungs = rungs
        self._waits = patience
        self._patience = Patience(patience, maximize)
        self._runs: dict[int, Running] = {}
        self.running: dict[int, Running] = {}

    def start(self, trial: Trial, lanes: int) -> None:
        """A trial joins with so many lanes."""
        self.running[trial.number] = self._runs[trial.number] = Running(trial, lanes)

    def judge(
        self, records: Sequence[Record], divergences: Sequence[Divergence] = (), failed: Sequence[LaneId] = ()
    ) -> list[TrialResult]:
        """Take note of a boundary and name the trials that it ends, by number."""
        ended: dict[int, TrialResult] = {}
        for divergence in divergences:
            where = f"not finite at step {divergence.step} in {divergence.layer}"
            self._end(ended, divergence.lane.trial, Status.DIVERGED, where)
        for lane in failed:
            self._end(ended, lane.trial, Status.FAILED, "out of memory, even with one lane at a time")
        advanced = self._advance([record for record in records if record.lane.trial in self.running])
        if self._rungs is not None:
            scores = [(trial, epoch, self.running[trial].score() or 0.0) for trial, epoch in advanced]
            for trial in sorted(self._rungs.judge(scores)):
                epoch = dict(advanced)[trial]
                self._end(ended, trial, Status.STOPPED, f"not among the best at the rung of epoch {epoch}")
        for trial, epoch in advanced:
            if trial not in self.running:
                continue
            bored = self._patience.update(trial, self.running[trial].curve[-1][2])
            if epoch >= self._epochs:
                self._end(ended, trial, Status.COMPLETE, "all epochs")
            elif bored:
                self._end(ended, trial, Status.COMPLETE, f"no gain for {self._waits} epochs")
        return [ended[number] for number in sorted(ended)]

    def close(self, reason: str) -> list[TrialResult]:
        """End every trial that is still running."""
        ended: dict[int, TrialResult] = {}
        for number in sorted(self.running):
            self._end(ended, number, Status.STOPPED, reason)
        return list(ended.values())

    def forget(self, result: TrialResult) -> TrialResult:
        """A trial is over by the store's word; its result with its curve and lanes, which the store leaves out."""
        self.running.pop(result.number, None)
        run = self._runs.pop(result.number)
        lanes = tuple(run.best[lane] for lane in sorted(run.best)) if run.score() is not None else ()
        return replace(result, curve=tuple(run.curve), lanes=lanes)

    def surplus(self, lanes: int) -> list[TrialResult]:
        """End the worst trials in training, so that the others have at most so many lanes."""
        sign = -1.0 if self._maximize else 1.0
        scored = {n: run.score() for n, run in self.running.items()}
        best_first = sorted(
            self.running, key=lambda n: (math.inf if scored[n] is None else sign * (scored[n] or 0.0), n)
        )
        ended: dict[int, TrialResult] = {}
        for number in best_first:
            lanes -= self.running[number].lanes
            if lanes < 0:
                self._end(ended, number, Status.STOPPED, EPOCH_LIMIT)
        return [ended[number] for number in sorted(ended)]

    def _advance(self, records: Sequence[Record]) -> list[tuple[int, int]]:
        """(trial, epoch) for every epoch that all lanes of a trial have finished now."""
        advanced = []
        for record in records:
            run = self.running[record.lane.trial]
            run.seconds += record.seconds
            figure = record.metrics[self._metric]
            best = run.best.get(record.lane)
            if best is None or (figure > best if self._maximize else figure < best):
                run.best[record.lane] = figure
            run.figures[record.epoch][record.lane] = (record.train_loss, figure)
            if len(run.figures[record.epoch]) == run.lanes:
                pairs = list(run.figures.pop(record.epoch).values())
                loss, mean = (sum(column) / run.lanes for column in zip(*pairs, strict=True))
                run.curve.append((record.epoch, loss, mean))
                advanced.append((record.lane.trial, record.epoch))
        return advanced

    def _end(self, ended: dict[int, TrialResult], number: int, status: Status, reason: str) -> None:
        run = self.running.pop(number, None)
        if run is None:
            return
        scored = status in (Status.COMPLETE, Status.STOPPED)
        ended[number] = TrialResult(
            number=number,
            params=run.trial.params,
            status=status,
            score=run.score() if scored else None,
            epochs=len(run.curve),
            seconds=run.seconds,
            reason=reason,
            curve=tuple(run.curve),
        )
