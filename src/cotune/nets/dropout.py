"""Kinds of dropout by name: what is left out of a step.

| kind    | what is left out                                  | numbers drawn a step    |
|---------|---------------------------------------------------|-------------------------|
| unit    | a hidden unit of a row                            | batch · units           |
| alpha   | the same, set so that mean and variance stay (for selu) | batch · units     |
| spatial | a whole feature map of an image                   | batch · maps            |
| connect | a weight, for all rows of the step                | weights                 |
| depth   | what a layer adds to its input, for a whole row   | batch                   |

Factors are 0 where something is left out, else 1/(1 − q). Draws of all layers stand one after the other.

Sources: Srivastava et al. 2014; Klambauer et al. 2017; Tompson et al. 2015; Wan et al. 2013; Huang et al. 2016.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

KINDS = ("unit", "alpha", "spatial", "connect", "depth")

SATURATED = -1.7580993408473766
"""What selu tends to for large negative numbers, −λα: left-out units are set to it."""


@dataclass(frozen=True)
class Factors:
    """The draws of a step.

    Args:
        values: factors of all layers, lane draw.
        rate: the share that is left out in this step, lane.
    """

    values: Tensor
    rate: Tensor

    def part(self, first: int, shape: tuple[int, ...]) -> Tensor:
        """Those from number `first` on, lane *shape."""
        count = torch.Size(shape).numel()
        return self.values[:, first : first + count].view(-1, *shape)

    def alpha(self, x: Tensor, first: int) -> Tensor:
        """Alpha dropout of x [lane batch unit]; a lane that drops nothing is untouched."""
        keep = (self.part(first, tuple(x.shape[1:])) > 0).to(x.dtype)
        q = self.rate.view(-1, 1, 1)
        a = ((1 - q) * (1 + q * SATURATED**2)).rsqrt()
        return torch.where(q > 0, a * (x * keep + SATURATED * (1 - keep)) - a * SATURATED * q, x)
