"""The schedules of many lanes at once. Every lane is at its own step of its own schedule.

| symbol | meaning                      | shape     |
|--------|------------------------------|-----------|
| t      | optimizer steps taken so far | lane step |
| total  | steps a lane may take        | lane 1    |
| rise   | steps of its warmup          | lane 1    |
| rest   | steps after the warmup       | lane 1    |
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from cotune.engine.schedules.base import RISE
from cotune.engine.schedules.table import SCHEDULES


def factors(names: Sequence[str], t: Tensor, *, total: Tensor, numbers: Mapping[str, Tensor]) -> Tensor:
    """Fraction of each lane's peak rate at each of its steps, float64 [lane step].

    The warmup is a straight line (Goyal et al. 2017).

    Args:
        names: schedule of each lane, length lane.
        t: steps taken before [lane step].
        total: steps a lane may take [lane].
        numbers: all that schedules read, [lane] each; of a number without a meaning for a lane any value will do.
    """
    t, total = t.double(), total.double().unsqueeze(1)
    read = {"warmup", *(number for name in set(names) for number in SCHEDULES[name].reads)}
    own = {name: numbers[name].double().unsqueeze(1) for name in sorted(read)}
    warms = torch.tensor([["warmup" in SCHEDULES[name].reads] for name in names])
    rise = (own["warmup"] * total * warms).round()
    rest = (total - rise).clamp(min=1)
    own[RISE] = rise.clamp(min=1) / rest
    u = ((t - rise) / rest).clamp(0, 1)
    shares = torch.empty_like(u)
    for name in dict.fromkeys(names):
        rows = torch.tensor([other == name for other in names])
        shares[rows] = SCHEDULES[name].share(u[rows], {key: value[rows] for key, value in own.items()})
    return torch.where(t < rise, (t + 1) / rise.clamp(min=1), shares)
