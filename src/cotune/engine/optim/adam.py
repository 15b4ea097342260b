"""Adam, with weight decay in the gradient (adam) or beside it (adamw).

The bias corrections c₁ = 1 − β₁ᵗ and c₂ = 1 − β₂ᵗ are moved out of the step:
lr (m/c₁) / (√(v/c₂) + ε) = (lr √c₂/c₁) m / (√v + ε √c₂).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine.optim.base import Optimizer, Rates

EPSILON = 1e-8


def _moments(rates: Rates) -> tuple[Tensor, ...]:
    """1 − β₁, 1 − β₂, −lr √c₂/c₁, ε √c₂. In float64: 1 − β₂ᵗ has no digits left in float32 at small t."""
    c1 = 1 - rates.beta1**rates.taken
    root = (1 - rates.beta2**rates.taken).sqrt()
    share1, share2 = ((1 - beta).expand_as(rates.lr) for beta in (rates.beta1, rates.beta2))
    return share1, share2, -rates.lr * root / c1, EPSILON * root


def _step(w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor]) -> None:
    m, v = memory
    m.lerp_(g, c[0])
    torch.mul(g, g, out=s)
    v.lerp_(s, c[1])
    torch.sqrt(v, out=s)
    s.add_(c[3])
    torch.div(m, s, out=s)
    w.addcmul_(s, c[2])


def _adam_coefficients(rates: Rates) -> tuple[Tensor, ...]:
    return *_moments(rates), rates.weight_decay.expand_as(rates.lr)


def adam(
    w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor], decayed: int
) -> None:
    """g ← g + λ w;  m ← β₁ m + (1−β₁) g;  v ← β₂ v + (1−β₂) g²;  w ← w − lr m̂ / (√v̂ + ε).

    Source: Kingma & Ba, ICLR 2015, algorithm 1.
    """
    torch.mul(w[:, :decayed], c[4], out=s[:, :decayed])
    g[:, :decayed] += s[:, :decayed]
    _step(w, g, memory, s, c)


def _adamw_coefficients(rates: Rates) -> tuple[Tensor, ...]:
    return *_moments(rates), 1 - rates.lr * rates.weight_decay


def adamw(
    w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor], decayed: int
) -> None:
    """w ← w − lr λ w, then Adam's step without λ.

    Source: Loshchilov & Hutter, Decoupled Weight Decay Regularization, ICLR 2019, algorithm 2.
    """
    w[:, :decayed].mul_(c[4])
    _step(w, g, memory, s, c)


ADAM = Optimizer("adam", 2, _adam_coefficients, adam)
ADAMW = Optimizer("adamw", 2, _adamw_coefficients, adamw)
