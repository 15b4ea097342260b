"""A rectangle of each image is blotted out.

| symbol   | meaning                                     | shape                           |
|----------|---------------------------------------------|---------------------------------|
| x        | standardised images                         | lane batch height width channel |
| strength | largest share of the area that is erased    | lane batch                      |
| u        | uniform draws: area, aspect, top, left      | lane batch 4                    |
"""

import torch
from torch import Tensor

DRAWS = 4
FLATTEST, STEEPEST = 0.3, 1 / 0.3
"""Heights of a rectangle as multiples of its width: the paper's r₁ and r₂."""


def erase(x: Tensor, strength: Tensor, u: Tensor) -> Tensor:
    """0 in a rectangle of area u₀ · strength · height · width, wholly inside the image. Four draws.

    0 is the mean of standardised pixels, the paper's "RE-M". Where the paper draws again until the rectangle fits,
    its sides are cut to the image's; so the number of draws is fixed.

    Source: Zhong et al., Random Erasing, AAAI 2020; DeVries & Taylor, Cutout, arXiv 1708.04552, 2017.
    """
    height, width, channels = x.shape[2:]
    area = u[..., 0] * strength * (height * width)
    aspect = FLATTEST + u[..., 1] * (STEEPEST - FLATTEST)
    tall = (area * aspect).sqrt().round().clamp(max=height)
    wide = (area / aspect).sqrt().round().clamp(max=width)
    rows = _between(u[..., 2], tall, height).unsqueeze(-1)
    columns = _between(u[..., 3], wide, width).repeat_interleave(channels, -1).unsqueeze(-2)
    # Products of 0 and 1: a choice by truth values takes seven times as long, and so does a loop over channels.
    return x * (1 - rows * columns).view(x.shape)


def _between(u: Tensor, length: Tensor, side: int) -> Tensor:
    """Which of `side` places lie in a stretch of `length`, 0 or 1 [lane batch side]; wherever it fits is as likely."""
    start = (u * (side - length + 1)).floor().unsqueeze(-1)
    place = torch.arange(side, device=u.device)
    return ((place >= start) & (place < start + length.unsqueeze(-1))).float()
