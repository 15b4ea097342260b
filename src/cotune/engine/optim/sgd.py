"""Stochastic gradient descent with momentum, plain or Nesterov's."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine.optim.base import Optimizer, Rates, add_decay


def _coefficients(rates: Rates) -> tuple[Tensor, ...]:
    """−lr, μ, λ."""
    return -rates.lr, *rates.each_step(rates.momentum, rates.weight_decay)


def _velocity(
    w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor], decayed: int
) -> Tensor:
    add_decay(w, g, s, c[2], decayed)
    return memory[0].mul_(c[1]).add_(g)


def sgd(w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor], decayed: int) -> None:
    """v ← μ v + (g + λ w);  w ← w − lr v.

    Source: Polyak 1964; Sutskever et al., ICML 2013, in torch.optim.SGD's form (zero dampening).
    """
    w.addcmul_(_velocity(w, g, memory, s, c, decayed), c[0])


def nesterov(
    w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor], decayed: int
) -> None:
    """v ← μ v + (g + λ w);  w ← w − lr (g + λ w + μ v).

    Source: Nesterov 1983; Sutskever et al., ICML 2013.
    """
    torch.mul(_velocity(w, g, memory, s, c, decayed), c[1], out=s)
    w.addcmul_(s.add_(g), c[0])


SGD = Optimizer("sgd", 1, _coefficients, sgd, "Robbins & Monro 1951; Polyak 1964")
NESTEROV = Optimizer("nesterov", 1, _coefficients, nesterov, "Nesterov 1983; Sutskever et al., ICML 2013")
