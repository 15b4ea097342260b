"""Activation functions by name. Elementwise, so a lane axis needs no care."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

FIRST_SLOPE = 0.25
"""Where prelu's slopes begin."""


def prelu(x: Tensor, slope: Tensor) -> Tensor:
    """x where x > 0, else slope · x; slopes are learned, one a unit.

    Args:
        x: lane batch unit.
        slope: lane unit.

    Source: He et al., Delving Deep into Rectifiers, ICCV 2015.
    """
    return torch.where(x > 0, x, slope.unsqueeze(1) * x)


ACTIVATIONS: dict[str, Callable[..., Tensor]] = {
    "identity": lambda x: x,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": F.softplus,
    "mish": F.mish,
    "hardsigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "hardtanh": F.hardtanh,
    "prelu": prelu,
}
"""Each takes x; prelu takes slopes, too."""
