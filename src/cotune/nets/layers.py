"""Layers that carry a lane axis: each lane has its own weights and sees its own rows.

| symbol | meaning                     | shape              |
|--------|-----------------------------|--------------------|
| x      | input                       | lane batch feature |
| w      | weights of a linear layer   | lane feature unit  |
| b      | biases                      | lane unit          |
| real   | units in use of each lane   | lane               |
"""

import torch
from torch import Tensor

EPSILON = 1e-5
BATCH_NORM_MOMENTUM = 0.1


def linear(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """x·w + b for every lane, shape lane batch unit."""
    if b is None:
        return torch.bmm(x, w)
    return torch.baddbmm(b.unsqueeze(1), x, w)


def embed(table: Tensor, codes: Tensor) -> Tensor:
    """Rows of each lane's own table.

    Args:
        table: lane code unit.
        codes: lane batch column, into the lane's table.

    Returns:
        lane batch (column · unit).
    """
    lanes, entries, units = table.shape
    start = torch.arange(lanes, device=codes.device).view(lanes, 1, 1) * entries
    rows = torch.nn.functional.embedding(codes + start, table.reshape(lanes * entries, units))
    return rows.flatten(2)


def batch_norm(
    x: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor, *, training: bool
) -> Tensor:
    """Normalise each unit over its lane's batch; running statistics are updated in place while training.

    Args:
        x: lane batch unit.
        scale, shift: learned, lane unit.
        mean, variance: running statistics, lane unit (the variance unbiased, as in torch).

    Source: Ioffe & Szegedy, Batch Normalization, ICML 2015.
    """
    if training:
        batch_mean = x.mean(1)
        centred = x - batch_mean.unsqueeze(1)
        batch_variance = centred.square().mean(1)
        with torch.no_grad():
            rows = x.shape[1]
            mean.lerp_(batch_mean, BATCH_NORM_MOMENTUM)
            variance.lerp_(batch_variance * (rows / max(rows - 1, 1)), BATCH_NORM_MOMENTUM)
    else:
        centred = x - mean.unsqueeze(1)
        batch_variance = variance
    factor = (batch_variance + EPSILON).rsqrt() * scale
    return centred * factor.unsqueeze(1) + shift.unsqueeze(1)


def layer_norm(x: Tensor, scale: Tensor, shift: Tensor, real: Tensor | None) -> Tensor:
    """Normalise each row over its units in use.

    Args:
        x: lane batch unit; units beyond `real` must be zero.
        scale, shift: learned, lane unit.
        real: units in use, per lane, or `None` when all are.

    Source: Ba et al., Layer Normalization, 2016.
    """
    if real is None:
        mean = x.mean(-1, keepdim=True)
        centred = x - mean
        variance = centred.square().mean(-1, keepdim=True)
    else:
        count = real.to(x.dtype).view(-1, 1, 1)
        mean = x.sum(-1, keepdim=True) / count
        centred = (x - mean) * in_use(real, x.shape[-1]).to(x.dtype)
        variance = centred.square().sum(-1, keepdim=True) / count
    return centred * (variance + EPSILON).rsqrt() * scale.unsqueeze(1) + shift.unsqueeze(1)


def in_use(real: Tensor, units: int) -> Tensor:
    """Which of `units` each lane uses: lane 1 unit, boolean."""
    return (torch.arange(units, device=real.device) < real.unsqueeze(1)).unsqueeze(1)
