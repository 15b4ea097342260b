"""Adam's moments, which several optimizers share.

The bias corrections c₁ = 1 − β₁ᵗ and c₂ = 1 − β₂ᵗ are moved out of the step:
lr (m/c₁) / (√(v/c₂) + ε) = (lr √c₂/c₁) m / (√v + ε √c₂).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine.optim.base import Rates

EPSILON = 1e-8


def moments(rates: Rates) -> tuple[Tensor, ...]:
    """1 − β₁, 1 − β₂, −lr √c₂/c₁, ε √c₂. In float64: 1 − β₂ᵗ has no digits left in float32 at small t."""
    c1 = 1 - rates.beta1**rates.taken
    root = (1 - rates.beta2**rates.taken).sqrt()
    return *rates.each_step(1 - rates.beta1, 1 - rates.beta2), -rates.lr * root / c1, EPSILON * root


def average(g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor]) -> None:
    """m ← β₁ m + (1−β₁) g;  v ← β₂ v + (1−β₂) g²."""
    m, v = memory[:2]
    m.lerp_(g, c[0])
    torch.mul(g, g, out=s)
    v.lerp_(s, c[1])


def adam_step(w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor]) -> None:
    """Adam's step, with `moments` for coefficients."""
    average(g, memory, s, c)
    m, v = memory
    torch.sqrt(v, out=s)
    s.add_(c[3])
    torch.div(m, s, out=s)
    w.addcmul_(s, c[2])
