"""What is done to a gradient before the optimizer sees it, per lane and in place."""

import torch
from torch import Tensor


def add_l1(g: Tensor, w: Tensor, l1: Tensor, decayed: int) -> None:
    """g ← g + λ₁ sign(w) on the weights that decay.

    Args:
        g, w: lane weight.
        l1: per lane [lane].

    Source: Tibshirani 1996 (the subgradient of λ₁ Σ|w|).
    """
    g[:, :decayed] += torch.sign(w[:, :decayed]) * l1.unsqueeze(1)


def clip_norm(g: Tensor, limit: Tensor) -> None:
    """Scale a lane's gradient down to norm `limit` where it is longer; 0 leaves it alone.

    Args:
        g: lane weight.
        limit: per lane [lane].

    Source: Pascanu, Mikolov & Bengio, ICML 2013; with the 1e-6 of torch's clip_grad_norm_.
    """
    norm = g.square().sum(1).sqrt()
    factor = (limit / (norm + 1e-6)).clamp(max=1.0)
    g.mul_(torch.where(limit > 0, factor, 1.0).unsqueeze(1))
