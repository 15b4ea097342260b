"""AdaDelta: steps in the units of the weights, so that a rate of 1 is the natural one."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine.optim.base import Optimizer, Rates, add_decay

EPSILON = 1e-6


def _coefficients(rates: Rates) -> tuple[Tensor, ...]:
    """1 − ρ, −lr, λ; ρ is the recipe's beta2."""
    share, penalty = rates.each_step(1 - rates.beta2, rates.weight_decay)
    return share, -rates.lr, penalty


def adadelta(
    w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor], decayed: int
) -> None:
    """g ← g + λ w;  v ← ρ v + (1−ρ) g²;  d = g √(u + ε) / √(v + ε);  u ← ρ u + (1−ρ) d²;  w ← w − lr d.

    Source: Zeiler 2012, algorithm 1, with a rate and the ε of torch.optim.Adadelta.
    """
    add_decay(w, g, s, c[2], decayed)
    v, u = memory
    torch.mul(g, g, out=s)
    v.lerp_(s, c[0])
    torch.add(v, EPSILON, out=s)
    g.div_(s.sqrt_())
    torch.add(u, EPSILON, out=s)
    g.mul_(s.sqrt_())
    torch.mul(g, g, out=s)
    u.lerp_(s, c[0])
    w.addcmul_(g, c[1])


ADADELTA = Optimizer("adadelta", 2, _coefficients, adadelta, "Zeiler 2012")
