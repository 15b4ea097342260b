"""Rungs by folds or rows: what the stages of trials are to the engine."""

from collections.abc import Mapping

from cotune.engine.loop import Engine
from cotune.study.kept import Kept
from cotune.study.lanes import LaneFactory
from cotune.types import LaneId, Trial


def begin_stages(
    stages: Mapping[int, int],
    trials: Mapping[int, Trial],
    *,
    engine: Engine,
    factory: LaneFactory,
    kept: Kept,
) -> None:
    """Exchange the lanes of trials that have come to another stage; the earlier ones' networks are kept.

    Args:
        stages: trial → the stage that begins.
        trials: by number.
    """
    lanes = []
    for number, stage in stages.items():
        kept.parked.put(engine.best(number), stage=stage - 1)
        if not factory.stages.joins:
            kept.checkpoints.forget(number)
        engine.leave([LaneId(number, i) for i in factory.stages.lanes(stage - 1)])
        lanes += factory.lanes(number, trials[number].params, stage=stage)
    engine.join(lanes)


def lanes_of_all_rows(engine: Engine, factory: LaneFactory) -> float:
    """The lanes in training; those that have a share of the rows are as much of a lane."""
    stages = factory.stages
    if stages.by != "rows":
        return engine.lanes
    levels = (stages.level(lane.id.index) for p in engine.populations for lane in p.lanes)
    return sum(float(stages.reduction) ** -level for level in levels)
