"""Reduce on plateau: the rate falls when the validation figure has not gained for some epochs.

The only schedule that depends on how training goes: what it has come to is kept with the lane's counters.

| symbol | meaning                                          | shape |
|--------|--------------------------------------------------|-------|
| factor | what is left of the peak rate, 1 at first        | lane  |
| waited | epochs since the last gain, or the last reduction | lane  |
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine.lanes import Lane
from cotune.engine.schedules.base import Schedule
from cotune.engine.schedules.decays import constant

NAME = "reduce_on_plateau"

REDUCE_ON_PLATEAU = Schedule(
    constant,
    ("warmup", "final_lr", "decay_factor", "plateau_patience"),
    "Bengio 2012, §3.1.1, as torch's ReduceLROnPlateau",
)


def after_epoch(
    lanes: Sequence[Lane], factor: Tensor, waited: Tensor, *, gained: Tensor, judged: Tensor
) -> tuple[Tensor, Tensor]:
    """Factors and epochs waited after an epoch; those of lanes with other schedules stay as they are.

    After `plateau_patience` epochs in a row without a gain, factor ← max(factor · decay_factor, final_lr).

    Args:
        lanes: in the order of the rows.
        factor, waited: float64 and int64 [lane]; not changed.
        gained: whether the lane's figure is its best so far [lane].
        judged: whether it has a figure of this epoch [lane].
    """
    mine = [place for place, lane in enumerate(lanes) if lane.schedule == NAME]
    if not mine:
        return factor, waited
    numbers = {
        name: torch.tensor([lanes[place].number(name) for place in mine], dtype=torch.float64)
        for name in ("decay_factor", "final_lr", "plateau_patience")
    }
    rows = torch.tensor(mine)
    since = torch.where(gained[rows], 0, waited[rows] + 1)
    due = judged[rows] & (since >= numbers["plateau_patience"])
    reduced = torch.maximum(factor[rows] * numbers["decay_factor"], numbers["final_lr"])
    since = torch.where(due, 0, since)
    return (
        factor.index_copy(0, rows, torch.where(due, reduced, factor[rows])),
        waited.index_copy(0, rows, torch.where(judged[rows], since, waited[rows])),
    )
