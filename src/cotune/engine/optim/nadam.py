"""NAdam: Adam with Nesterov's momentum, which rises during training."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine.optim.base import Optimizer, Rates, add_decay
from cotune.engine.optim.moments import EPSILON, average
from cotune.nets.layout import ALIGN

DECAY = 0.004
"""ψ: how fast μₜ = β₁ (1 − ½ · 0.96^(ψ t)) rises from β₁/2 to β₁."""


def _coefficients(rates: Rates) -> tuple[Tensor, ...]:
    """1 − β₁, 1 − β₂, −lr √c₂ (1−μₜ)/(1−Πₜ), −lr √c₂ μₜ₊₁/(1−Πₜ₊₁), ε √c₂, λ; Πₜ = μ₁ μ₂ … μₜ."""
    t = rates.taken
    # The product of the parts that all lanes share, of every step up to the last; a table is cut, not drawn anew, so
    # that it does not matter to a lane how far the others are.
    steps = torch.arange(1, -(-(int(t.max()) + 1) // ALIGN) * ALIGN + 1, dtype=torch.float64)
    shared = (1 - 0.5 * 0.96 ** (DECAY * steps)).cumprod(0)

    def product(until: Tensor) -> Tensor:
        return rates.beta1**until * shared[until.long() - 1]

    now, next_one = (rates.beta1 * (1 - 0.5 * 0.96 ** (DECAY * step)) for step in (t, t + 1))
    root = (1 - rates.beta2**t).sqrt()
    share1, share2, penalty = rates.each_step(1 - rates.beta1, 1 - rates.beta2, rates.weight_decay)
    ahead = -rates.lr * root * (1 - now) / (1 - product(t))
    along = -rates.lr * root * next_one / (1 - product(t + 1))
    return share1, share2, ahead, along, EPSILON * root, penalty


def nadam(
    w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor], decayed: int
) -> None:
    """g ← g + λ w;  m, v as Adam;  w ← w − lr ((1−μₜ)/(1−Πₜ) g + μₜ₊₁/(1−Πₜ₊₁) m) / (√v̂ + ε).

    Source: Dozat, Incorporating Nesterov Momentum into Adam, ICLR workshop 2016, with the ψ of torch.optim.NAdam.
    """
    add_decay(w, g, s, c[5], decayed)
    average(g, memory, s, c)
    m, v = memory
    torch.sqrt(v, out=s)
    s.add_(c[4])
    w.addcmul_(g.div_(s), c[2])
    w.addcmul_(torch.div(m, s, out=s), c[3])


NADAM = Optimizer("nadam", 2, _coefficients, nadam, "Dozat, ICLR workshop 2016")
