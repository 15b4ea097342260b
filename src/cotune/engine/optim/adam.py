"""Adam, with weight decay in the gradient (adam) or beside it (adamw)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine.optim.base import Hyper, Optimizer

EPSILON = 1e-8


def _moments(w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, hyper: Hyper) -> None:
    m, v = memory
    m.lerp_(g, 1 - hyper.beta1)
    torch.mul(g, g, out=s)
    v.lerp_(s, 1 - hyper.beta2)
    # The corrections need float64: 1 − β₂ᵗ loses every digit in float32 at small t.
    correction1 = (1 - hyper.beta1.double() ** hyper.step).float()
    correction2 = (1 - hyper.beta2.double() ** hyper.step).sqrt().float()
    torch.sqrt(v, out=s)
    s.div_(correction2).add_(EPSILON)
    torch.div(m, s, out=s)
    s.mul_(hyper.lr / correction1)
    w.sub_(s)


def adam(w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, hyper: Hyper) -> None:
    """g ← g + λ w;  m ← β₁ m + (1−β₁) g;  v ← β₂ v + (1−β₂) g²;  w ← w − lr m̂ / (√v̂ + ε).

    Source: Kingma & Ba, ICLR 2015, algorithm 1.
    """
    n = hyper.decayed
    torch.mul(w[:, :n], hyper.weight_decay, out=s[:, :n])
    g[:, :n] += s[:, :n]
    _moments(w, g, memory, s, hyper)


def adamw(w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, hyper: Hyper) -> None:
    """w ← w − lr λ w, then Adam's step without λ.

    Source: Loshchilov & Hutter, Decoupled Weight Decay Regularization, ICLR 2019, algorithm 2.
    """
    w[:, : hyper.decayed].mul_(1 - hyper.lr * hyper.weight_decay)
    _moments(w, g, memory, s, hyper)


ADAM = Optimizer("adam", 2, adam)
ADAMW = Optimizer("adamw", 2, adamw)
