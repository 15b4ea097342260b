"""AdaMax: Adam with the largest gradient of late in place of the root of the mean square."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine.optim.base import Optimizer, Rates, add_decay

EPSILON = 1e-8


def _coefficients(rates: Rates) -> tuple[Tensor, ...]:
    """1 − β₁, β₂, −lr / (1 − β₁ᵗ), λ."""
    share, beta2, penalty = rates.each_step(1 - rates.beta1, rates.beta2, rates.weight_decay)
    return share, beta2, -rates.lr / (1 - rates.beta1**rates.taken), penalty


def adamax(
    w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor], decayed: int
) -> None:
    """g ← g + λ w;  m ← β₁ m + (1−β₁) g;  u ← max(β₂ u, |g| + ε);  w ← w − lr m̂ / u.

    Source: Kingma & Ba, ICLR 2015, algorithm 2, with the ε of torch.optim.Adamax.
    """
    add_decay(w, g, s, c[3], decayed)
    m, u = memory
    m.lerp_(g, c[0])
    torch.abs(g, out=s)
    torch.maximum(u.mul_(c[1]), s.add_(EPSILON), out=u)
    w.addcmul_(torch.div(m, u, out=s), c[2])


ADAMAX = Optimizer("adamax", 2, _coefficients, adamax, "Kingma & Ba, ICLR 2015")
