"""Several values a row: what losses, links and metrics of one value make of them.

Values are laid one under the other as if they were rows, so that whatever knows one value a row knows several.

| symbol | meaning                                                             | shape                 |
|--------|---------------------------------------------------------------------|-----------------------|
| h      | values a row                                                        |                       |
| p      | outputs a value: 2 of a loss that learns a spread too, else 1       |                       |
| logits | outputs, value by value, then padding                               | lane batch head       |
| y      | standardised targets                                                | lane batch h          |
| z      | the same as rows of one value                                       | lane (batch h) p      |
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.engine.links import link_of
from cotune.engine.metrics import METRICS
from cotune.nets.mlp import HEAD_MULTIPLE

ARITHMETIC = ("mse", "mae", "huber", "quantile")
"""Losses without exponentials. For others z is padded: vector kernels treat a tensor's last numbers differently."""

POOLED = ("mse", "mae", "mape")
"""Metrics whose mean over values is that of all numbers together."""


def folded(loss: str, outputs: int, logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """(z, y as rows of one value); both as they are where a row has one.

    Args:
        loss: its name.
        outputs: p.
    """
    if y.dim() < 3:
        return logits, y
    lanes, batch, values = y.shape
    z = logits[..., : values * outputs].reshape(lanes, batch * values, outputs)
    if loss not in ARITHMETIC:
        z = F.pad(z, (0, HEAD_MULTIPLE - outputs))
    return z, y.reshape(lanes, batch * values)


def linked(link: str, logits: Tensor, variation: float, values: int) -> Tensor:
    """What outputs say [... row value], by a link of one value.

    Args:
        logits: padding cut off [... row (value output)].
        values: h.
    """
    if values == 1:
        return link_of(link)(logits, variation)
    *first, rows, outputs = logits.shape
    z = logits.reshape(*first, rows * values, outputs // values)
    return link_of(link)(z, variation).reshape(*first, rows, values)


def judged(metric: str, f: Tensor, y: Tensor) -> Tensor:
    """A metric's figures, float64 [lane]; of several values the mean of each one's, as scikit-learn has it.

    Args:
        f: lane row class, lane row, or lane row value.
        y: row, or row value.

    Source: scikit-learn, `multioutput="uniform_average"`.
    """
    compute = METRICS[metric].compute
    if y.dim() == 1:
        return compute(f, y)
    if metric in POOLED:
        return compute(f.flatten(1), y.flatten())
    each = zip(f.movedim(-1, 0).contiguous(), y.t().contiguous(), strict=True)
    return torch.stack([compute(said, true) for said, true in each], dim=-1).mean(-1)
