"""Schedules that fall smoothly from the peak, most of them to `final`; see `cotune.engine.schedules.base`."""

import torch
from torch import Tensor

from cotune.engine.schedules.base import RISE, Numbers, Schedule

TINY = 1e-300


def constant(u: Tensor, _: Numbers) -> Tensor:
    """1 throughout."""
    return torch.ones_like(u)


def linear(u: Tensor, numbers: Numbers) -> Tensor:
    """1 − u (1 − final)."""
    return 1 - u * (1 - numbers["final_lr"])


def polynomial(u: Tensor, numbers: Numbers) -> Tensor:
    """final + (1 − final) (1 − u)^power."""
    final = numbers["final_lr"]
    return final + (1 - final) * (1 - u) ** numbers["decay_power"]


def cosine(u: Tensor, numbers: Numbers) -> Tensor:
    """final + (1 − final) ½ (1 + cos π u): SGDR's eq. 5 without restarts."""
    final = numbers["final_lr"]
    return final + (1 - final) * 0.5 * (1 + torch.cos(torch.pi * u))


def exponential(u: Tensor, numbers: Numbers) -> Tensor:
    """final^u: each step multiplies the rate by the same factor. With final = 0 it is 0 after the first step."""
    return numbers["final_lr"] ** u


def inverse_time(u: Tensor, numbers: Numbers) -> Tensor:
    """1 / (1 + k u) with k = 1/final − 1. With final = 0 it is 0 after the first step."""
    final = numbers["final_lr"].clamp(min=TINY)
    return final / (final + u * (1 - final))


def inverse_sqrt(u: Tensor, numbers: Numbers) -> Tensor:
    """√(warmup / t) at step t: 1 / √(1 + u / rise). Without a warmup it falls from the first step on."""
    return (1 + u / numbers[RISE]) ** -0.5


CONSTANT = Schedule(constant, ("warmup",), "none: the rate that all others are compared with")
LINEAR = Schedule(linear, ("warmup", "final_lr"), "Goyal et al. 2017 (rise); Devlin et al. 2019 (fall)")
POLYNOMIAL = Schedule(polynomial, ("warmup", "final_lr", "decay_power"), "Liu et al., ParseNet, 2015")
COSINE = Schedule(cosine, ("warmup", "final_lr"), "Loshchilov & Hutter, SGDR, 2017, eq. 5, without restarts")
EXPONENTIAL = Schedule(exponential, ("warmup", "final_lr"), "Senior et al. 2013, exponential scheduling")
INVERSE_TIME = Schedule(inverse_time, ("warmup", "final_lr"), "Robbins & Monro 1951; Bottou 2012")
INVERSE_SQRT = Schedule(inverse_sqrt, ("warmup",), "Vaswani et al. 2017, eq. 3")
