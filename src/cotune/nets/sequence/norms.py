"""Norms of what stands at each time: over its units, or over the batch and all times in use.

| symbol | meaning                                   | shape                |
|--------|-------------------------------------------|----------------------|
| x      | what a layer yields                       | lane batch time unit |
| mask   | whether a row has such a time, or `None`  | lane batch time      |

Times that a row has not are left out of batch norm's means; other norms never mix times, so that a row's own outputs do
not depend on how long the longest row is.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from cotune.nets.context import Context
from cotune.nets.layers import BATCH_NORM_MOMENTUM, EPSILON
from cotune.nets.norms import normalise

NORMS = ("none", "batch", "layer", "group", "rms", "weight", "spectral")
"""All but instance norm, which is a mean over times."""


def normalise_times(
    norm: str,
    layer: str,
    x: Tensor,
    mask: Tensor | None,
    weights: Mapping[str, Tensor],
    statistics: Mapping[str, Tensor],
    context: Context,
) -> Tensor:
    """x as the norm of a layer makes it, time by time."""
    if norm == "batch" and mask is not None and context.training:
        scale, shift = weights[f"{layer}.norm.weight"], weights[f"{layer}.norm.bias"]
        moments = (statistics[f"{layer}.norm.{name}"] for name in ("mean", "variance"))
        return _masked_batch_norm(x, mask, scale, shift, *moments)
    flat = x.flatten(1, 2).unsqueeze(2)
    return normalise(norm, layer, flat, weights, statistics, context).view(x.shape)


def _masked_batch_norm(
    x: Tensor, mask: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor
) -> Tensor:
    """Batch norm in training, over the times in use.

    Source: Ioffe & Szegedy, ICML 2015; the variance that is kept is unbiased, as in torch.
    """
    x = x.float()
    used = mask.unsqueeze(-1).to(x.dtype)
    count = mask.sum((1, 2)).to(x.dtype).view(-1, 1)
    batch_mean = (x * used).sum((1, 2)) / count
    centred = (x - batch_mean[:, None, None]) * used
    batch_variance = centred.square().sum((1, 2)) / count
    with torch.no_grad():
        mean.lerp_(batch_mean, BATCH_NORM_MOMENTUM)
        variance.lerp_(batch_variance * (count / (count - 1).clamp(min=1)), BATCH_NORM_MOMENTUM)
    factor = (batch_variance + EPSILON).rsqrt() * scale
    return centred * factor[:, None, None] + shift[:, None, None]
