"""Rungs by folds or rows: a trial's lanes are trained stage by stage, and after each one it is judged."""

from collections.abc import Callable, Mapping

from cotune.recipe.stages import Stages
from cotune.search import Judge
from cotune.study.running import Running
from cotune.types import Status

End = Callable[[int, Status, str], None]
"""Ends a trial: number, how, why."""


class Staged:
    """Who begins the next stage.

    Args:
        stages: of every trial.
        rungs: judges by what trials have had, see `Stages.resources`.
    """

    def __init__(self, stages: Stages, rungs: Judge) -> None:
        self._stages = stages
        self._rungs = rungs
        self.promoted: dict[int, int] = {}
        """Trials whose next stage begins with this boundary, and which stage."""

    def judge(self, over: Mapping[int, str], running: Mapping[int, Running], end: End) -> None:
        """Judge the trials whose stage is over.

        Args:
            over: why each stage has come to its end.
            running: all trials in training.
            end: called for those that do not go on.
        """
        stages, arrivals = self._stages, []
        self.promoted = {}
        for trial in over:
            run = running[trial]
            run.done = {**run.done, **run.best} if stages.by == "folds" else dict(run.best)
            score = run.score()
            assert score is not None
            run.stages.append((run.stage + 1, run.curve[-1][1], score))
            if run.stage < stages.last:
                arrivals.append((trial, stages.resources[run.stage], score))
        stopped = self._rungs.judge(arrivals)
        for trial, reason in over.items():
            run = running[trial]
            if run.stage == stages.last:
                end(trial, Status.COMPLETE, reason)
            elif trial in stopped:
                end(trial, Status.STOPPED, f"not among the best after {stages.words(run.stage)}")
            else:
                run.next_stage(len(stages.lanes(run.stage + 1)))
                self.promoted[trial] = run.stage

    def share(self, run: Running) -> float:
        """Which part of the folds a trial's score is of."""
        return self._stages.share(len(run.counted))
