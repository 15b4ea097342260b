"""Schedule-free AdamW: an average of all weights passed takes the place of a falling rate.

| symbol | meaning                                                        |
|--------|----------------------------------------------------------------|
| z      | where AdamW's steps lead, without first moment (memory, slot 0) |
| v      | mean squared gradient (slot 1)                                 |
| x      | mean of the z so far: the weights to be judged (slot 2)        |
| y      | between the two, where gradients are taken: w                  |
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine.optim.base import Optimizer, Rates
from cotune.engine.optim.moments import EPSILON


def _coefficients(rates: Rates) -> tuple[Tensor, ...]:
    """1 − β₂, −lr √c₂, ε √c₂, −lr λ, share of the newest z in x, 1 − β₁."""
    root = (1 - rates.beta2**rates.taken).sqrt()
    share2, pull = rates.each_step(1 - rates.beta2, 1 - rates.beta1)
    decay = -rates.lr * rates.weight_decay
    return share2, -rates.lr * root, EPSILON * root, decay, _newest(rates.taken, rates.warmup), pull


def _newest(t: Tensor, warmup: Tensor) -> Tensor:
    """ωₜ² / Σ ωᵢ², i = 1 … t, where ω rises linearly to 1 in `warmup` steps: γ over its peak."""
    rise = warmup.clamp(min=1)
    climbed = torch.minimum(t, rise)
    total = climbed * (climbed + 1) * (2 * climbed + 1) / (6 * rise**2) + (t - climbed)
    return (climbed / rise) ** 2 / total


def schedule_free(
    w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor], decayed: int
) -> None:
    """v ← β₂ v + (1−β₂) g²;  z ← z − γ g / (√v̂ + ε) − γ λ y;  x ← (1−a) x + a z;  y = (1−β₁) z + β₁ x.

    γ is the rate with its warmup, and a = γₜ² / Σ γᵢ². Weight decay is decoupled, and taken at y. The rate is meant
    to be constant after the warmup; where it falls after all, the mean does not, as in the authors' code.

    Source: Defazio et al., The Road Less Scheduled, NeurIPS 2024, algorithm 1.
    """
    z, v, x = memory
    torch.mul(g, g, out=s)
    v.lerp_(s, c[0])
    torch.sqrt(v, out=s)
    z.addcmul_(g.div_(s.add_(c[2])), c[1])
    z[:, :decayed].addcmul_(w[:, :decayed], c[3])
    x.lerp_(z, c[4])
    torch.lerp(x, z, c[5], out=w)


SCHEDULE_FREE = Optimizer(
    "schedule_free",
    3,
    _coefficients,
    schedule_free,
    "Defazio et al., NeurIPS 2024",
    starts_from_weights=(0, 2),
    judged=2,
)
