"""Lion: every weight steps by the rate, in the direction of a momentum's sign."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine.optim.base import Optimizer, Rates

LARGE = 3e38
"""Any number of full precision, times this, is beyond 1."""


def _coefficients(rates: Rates) -> tuple[Tensor, ...]:
    """1 − β₁, 1 − β₂, −lr, 1 − lr λ."""
    shares = rates.each_step(1 - rates.beta1, 1 - rates.beta2)
    return *shares, -rates.lr, 1 - rates.lr * rates.weight_decay


def lion(
    w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor], decayed: int
) -> None:
    """w ← (1 − lr λ) w − lr sign(β₁ m + (1−β₁) g);  m ← β₂ m + (1−β₂) g. Weight decay is decoupled.

    Source: Chen et al., Symbolic Discovery of Optimization Algorithms, NeurIPS 2023, algorithm 2.
    """
    (m,) = memory
    torch.lerp(m, g, c[0], out=s)
    s.mul_(LARGE).clamp_(-1, 1)  # torch.sign would hide a NaN as 0, and the lane would stand still unnoticed
    w[:, :decayed].mul_(c[3])
    w.addcmul_(s, c[2])
    m.lerp_(g, c[1])


LION = Optimizer("lion", 1, _coefficients, lion, "Chen et al., NeurIPS 2023")
