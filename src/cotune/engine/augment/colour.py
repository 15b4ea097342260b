"""Brightness and contrast of standardised images, one number per example.

| symbol   | meaning                        | shape                           |
|----------|--------------------------------|---------------------------------|
| x        | images                         | lane batch height width channel |
| strength | how far at most                | lane batch                      |
| v        | 2u − 1 of an example's draw u  | lane batch                      |
"""

import torch
from torch import Tensor

_NOTHING = -0.0
"""What may be added to any number and leaves its bits alone; +0 would turn −0 into +0."""


def brightness(x: Tensor, strength: Tensor, u: Tensor) -> Tensor:
    """x + v · strength: a shift in standard deviations. One draw.

    Source: Howard, arXiv 1312.5402, 2013.
    """
    shift = (2 * u[..., 0] - 1) * strength
    return x + _per_image(torch.where(strength > 0, shift, _NOTHING))


def contrast(x: Tensor, strength: Tensor, u: Tensor) -> Tensor:
    """c x + (1 − c) m, with c = 1 + v · strength and m the mean over an image's pixels and channels. One draw.

    Source: Howard, arXiv 1312.5402, 2013.
    """
    change = (2 * u[..., 0] - 1) * strength
    mean = x.flatten(3).mean(3).mean(2)  # a single number at once would be summed in parts, one a core
    shift = torch.where(strength > 0, -change * mean, _NOTHING)
    return x * _per_image(1 + change) + _per_image(shift)


def _per_image(number: Tensor) -> Tensor:
    return number[..., None, None, None]
