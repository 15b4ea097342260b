"""Averages of the weights along the way: judged, and handed out, in place of the last weights.

| symbol | meaning                                        | shape     |
|--------|------------------------------------------------|-----------|
| w      | weights                                        | lane weight |
| a      | their average; at the start the first weights  | lane weight |
| s      | share of the newest weights                    | lane step |

a ← a + s (w − a) after every step. Exponential (ema): s = 1 − min(β, (1 + t)/(10 + t)), so that early steps are not
outweighed by the first weights. Stochastic weight averaging (swa): s = 1 until the fraction `swa_start` of the
training, then 1/n at the n-th step after it, the plain mean.

Sources: Polyak & Juditsky 1992; Izmailov et al., Averaging Weights Leads to Wider Optima, UAI 2018.
"""

import torch
from torch import Tensor


def shares(t: Tensor, total: Tensor, ema_decay: Tensor, swa_start: Tensor) -> Tensor:
    """s at each step, float64 [lane step]; 1 where a lane has neither.

    Args:
        t: steps taken before [lane step].
        total: steps a lane may take [lane 1].
        ema_decay, swa_start: per lane [lane 1]; 0 is off.
    """
    t = t.double()
    ema = 1 - torch.minimum(ema_decay, (1 + t) / (10 + t))
    swa = 1 / (t - (swa_start * total).floor() + 1).clamp(min=1)
    return torch.where(ema_decay > 0, ema, torch.where(swa_start > 0, swa, 1.0))
