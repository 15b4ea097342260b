"""Stochastic gradient descent with momentum, plain or Nesterov's."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine.optim.base import Hyper, Optimizer


def _velocity(w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, hyper: Hyper) -> Tensor:
    n = hyper.decayed
    torch.mul(w[:, :n], hyper.weight_decay, out=s[:, :n])
    g[:, :n] += s[:, :n]
    return memory[0].mul_(hyper.momentum).add_(g)


def sgd(w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, hyper: Hyper) -> None:
    """v ← μ v + (g + λ w);  w ← w − lr v.

    Source: Polyak 1964; Sutskever et al., ICML 2013, in torch.optim.SGD's form (zero dampening).
    """
    velocity = _velocity(w, g, memory, s, hyper)
    torch.mul(velocity, hyper.lr, out=s)
    w.sub_(s)


def nesterov(w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, hyper: Hyper) -> None:
    """v ← μ v + (g + λ w);  w ← w − lr (g + λ w + μ v).

    Source: Nesterov 1983; Sutskever et al., ICML 2013.
    """
    velocity = _velocity(w, g, memory, s, hyper)
    torch.mul(velocity, hyper.momentum, out=s)
    s.add_(g).mul_(hyper.lr)
    w.sub_(s)


SGD = Optimizer("sgd", 1, sgd)
NESTEROV = Optimizer("nesterov", 1, nesterov)
