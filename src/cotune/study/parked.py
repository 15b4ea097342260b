"""Networks of earlier stages, where rungs go by folds or rows: what a trial has if nothing more comes of it."""

from collections.abc import Sequence

from cotune.engine.loop import LaneWeights
from cotune.recipe.stages import Stages


class Parked:
    """The best weights of lanes whose stage is over, by trial.

    Args:
        stages: by folds they are parts of the trial; by rows those of the last stage stand in for the next.
    """

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._kept: dict[int, list[LaneWeights]] = {}

    def put(self, lanes: Sequence[LaneWeights], *, stage: int = 0) -> None:
        """Take in the lanes of a stage, or what a snapshot held."""
        for item in lanes:
            self._kept.setdefault(item.lane.id.trial, [])
        if not self._stages.joins and stage:
            for number in {item.lane.id.trial for item in lanes}:
                self._kept[number] = []
        for item in lanes:
            self._kept[item.lane.id.trial].append(item)

    def of(self, trial: int) -> list[LaneWeights]:
        """Those of a trial."""
        return list(self._kept.get(trial, ()))

    def forget(self, trial: int) -> None:
        """The trial is over."""
        self._kept.pop(trial, None)

    def all(self) -> list[LaneWeights]:
        """Every one, for a snapshot."""
        return [item for kept in self._kept.values() for item in kept]
