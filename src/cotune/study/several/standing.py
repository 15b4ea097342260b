"""What trials have shown beside their scores: a pure function of the records, as the ledger is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cotune.recipe.names import COSTS
from cotune.records.sides import BestLane, mean
from cotune.search import Objectives
from cotune.types import LaneId, Record, TrialResult


@dataclass
class _Trial:
    costs: Mapping[str, float]
    best: dict[LaneId, BestLane] = field(default_factory=dict)
    epochs: dict[int, dict[LaneId, Mapping[str, float]]] = field(default_factory=dict)


class Standing:
    """Follows the further objectives of trials in training.

    Args:
        metric: that steers; a lane's other figures count where this one was best.
        names: of the further objectives, in the recipe's order.
        objectives: their directions.
        costs: of a trial's model, by its number.
    """

    def __init__(
        self,
        metric: str,
        names: Sequence[str],
        objectives: Objectives,
        *,
        costs: Callable[[int], Mapping[str, float]],
    ) -> None:
        self._metric, self._names = metric, tuple(names)
        self._objectives, self._costs = objectives, costs
        self._trials: dict[int, _Trial] = {}

    def start(self, trial: int) -> None:
        """A trial joins."""
        self._trials[trial] = _Trial(self._costs(trial))

    def see(self, records: Sequence[Record]) -> None:
        """Take note of a boundary."""
        for record in records:
            trial = self._trials.get(record.lane.trial)
            if trial is not None:
                best = trial.best.setdefault(record.lane, BestLane(self._metric, self._objectives.maximize))
                best.see(record)
                trial.epochs.setdefault(record.epoch, {})[record.lane] = record.metrics

    def shown(self, trial: int, score: float) -> tuple[float, ...]:
        """What a trial has shown so far, less is better."""
        return self._objectives.losses(score, self.values(trial))

    def values(self, trial: int) -> tuple[float, ...]:
        """Of the further objectives, those of the networks that a trial in training would hand out now."""
        return self._values(self._trials[trial])

    def complete(self, result: TrialResult) -> TrialResult:
        """A result with its further figures; the trial is followed no more."""
        trial = self._trials.pop(result.number)
        sides = tuple(
            self._figures(trial, list(trial.epochs.get(epoch, {}).values())) for epoch, _, _ in result.curve
        )
        return replace(result, values=self._values(trial), sides=sides)

    def _values(self, trial: _Trial) -> tuple[float, ...]:
        return self._figures(trial, [best.metrics for best in trial.best.values()])

    def _figures(self, trial: _Trial, each: Sequence[Mapping[str, float]]) -> tuple[float, ...]:
        return tuple(
            float(trial.costs[name]) if name in COSTS else mean([metrics[name] for metrics in each])
            for name in self._names
        )
