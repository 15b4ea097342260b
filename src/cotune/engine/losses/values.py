"""Losses of numbers: one number per lane, the mean over its batch.

| symbol  | meaning                                                 | shape           |
|---------|---------------------------------------------------------|-----------------|
| logits  | a network's outputs, padded; f is the first of a row    | lane batch head |
| y       | standardised target                                     | lane batch      |
| r       | f − y                                                   | lane batch      |
| τ       | quantile                                                | lane            |
| k       | variation: scale / mean of the target                   | lane            |

Exponentials are taken of whole padded heads: vector kernels treat the last few numbers of a tensor differently.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.engine.losses.inputs import LossInputs

LEAST_VARIANCE = 1e-6
"""As torch.nn.GaussianNLLLoss has it: without a floor the likelihood of a row that is hit exactly has no bound."""


def mse(logits: Tensor, y: Tensor, _: LossInputs) -> Tensor:
    """Mean of (f − y)²."""
    return (logits[..., 0] - y).square().mean(1)


def mae(logits: Tensor, y: Tensor, _: LossInputs) -> Tensor:
    """Mean of |f − y|."""
    return (logits[..., 0] - y).abs().mean(1)


def huber(logits: Tensor, y: Tensor, _: LossInputs) -> Tensor:
    """Mean of ½ r² where |r| ≤ 1, else |r| − ½, with r = f − y. Source: Huber 1964."""
    r = (logits[..., 0] - y).abs()
    return torch.where(r <= 1, 0.5 * r * r, r - 0.5).mean(1)


def log_cosh(logits: Tensor, y: Tensor, _: LossInputs) -> Tensor:
    """Mean of log cosh r = |r| + log(1 + e⁻²ˡʳˡ) − log 2: as r²/2 near 0, as |r| far off. Source: Green 1990."""
    size = (logits - y.unsqueeze(-1)).abs()
    each = size + torch.log1p(torch.exp(-2 * size)) - math.log(2)
    return each[..., 0].mean(1)


def quantile(logits: Tensor, y: Tensor, inputs: LossInputs) -> Tensor:
    """Mean of τ (y − f) where y > f, else (1 − τ)(f − y): the τ-quantile is where it is least.

    Source: Koenker & Bassett 1978.
    """
    level = inputs.numbers["quantile"].unsqueeze(1)
    short = y - logits[..., 0]
    return (level * F.relu(short) + (1 - level) * F.relu(-short)).mean(1)


def poisson(logits: Tensor, y: Tensor, inputs: LossInputs) -> Tensor:
    """Mean of eᶠ − (1 + k y) f: a Poisson likelihood whose rate is the target's mean times eᶠ.

    1 + k y is the target over its mean. The likelihood is divided by that mean, so that rates of learning do not
    depend on the unit counted in; terms without f are left out. Source: Nelder & Wedderburn 1972.
    """
    rate = torch.exp(logits)[..., 0]
    return (rate - (1 + inputs.variation.unsqueeze(1) * y) * logits[..., 0]).mean(1)


def gaussian(logits: Tensor, y: Tensor, _: LossInputs) -> Tensor:
    """Mean of ½ (log v + (f − y)² / v), v = eˢ with s the second output, but at least 10⁻⁶. Source: Nix & Weigend 1994.

    Where v stands at its floor, s has the gradient that torch's GaussianNLLLoss gives it. An s of −∞ is a fault.
    """
    floor = math.log(LEAST_VARIANCE)
    below = torch.exp((logits - floor).clamp(max=0))
    held = torch.where(logits > floor, logits, floor + below - below.detach() + 0 * logits)
    inverse = torch.exp(-held)[..., 1]
    r = logits[..., 0] - y
    return 0.5 * (held[..., 1] + r * r * inverse).mean(1)
