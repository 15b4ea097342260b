"""Schedules that stay at the peak and fall in the last `decay_share` of the steps."""

import torch
from torch import Tensor

from cotune.engine.schedules.base import Numbers, Schedule

TINY = 1e-12


def _fallen(u: Tensor, numbers: Numbers) -> Tensor:
    """How much of the fall is over, in [0, 1]."""
    share = numbers["decay_share"].clamp(min=TINY)
    return ((u - (1 - share)) / share).clamp(0, 1)


def wsd(u: Tensor, numbers: Numbers) -> Tensor:
    """Warmup, stable, decay: 1, then a straight line to `final`.

    Deviation from the paper: it falls exponentially; a line does as well (Hägele et al. 2024) and reaches any end.
    """
    return 1 - _fallen(u, numbers) * (1 - numbers["final_lr"])


def flat_cosine(u: Tensor, numbers: Numbers) -> Tensor:
    """1, then half a cosine to `final`."""
    final = numbers["final_lr"]
    return final + (1 - final) * 0.5 * (1 + torch.cos(torch.pi * _fallen(u, numbers)))


WSD = Schedule(wsd, ("warmup", "final_lr", "decay_share"), "Hu et al., MiniCPM, 2024; Hägele et al. 2024")
FLAT_COSINE = Schedule(flat_cosine, ("warmup", "final_lr", "decay_share"), "fastai, fit_flat_cos, 2019")
