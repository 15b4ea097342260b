"""Schedules that rise and fall, once or several times; see `cotune.engine.schedules.base`.

Those that begin low bring their own rise and have no warmup.
"""

import torch
from torch import Tensor

from cotune.engine.schedules.base import ROUNDING, Numbers, Schedule

RISING, FIRST = 0.3, 1 / 25
"""One cycle: the fraction of the steps that rise, and the fraction of the peak to begin with (as in torch)."""


def _within(u: Tensor, cycles: Tensor) -> Tensor:
    """How much of the present cycle is over, in [0, 1]; the end belongs to the last cycle."""
    place = cycles * u
    begun = torch.minimum(torch.floor(place + ROUNDING), cycles - 1)
    return (place - begun).clamp(0, 1)


def cosine_restarts(u: Tensor, numbers: Numbers) -> Tensor:
    """final + (1 − final) ½ (1 + cos π v), v the part of the cycle that is over; cycles have equal length."""
    final, v = numbers["final_lr"], _within(u, numbers["cycles"])
    return final + (1 - final) * 0.5 * (1 + torch.cos(torch.pi * v))


def cyclic(u: Tensor, numbers: Numbers) -> Tensor:
    """final + (1 − final) (1 − |2 v − 1|): up and down in straight lines, `cycles` times."""
    final, v = numbers["final_lr"], _within(u, numbers["cycles"])
    return final + (1 - final) * (1 - (2 * v - 1).abs())


def one_cycle(u: Tensor, numbers: Numbers) -> Tensor:
    """From 1/25 to 1 in the first 30 % of the steps, then to `final`, both ways along half a cosine.

    Deviation from the paper: half cosines stand for its straight lines, and momentum is not cycled.
    """
    final = numbers["final_lr"]
    rise = FIRST + (1 - FIRST) * 0.5 * (1 - torch.cos(torch.pi * (u / RISING).clamp(max=1)))
    fall = final + (1 - final) * 0.5 * (1 + torch.cos(torch.pi * ((u - RISING) / (1 - RISING)).clamp(0, 1)))
    return torch.where(u < RISING, rise, fall)


def coslog4(u: Tensor, _: Numbers) -> Tensor:
    """½ (1 − cos(2π log₂(1 + 15 u))): four cycles, each twice as long as the one before; zero at both ends."""
    return 0.5 * (1 - torch.cos(2 * torch.pi * torch.log2(1 + 15 * u)))


COSINE_RESTARTS = Schedule(
    cosine_restarts, ("warmup", "final_lr", "cycles"), "Loshchilov & Hutter, SGDR, 2017, eq. 5", falls=False
)
CYCLIC = Schedule(cyclic, ("final_lr", "cycles"), "Smith 2017, triangular", falls=False)
ONE_CYCLE = Schedule(one_cycle, ("final_lr",), "Smith & Topin 2019", falls=False)
COSLOG4 = Schedule(coslog4, (), "Holzmüller et al., RealMLP, 2024", falls=False)
