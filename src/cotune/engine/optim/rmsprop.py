"""RMSProp: gradients over the root of their mean square."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine.optim.base import Optimizer, Rates, add_decay

EPSILON = 1e-8


def _coefficients(rates: Rates) -> tuple[Tensor, ...]:
    """1 − ρ, −lr, λ; ρ is the recipe's beta2."""
    share, penalty = rates.each_step(1 - rates.beta2, rates.weight_decay)
    return share, -rates.lr, penalty


def rmsprop(
    w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor], decayed: int
) -> None:
    """g ← g + λ w;  v ← ρ v + (1−ρ) g²;  w ← w − lr g / (√v + ε).

    Source: Tieleman & Hinton 2012, lecture 6.5, without momentum, as torch.optim.RMSprop has it.
    """
    add_decay(w, g, s, c[2], decayed)
    v = memory[0]
    torch.mul(g, g, out=s)
    v.lerp_(s, c[0])
    torch.sqrt(v, out=s)
    w.addcmul_(torch.div(g, s.add_(EPSILON), out=s), c[1])


RMSPROP = Optimizer("rmsprop", 1, _coefficients, rmsprop, "Tieleman & Hinton 2012")
