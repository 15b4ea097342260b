"""RAdam: Adam whose early steps, while v is a mean of few, are rectified."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine.optim.base import Optimizer, Rates, add_decay
from cotune.engine.optim.moments import EPSILON, average

ENOUGH = 5.0
"""Above this length of the average its variance is small enough for √v to be used."""


def _coefficients(rates: Rates) -> tuple[Tensor, ...]:
    """1 − β₁, 1 − β₂, −lr r √c₂/c₁ or 0, 0 or −lr/c₁, λ; r rectifies, and is there once the average is long."""
    t, power = rates.taken, rates.beta2**rates.taken
    longest = 2 / (1 - rates.beta2) - 1
    length = longest - 2 * t * power / (1 - power)
    enough = length > ENOUGH
    above, most = (x.clamp(min=ENOUGH) for x in (length, longest))
    rectified = ((above - 4) * (above - 2) * most / ((most - 4) * (most - 2) * above)).sqrt()
    share1, share2, penalty = rates.each_step(1 - rates.beta1, 1 - rates.beta2, rates.weight_decay)
    rate = -rates.lr / (1 - rates.beta1**t)
    nothing = torch.zeros_like(rate)
    adaptive = torch.where(enough, rate * rectified * (1 - power).sqrt(), nothing)
    return share1, share2, adaptive, torch.where(enough, nothing, rate), penalty


def radam(
    w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor], decayed: int
) -> None:
    """g ← g + λ w;  m, v as Adam;  w ← w − lr r m̂ √c₂ / (√v + ε) once v is a mean of many, w − lr m̂ before.

    Source: Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, ICLR 2020, algorithm 2, with the
    limit of 5 that torch.optim.RAdam has.
    """
    add_decay(w, g, s, c[4], decayed)
    average(g, memory, s, c)
    m, v = memory
    torch.sqrt(v, out=s)
    torch.div(m, s.add_(EPSILON), out=s)
    w.addcmul_(s, c[2])
    w.addcmul_(m, c[3])


RADAM = Optimizer("radam", 2, _coefficients, radam, "Liu et al., ICLR 2020")
