"""Who goes on and who ends: a pure function of the records in the order of their boundaries.

On resume the ledger is rebuilt by showing it the stored boundaries again.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cotune.search import Judge, Patience
from cotune.search.history import OUT_OF_MEMORY
from cotune.types import Divergence, LaneId, Record, Status, Trial, TrialResult


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
        self._curves: dict[int, list[tuple[int, float, float]]] = {}
        self.running: dict[int, Running] = {}
        self._at_rung: list[tuple[int, int]] = []

    def start(self, trial: Trial, lanes: int) -> None:
        """A trial joins with so many lanes."""
        self.running[trial.number] = run = Running(trial, lanes)
        self._curves[trial.number] = run.curve

    def judge(
        self, records: Sequence[Record], divergences: Sequence[Divergence] = (), failed: Sequence[LaneId] = ()
    ) -> list[TrialResult]:
        """Take note of a boundary and name the trials that it ends, by number."""
        ended: dict[int, TrialResult] = {}
        for divergence in divergences:
            where = f"not finite at step {divergence.step} in {divergence.layer}"
            self._end(ended, divergence.lane.trial, Status.DIVERGED, where)
        for lane in failed:
            self._end(ended, lane.trial, Status.FAILED, f"{OUT_OF_MEMORY}, even with one lane at a time")
        advanced = self._advance([record for record in records if record.lane.trial in self.running])
        levels = self._rungs.levels if self._rungs is not None else ()
        self._at_rung = [(trial, epoch) for trial, epoch in advanced if epoch in levels]
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

    def passed(self) -> list[TrialResult]:
        """The trials that go on from a rung of the last boundary, as far as they are."""
        return [
            TrialResult(
                n, run.trial.params, Status.RUNNING, run.score(), e, run.seconds, curve=tuple(run.curve)
            )
            for n, e in self._at_rung
            if (run := self.running.get(n)) is not None
        ]

    def forget(self, result: TrialResult) -> TrialResult:
        """A trial is over by the store's word; its result with the curve, which the store's word leaves out."""
        self.running.pop(result.number, None)
        return replace(result, curve=tuple(self._curves.pop(result.number)))

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
