"""What is done to a gradient before the optimizer sees it, per lane and in place."""

import torch
from torch import Tensor

from cotune.nets.layout import Layout


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


def add_l2(g: Tensor, w: Tensor, l2: Tensor, decayed: int) -> None:
    """g ← g + λ₂ w on the weights that decay: the gradient of ½ λ₂ Σ w². Arguments as for `add_l1`.

    Source: Hoerl & Kennard 1970; with L1 the elastic net of Zou & Hastie 2005.
    """
    g[:, :decayed] += w[:, :decayed] * l2.unsqueeze(1)


def clip_value(g: Tensor, limit: Tensor) -> None:
    """Each number of the gradient into [−limit, limit]; 0 leaves a lane alone.

    Source: Mikolov 2012, as torch's clip_grad_value_.
    """
    bound = torch.where(limit > 0, limit, torch.inf).unsqueeze(1)
    torch.minimum(torch.maximum(g, -bound, out=g), bound, out=g)


def max_norm(w: Tensor, limit: Tensor, layout: Layout) -> None:
    """Scale the weights into a unit down to norm `limit` where they are longer; 0 leaves a lane alone.

    Args:
        w: lane weight; of every matrix that decays the columns are what enters a unit.
        limit: per lane [lane].
        layout: of the weights.

    Source: Srivastava et al., Dropout, JMLR 2014, section 5.1.
    """
    for weight in layout.matrices:
        view = layout.view(w, weight)
        norm = view.square().sum(1, keepdim=True).sqrt()
        bound = limit.view(-1, 1, 1)
        view.mul_(torch.where((bound > 0) & (norm > bound), bound / norm.clamp(min=1e-12), 1.0))


def add_noise(g: Tensor, normals: Tensor, size: Tensor) -> None:
    """g ← g + σ n.

    Args:
        normals: see `cotune.engine.rng.normals` [lane weight].
        size: σ of each lane [lane].

    Source: Neelakantan et al., Adding Gradient Noise Improves Learning for Very Deep Networks, 2015.
    """
    g += torch.where(size.unsqueeze(1) > 0, normals * size.unsqueeze(1), 0.0)
