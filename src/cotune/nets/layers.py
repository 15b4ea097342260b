"""Layers that carry a lane axis: each lane has its own weights and sees its own rows.

| symbol | meaning                     | shape              |
|--------|-----------------------------|--------------------|
| x      | input                       | lane batch feature |
| w      | weights of a linear layer   | lane feature unit  |
| b      | biases                      | lane unit          |
| real   | units in use of each lane   | lane               |
"""

from functools import cache
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

EPSILON = 1e-5
BATCH_NORM_MOMENTUM = 0.1
AUTOCAST = ("cpu", "cuda")
"""Devices with an autocast to ask for; PyTorch raises an error for others."""


def linear(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """x·w + b for every lane, shape lane batch unit.

    While gradients are recorded, those of leaves are written straight into `w.grad` and `b.grad`, which must be there:
    autograd would allocate them, fill them, and add them up in three passes over memory.
    """
    if torch.is_grad_enabled() and w.is_leaf and w.requires_grad:
        found: Tensor = _Linear.apply(x, w, b)  # type: ignore[no-untyped-call]
        return found
    return _product(x, w, b)


def _product(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    if x.shape[2] == 1:  # matrix kernels round an outer product differently for one lane than for several
        return x * w if b is None else x * w + b.unsqueeze(1)
    return torch.bmm(x, w) if b is None else torch.baddbmm(b.unsqueeze(1), x, w)


class _Linear(torch.autograd.Function):
    """`_product`, with gradients written in place; under autocast with factors of its type, there and back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        ctx.gradients = w.grad, None if b is None else b.grad
        if x.device.type in AUTOCAST and torch.is_autocast_enabled(x.device.type):
            small = torch.get_autocast_dtype(x.device.type)
            x, w, b = x.to(small), w.to(small), None if b is None else b.to(small)
        ctx.save_for_backward(x, w)
        return _product(x, w, b)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, None, None]:
        x, w = ctx.saved_tensors
        w_gradient, b_gradient = ctx.gradients
        w_gradient.copy_((x * g).sum(1, keepdim=True) if x.shape[2] == 1 else torch.bmm(x.transpose(1, 2), g))
        if b_gradient is not None:
            torch.sum(g, 1, dtype=b_gradient.dtype, out=b_gradient)
        return torch.bmm(g, w.transpose(1, 2)) if ctx.needs_input_grad[0] else None, None, None


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


@cache
def table_starts(cardinalities: tuple[int, ...], device: torch.device) -> Tensor:
    """First entry of each column in a table that holds those of all, int64 [column]; kept on the device."""
    return torch.tensor([0, *accumulate(cardinalities[:-1])], device=device)


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
    x = x.float()  # means and variances are float32 under autocast, too
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
        x: lane batch unit; units beyond `real` count as zero, and get no gradient.
        scale, shift: learned, lane unit.
        real: units in use, per lane, or `None` when all are.

    Source: Ba et al., Layer Normalization, 2016.
    """
    x = x.float()  # means and variances are float32 under autocast, too
    if real is None:
        mean = x.mean(-1, keepdim=True)
        centred = x - mean
        variance = centred.square().mean(-1, keepdim=True)
    else:
        count = real.to(x.dtype).view(-1, 1, 1)
        used = in_use(real, x.shape[-1]).to(x.dtype)
        x = x * used  # else the mean would pass a gradient to units that are padding, and train them
        mean = x.sum(-1, keepdim=True) / count
        centred = (x - mean) * used
        variance = centred.square().sum(-1, keepdim=True) / count
    return centred * (variance + EPSILON).rsqrt() * scale.unsqueeze(1) + shift.unsqueeze(1)


def in_use(real: Tensor, units: int) -> Tensor:
    """Which of `units` each lane uses: lane 1 unit, boolean."""
    return (torch.arange(units, device=real.device) < real.unsqueeze(1)).unsqueeze(1)
