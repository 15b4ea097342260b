"""Adam, with weight decay in the gradient (adam) or beside it (adamw)."""

from collections.abc import Sequence

from torch import Tensor

from cotune.engine.optim.base import Optimizer, Rates, add_decay
from cotune.engine.optim.moments import adam_step, moments


def _adam_coefficients(rates: Rates) -> tuple[Tensor, ...]:
    return *moments(rates), *rates.each_step(rates.weight_decay)


def adam(
    w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor], decayed: int
) -> None:
    """g ← g + λ w;  m ← β₁ m + (1−β₁) g;  v ← β₂ v + (1−β₂) g²;  w ← w − lr m̂ / (√v̂ + ε).

    Source: Kingma & Ba, ICLR 2015, algorithm 1.
    """
    add_decay(w, g, s, c[4], decayed)
    adam_step(w, g, memory, s, c)


def _adamw_coefficients(rates: Rates) -> tuple[Tensor, ...]:
    return *moments(rates), 1 - rates.lr * rates.weight_decay


def adamw(
    w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor], decayed: int
) -> None:
    """w ← w − lr λ w, then Adam's step without λ.

    Source: Loshchilov & Hutter, Decoupled Weight Decay Regularization, ICLR 2019, algorithm 2.
    """
    w[:, :decayed].mul_(c[4])
    adam_step(w, g, memory, s, c)


ADAM = Optimizer("adam", 2, _adam_coefficients, adam, "Kingma & Ba, ICLR 2015")
ADAMW = Optimizer("adamw", 2, _adamw_coefficients, adamw, "Loshchilov & Hutter, ICLR 2019")
