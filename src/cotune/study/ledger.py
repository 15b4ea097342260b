"""Who goes on and who ends: a pure function of the records in the order of their boundaries.

On resume the ledger is rebuilt by showing it the stored boundaries again.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from cotune.recipe.stages import Stages
from cotune.search import Breeder, Judge, Patience, Promoter
from cotune.search.history import OUT_OF_MEMORY
from cotune.study.running import Running
from cotune.study.several.standing import Standing
from cotune.study.staged import Staged
from cotune.types import EPOCH_LIMIT, Divergence, LaneId, Parent, Record, Status, Trial, TrialResult


@dataclass(frozen=True)
class Verdict:
    """What a boundary decides: trials that are over, and numbers of those to be paused at their rung."""

    ended: tuple[TrialResult, ...]
    paused: tuple[int, ...] = ()


class Ledger:
    """Follows every trial in training, and those that are paused.

    Args:
        metric, maximize: the figure that steers.
        epochs: epochs a trial may take.
        rungs: or `None` when no trial is stopped early.
        patience: epochs without a gain before a trial ends; 0 is never.
        beside: follows what trials are compared by beside their scores, where there is any.
        pauses: whether those whom the judge stops may go on later, if it is one that promotes.
        stages: in which order a trial's lanes are trained; by default all at once.
    """

    def __init__(
        self,
        *,
        metric: str,
        maximize: bool,
        epochs: int,
        rungs: Judge | None,
        patience: int,
        beside: Standing | None = None,
        pauses: bool = False,
        stages: Stages | None = None,
    ) -> None:
        self._metric = metric
        self._maximize = maximize
        self._epochs = epochs
        self._rungs = rungs
        self._levels = {level for bracket in rungs.brackets for level in bracket.levels} if rungs else set()
        self._staged = Staged(stages, rungs) if stages and stages.last and rungs else None
        pauses = pauses and self._staged is None
        self._promoter = rungs if pauses and isinstance(rungs, Promoter) else None
        self._waits = patience
        self._beside = beside
        self._patience = Patience(patience, maximize)
        self._runs: dict[int, Running] = {}
        self.running: dict[int, Running] = {}
        self.paused: dict[int, Running] = {}
        self._at_rung: list[tuple[int, int]] = []

    def start(self, trial: Trial, lanes: int) -> None:
        """A trial joins with so many lanes."""
        self.running[trial.number] = self._runs[trial.number] = Running(trial, lanes)
        if self._beside is not None:
            self._beside.start(trial.number)

    def judge(
        self, records: Sequence[Record], divergences: Sequence[Divergence] = (), failed: Sequence[LaneId] = ()
    ) -> Verdict:
        """Take note of a boundary and name the trials that it ends, and those that it pauses, by number."""
        ended: dict[int, TrialResult] = {}
        paused: list[int] = []
        for divergence in divergences:
            where = f"not finite at step {divergence.step} in {divergence.layer}"
            self._end(ended, divergence.lane.trial, Status.DIVERGED, where)
        for lane in failed:
            self._end(ended, lane.trial, Status.FAILED, f"{OUT_OF_MEMORY}, even with one lane at a time")
        advanced = self._advance([record for record in records if record.lane.trial in self.running])
        if self._beside is not None:
            self._beside.see(records)
        self._at_rung = []
        if self._rungs is not None and self._staged is None:
            self._at_rung = [(trial, epoch) for trial, epoch in advanced if epoch in self._levels]
            scores = [(trial, epoch, self._shown(self.running[trial])) for trial, epoch in advanced]
            for trial in sorted(self._rungs.judge(scores)):
                if self._promoter is not None:
                    paused.append(trial)
                else:
                    run = self.running[trial]
                    self._end(ended, trial, Status.STOPPED, self._rungs.reason(run.epoch))
        over: dict[int, str] = {}
        for trial, epoch in advanced:
            if trial not in self.running:
                continue
            bored = self._patience.update(trial, self.running[trial].curve[-1][2])
            if trial in paused:
                continue
            if epoch >= self._epochs:
                over[trial] = "all epochs"
            elif bored:
                over[trial] = f"no gain for {self._waits} epochs"
        if self._staged is not None:
            self._staged.judge(over, self.running, partial(self._end, ended))
            for trial in self._staged.promoted:
                self._patience.forget(trial)
        else:
            for trial, reason in over.items():
                self._end(ended, trial, Status.COMPLETE, reason)
        return Verdict(tuple(ended[number] for number in sorted(ended)), tuple(paused))

    def alive(self) -> list[tuple[int, Running]]:
        """Trials that run or rest, by number."""
        return sorted([*self.running.items(), *self.paused.items()], key=lambda pair: pair[0])

    def pause(self, number: int) -> TrialResult:
        """A trial rests at its rung; how it stands there, as if it were over."""
        assert self._promoter is not None
        run = self.paused[number] = self.running.pop(number)
        return self._result(run, Status.STOPPED, self._promoter.reason(run.epoch))

    def promoted(self) -> tuple[int, ...]:
        """The paused trials that would go on by now, whom to thaw first comes first."""
        return self._promoter.promoted(self.paused) if self._promoter and self.paused else ()

    def thaw(self, number: int) -> None:
        """A paused trial goes on."""
        self.running[number] = self.paused.pop(number)

    def give_up(self, number: int) -> TrialResult:
        """A paused trial will not go on: it was stopped at its rung."""
        assert self._promoter is not None
        run = self.paused.pop(number)
        return self._result(run, Status.STOPPED, self._promoter.reason(run.epoch))

    def close(self, reason: str) -> list[TrialResult]:
        """End every trial that is still running, and every paused one."""
        ended: dict[int, TrialResult] = {}
        for number in sorted(self.running):
            self._end(ended, number, Status.STOPPED, reason)
        for number in sorted(self.paused):
            ended[number] = self.give_up(number)
        return [ended[number] for number in sorted(ended)]

    @property
    def next_stages(self) -> dict[int, int]:
        """Trials whose next stage begins with the boundary that was judged last, and which stage."""
        return self._staged.promoted if self._staged else {}

    def counted(self, number: int) -> frozenset[LaneId]:
        """The lanes that the score of a trial is of; of one that is not forgotten yet."""
        return self._runs[number].counted

    def share(self, number: int) -> float:
        """Which part of the folds that score is of."""
        return self._staged.share(self._runs[number]) if self._staged else 1.0

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
        """A trial is over by the store's word; its result with what the store's word leaves out."""
        self.running.pop(result.number, None)
        self.paused.pop(result.number, None)
        share, run = self.share(result.number), self._runs.pop(result.number)
        if self._staged is not None:
            return replace(result, curve=tuple(run.stages), epochs=len(run.stages), share=share)
        lanes = tuple(run.best[lane] for lane in sorted(run.best)) if run.score() is not None else ()
        result = replace(result, curve=tuple(run.curve), lanes=lanes)
        return result if self._beside is None else self._beside.complete(result)

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

    def _shown(self, run: Running) -> float | tuple[float, ...]:
        """What the judge sees of a trial: the best so far, or the last epoch if it asks for that."""
        score = run.curve[-1][2] if getattr(self._rungs, "last_figure", False) else run.score() or 0.0
        return score if self._beside is None else self._beside.shown(run.trial.number, score)

    def births(self) -> list[Parent]:
        """Trials in training that are to have a child at this boundary."""
        if not isinstance(self._rungs, Breeder):
            return []
        return [Parent(number, self.running[number].epoch) for number in self._rungs.births(self.running)]

    def _end(self, ended: dict[int, TrialResult], number: int, status: Status, reason: str) -> None:
        run = self.running.pop(number, None)
        if run is None:
            return
        ended[number] = self._result(run, status, reason)

    def _result(self, run: Running, status: Status, reason: str) -> TrialResult:
        scored = status in (Status.COMPLETE, Status.STOPPED)
        return TrialResult(
            number=run.trial.number,
            params=run.trial.params,
            status=status,
            score=run.score() if scored else None,
            epochs=run.before + run.epoch,
            seconds=run.seconds,
            reason=reason,
            curve=tuple(run.curve),
        )
