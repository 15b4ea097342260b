"""AdaGrad: a rate for every weight, which falls with all it has seen."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine.optim.base import Optimizer, Rates, add_decay

EPSILON = 1e-10


def _coefficients(rates: Rates) -> tuple[Tensor, ...]:
    """−lr, λ."""
    return -rates.lr, *rates.each_step(rates.weight_decay)


def adagrad(
    w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor], decayed: int
) -> None:
    """g ← g + λ w;  v ← v + g²;  w ← w − lr g / (√v + ε).

    Source: Duchi, Hazan & Singer, JMLR 2011, with the ε of torch.optim.Adagrad.
    """
    add_decay(w, g, s, c[1], decayed)
    v = memory[0].addcmul_(g, g)
    torch.sqrt(v, out=s)
    w.addcmul_(torch.div(g, s.add_(EPSILON), out=s), c[0])


ADAGRAD = Optimizer("adagrad", 1, _coefficients, adagrad, "Duchi, Hazan & Singer, JMLR 2011")
