"""AMSGrad: Adam whose steps never grow again where a gradient was once large."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine.optim.base import Optimizer, Rates, add_decay
from cotune.engine.optim.moments import average, moments


def _coefficients(rates: Rates) -> tuple[Tensor, ...]:
    return *moments(rates), *rates.each_step(rates.weight_decay)


def amsgrad(
    w: Tensor, g: Tensor, memory: Sequence[Tensor], s: Tensor, c: Sequence[Tensor], decayed: int
) -> None:
    """g ← g + λ w;  m, v as Adam;  u ← max(u, v);  w ← w − lr m̂ / (√(u/c₂) + ε).

    Source: Reddi, Kale & Kumar, On the Convergence of Adam and Beyond, ICLR 2018, algorithm 2, with Adam's bias
    corrections, as torch.optim.Adam has it.
    """
    add_decay(w, g, s, c[4], decayed)
    average(g, memory, s, c)
    m, v, u = memory
    torch.maximum(u, v, out=u)
    torch.sqrt(u, out=s)
    torch.div(m, s.add_(c[3]), out=s)
    w.addcmul_(s, c[2])


AMSGRAD = Optimizer("amsgrad", 3, _coefficients, amsgrad, "Reddi, Kale & Kumar, ICLR 2018")
