"""Which of a trial's records its score is of, where its lanes are trained stage by stage."""

from collections.abc import Mapping
from typing import Any

from cotune.recipe.stages import Stages
from cotune.types import Record


def stages_of(meta: Mapping[str, Any]) -> Stages:
    """The stages of a study's trials, from its facts; of studies from before there were any, one."""
    search = meta["resolved"]["search"]
    folds = int((meta["data"].get("parts") or {}).get("folds") or 1)
    return Stages(
        by=search.get("rung_by", "epochs"),
        folds=folds,
        seeds=int(search.get("seeds", 1)),
        reduction=int(search.get("reduction", 3)),
        levels=int(meta.get("levels", 0)),
    )


def counted(
    records: tuple[Record, ...], meta: Mapping[str, Any], *, over: bool
) -> tuple[tuple[Record, ...], float]:
    """The records of the lanes that count, and which part of the folds they cover.

    Args:
        records: of a trial.
        meta: facts of the study.
        over: whether its last stage came to its end; else the stage before counts, if there is one.
    """
    stages = stages_of(meta)
    if not stages.last:
        return records, 1.0
    begun = {record.lane.index for record in records}
    reached = [stage for stage in range(stages.last + 1) if begun & set(stages.lanes(stage))]
    if not reached:
        return records, stages.share(len(stages.counted(0)))
    stage = reached[-1] if over or len(reached) == 1 else reached[-2]
    lanes = stages.counted(stage)
    return tuple(record for record in records if record.lane.index in lanes), stages.share(len(lanes))
