"""Schedules that stand still and drop: `drops` times by `decay_factor`; see `cotune.engine.schedules.base`."""

import torch
from torch import Tensor

from cotune.engine.schedules.base import ROUNDING, Numbers, Schedule


def step(u: Tensor, numbers: Numbers) -> Tensor:
    """factor^⌊(drops + 1) u⌋: phases of equal length."""
    drops = numbers["drops"]
    count = torch.floor((drops + 1) * u + ROUNDING)
    return numbers["decay_factor"] ** torch.minimum(count, drops)


def multistep(u: Tensor, numbers: Numbers) -> Tensor:
    """A drop whenever half of the rest is over: at 1/2, 3/4, 7/8 … of the steps.

    He et al. train 64,000 steps on CIFAR-10 and divide the rate by 10 at 32,000 and 48,000: two drops.
    """
    left = (1 - u).clamp(min=2.0**-60)
    count = torch.floor(-torch.log2(left) + ROUNDING)
    return numbers["decay_factor"] ** torch.minimum(count, numbers["drops"])


STEP = Schedule(step, ("warmup", "drops", "decay_factor"), "Krizhevsky et al. 2012; torch's StepLR")
MULTISTEP = Schedule(multistep, ("warmup", "drops", "decay_factor"), "He et al. 2016, §4.2")
