"""The networks that are kept beside those in training: of leaders, of earlier stages and epochs, of paused trials."""

from collections.abc import Callable, Mapping, Sequence

from cotune.engine.loop import Engine, LaneWeights
from cotune.recipe import Recipe
from cotune.search import Objectives
from cotune.study.checkpoints import Checkpoints, cycle_ends
from cotune.study.lanes import LaneFactory
from cotune.study.leaders import MOST, Leader, Leaders
from cotune.study.ledger import Ledger
from cotune.study.parked import Parked
from cotune.study.resting import Resting
from cotune.types import LaneId, Status, TrialResult


class Kept:
    """All of them.

    Args:
        recipe: resolved.
        engine: has the networks in training.
        ledger: says how trials stand.
        factory: of the study.
        maximize: whether larger scores are better.
        objectives: where there are several.
    """

    def __init__(
        self,
        recipe: Recipe,
        engine: Engine,
        ledger: Ledger,
        factory: LaneFactory,
        *,
        maximize: bool,
        objectives: Objectives | None,
    ) -> None:
        after, epochs = recipe.after, recipe.training.epochs
        assert isinstance(epochs, int)
        self._ledger = ledger
        self.resting = Resting(engine, ledger, lanes=factory.lanes_per_trial, maximize=maximize)
        self.parked = Parked(factory.stages)
        self.checkpoints = Checkpoints(cycle_ends(epochs) if after.epochs_matter else frozenset())
        most = MOST if after.one_trial else after.members
        self.leaders = Leaders(maximize=maximize, most=most, objectives=objectives)

    def end(self, result: TrialResult, counted: frozenset[LaneId]) -> None:
        """A trial is over: its networks stay if it is among the best.

        Args:
            counted: the lanes that its score is of; all where there are none.
        """
        checkpoints = self.checkpoints.forget(result.number)
        if self.leaders.would_keep(result):
            self.leaders.keep(Leader(result, self._best_of(result.number, counted), checkpoints))
        self.resting.pop(result.number)
        self.parked.forget(result.number)

    def best_with(self, standing: Mapping[int, TrialResult]) -> list[Leader]:
        """The leaders there would be if these trials, in training or paused, ended so."""
        alive = [
            Leader(result, self._best_of(number, self._ledger.counted(number)), self.checkpoints.of(number))
            for number, result in standing.items()
        ]
        return self.leaders.best([*self.leaders.all(), *alive])

    def standing(self, values: Callable[[int], tuple[float, ...]]) -> dict[int, TrialResult]:
        """Trials in training, or paused, whose every lane has a figure, as if they ended now.

        Args:
            values: of the further objectives, what a trial has shown.
        """
        found = {}
        for number, run in self._ledger.alive():
            lanes = self._best_of(number, run.counted)
            if len(lanes) == (len(run.done) or run.lanes):
                score = run.score()
                score = sum(lane.score for lane in lanes) / len(lanes) if score is None else score
                found[number] = TrialResult(
                    number,
                    run.trial.params,
                    Status.STOPPED,
                    score,
                    run.epoch,
                    run.seconds,
                    "in training",
                    values=values(number),
                    share=self._ledger.share(number),
                )
        return found

    def weights(self) -> list[LaneWeights]:
        """What a snapshot holds beside lanes in training and paused ones."""
        return [*self.leaders.all_weights(), *self.checkpoints.all(), *self.parked.all()]

    def put_back(self, weights: Sequence[LaneWeights], results: Mapping[int, TrialResult]) -> None:
        """Take in what a snapshot held.

        Args:
            results: of the trials that are over.
        """
        for number in dict.fromkeys(item.lane.id.trial for item in weights):
            own = [item for item in weights if item.lane.id.trial == number]
            best, further = ([w for w in own if (w.epoch is None) == is_best] for is_best in (True, False))
            if number in results:
                self.leaders.keep(Leader(results[number], best, further))
            else:
                self.parked.put(best)
                self.checkpoints.put(further)

    def _best_of(self, trial: int, counted: frozenset[LaneId]) -> list[LaneWeights]:
        """The best weights of a trial's lanes: of earlier stages, in training or paused; those that count."""
        lanes = [*self.parked.of(trial), *self.resting.best(trial)]
        return [item for item in lanes if not counted or item.lane.id in counted]
