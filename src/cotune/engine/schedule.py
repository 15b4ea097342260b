"""Learning-rate schedules. Every lane is at its own step of its own schedule.

| symbol | meaning                                      | shape     |
|--------|----------------------------------------------|-----------|
| t      | optimizer steps taken so far                 | lane step |
| total  | steps a lane may take                        | lane 1    |
| u      | fraction of the steps after warmup, in [0,1] | lane step |
"""

from collections.abc import Callable

import torch
from torch import Tensor


def constant(u: Tensor, final: Tensor) -> Tensor:
    """1 throughout."""
    return torch.ones_like(u) + 0 * final


def linear(u: Tensor, final: Tensor) -> Tensor:
    """1 − u (1 − final)."""
    return 1 - u * (1 - final)


def cosine(u: Tensor, final: Tensor) -> Tensor:
    """final + (1 − final) ½ (1 + cos π u).

    Source: Loshchilov & Hutter, SGDR, ICLR 2017, eq. 5, without restarts.
    """
    return final + (1 - final) * 0.5 * (1 + torch.cos(torch.pi * u))


SCHEDULES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "constant": constant,
    "linear": linear,
    "cosine": cosine,
}
"""Fraction of the peak rate at u, by the name that recipes use."""


def factors(names: tuple[str, ...], t: Tensor, *, total: Tensor, warmup: Tensor, final: Tensor) -> Tensor:
    """Fraction of each lane's peak rate at each of its steps, float64 [lane step].

    Args:
        names: schedule of each lane, length lane.
        t: steps taken before [lane step].
        total: steps a lane may take [lane].
        warmup: fraction of them with a linear rise [lane] (Goyal et al. 2017).
        final: fraction of the peak left at the end [lane].
    """
    t, total = t.double(), total.double().unsqueeze(1)
    rise = (warmup.double().unsqueeze(1) * total).round()
    u = ((t - rise) / (total - rise).clamp(min=1)).clamp(0, 1)
    shares = torch.empty_like(u)
    for name in set(names):
        rows = torch.tensor([other == name for other in names])
        shares[rows] = SCHEDULES[name](u[rows], final.double()[rows].unsqueeze(1))
    climbing = (t + 1) / rise.clamp(min=1)
    return torch.where(t < rise, climbing, shares)
