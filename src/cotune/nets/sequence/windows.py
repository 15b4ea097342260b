"""Convolutions over time as one product of matrices: each time with its neighbours, side by side.

| symbol | meaning                                  | shape                         |
|--------|------------------------------------------|-------------------------------|
| x      | series                                   | lane batch time channel       |
| k, d   | kernel, and dilation: times between the neighbours |                     |
| left   | neighbours' times before a time itself   |                               |
| y      | y[t] = x[t − left], x[t − left + d], …; zero beyond the ends | lane batch time (neighbour channel) |
"""

from typing import Any

import torch
from torch import Tensor


def windows(x: Tensor, kernel: int, dilation: int, left: int) -> Tensor:
    """y of the table above."""
    if kernel == 1:
        return x
    found: Tensor = _Windows.apply(x, kernel, dilation, left)  # type: ignore[no-untyped-call]
    return found


class _Windows(torch.autograd.Function):
    """Written out, since autograd would fill a whole tensor with zeros for each neighbour."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: int, dilation: int, left: int) -> Tensor:
        ctx.neighbours = kernel, dilation, left
        times, span = x.shape[2], (kernel - 1) * dilation
        padded = x.new_zeros(*x.shape[:2], times + span, x.shape[3])
        padded[:, :, left : left + times] = x
        parts = [padded[:, :, j * dilation : j * dilation + times] for j in range(kernel)]
        return torch.cat(parts, dim=3)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None, None]:
        kernel, dilation, left = ctx.neighbours
        lanes, batch, times, wide = g.shape
        padded = g.new_zeros(lanes, batch, times + (kernel - 1) * dilation, wide // kernel)
        for j, part in enumerate(g.chunk(kernel, dim=3)):
            padded[:, :, j * dilation : j * dilation + times] += part
        return padded[:, :, left : left + times].contiguous(), None, None, None
