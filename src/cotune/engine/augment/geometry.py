"""Where pixels are read from: any number of moves of an image are one affine matrix and one sampling.

A matrix maps a place of the new image to the place of the old one that is read there. Places are (across, down) in
pixels from the middle of the image, so turning keeps shapes when height and width differ.

| symbol   | meaning                                               | shape                            |
|----------|-------------------------------------------------------|----------------------------------|
| x        | images                                                | lane batch height width channel  |
| A        | affine matrices, the last row 0 0 1 left out          | lane batch 2 3                   |
| strength | how far at most; 0 is no move, and exactly I          | lane batch                       |
| u        | uniform draws of an example                           | lane batch draw                  |
| v        | 2u − 1, in [−1, 1)                                    | lane batch draw                  |
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.engine.augment.trigonometry import sine_and_cosine

Matrices = Callable[[Tensor, Tensor, int, int], Tensor]
"""(strength, u, height, width) → A."""


def _affine(rows: tuple[tuple[Tensor | float, ...], tuple[Tensor | float, ...]], like: Tensor) -> Tensor:
    numbers = [n if isinstance(n, Tensor) else torch.full_like(like, n) for row in rows for n in row]
    return torch.stack(numbers, -1).view(*like.shape, 2, 3)


def flip(strength: Tensor, u: Tensor, _height: int, _width: int) -> Tensor:
    """Left and right change places with chance `strength`. One draw.

    Source: Krizhevsky, Sutskever & Hinton, NeurIPS 2012, section 4.1.
    """
    side = torch.where(u[..., 0] < strength, -1.0, 1.0)
    return _affine(((side, 0, 0), (0, 1, 0)), strength)


def rotate(strength: Tensor, u: Tensor, _height: int, _width: int) -> Tensor:
    """A turn by v · strength degrees about the middle. One draw.

    Source: Simard, Steinkraus & Platt, ICDAR 2003.
    """
    sine, cosine = sine_and_cosine((2 * u[..., 0] - 1) * strength * (math.pi / 180))
    return _affine(((cosine, -sine, 0), (sine, cosine, 0)), strength)


def translate(strength: Tensor, u: Tensor, height: int, width: int) -> Tensor:
    """A shift by v₀ · strength of the width and v₁ · strength of the height. Two draws.

    Source: Simard, Steinkraus & Platt, ICDAR 2003.
    """
    v = 2 * u - 1
    return _affine(((1, 0, v[..., 0] * strength * width), (0, 1, v[..., 1] * strength * height)), strength)


def zoom(strength: Tensor, u: Tensor, _height: int, _width: int) -> Tensor:
    """Everything 1 + v · strength times as large. One draw.

    Source: Simonyan & Zisserman, ICLR 2015, section 3.1 (scale jittering).
    """
    shrink = 1 / (1 + (2 * u[..., 0] - 1) * strength)
    return _affine(((shrink, 0, 0), (0, shrink, 0)), strength)


def shear(strength: Tensor, u: Tensor, _height: int, _width: int) -> Tensor:
    """Rows slide by v₀ · strength per pixel down, columns by v₁ · strength per pixel across. Two draws.

    Source: Cubuk et al., AutoAugment, CVPR 2019 (ShearX and ShearY).
    """
    v = 2 * u - 1
    return _affine(((1, v[..., 0] * strength, 0), (v[..., 1] * strength, 1, 0)), strength)


def crop(strength: Tensor, u: Tensor, _height: int, _width: int) -> Tensor:
    """The image with a border of ⌊strength⌋ pixels, cut back to its size at a random place. Two draws.

    The border repeats the edge, where the paper has zeros: see `warp`.

    Source: He et al., CVPR 2016, section 4.2.
    """
    border = strength.floor()
    shift = (u * (2 * border + 1).unsqueeze(-1)).floor() - border.unsqueeze(-1)
    return _affine(((1, 0, shift[..., 0]), (0, 1, shift[..., 1])), strength)


GEOMETRY: dict[str, Matrices] = {
    "flip": flip,
    "rotate": rotate,
    "translate": translate,
    "zoom": zoom,
    "shear": shear,
    "crop": crop,
}
"""By the name that recipes use, in the order in which images undergo them."""


def then(first: Tensor, second: Tensor) -> Tensor:
    """The matrices A₁ A₂ of a move and one after it; sums written out, which no library of products reorders."""
    a, b = first[..., :2].unsqueeze(-1), second.unsqueeze(-3)
    product = a[..., 0, :] * b[..., 0, :] + a[..., 1, :] * b[..., 1, :]
    product[..., 2] += first[..., 2]
    return product


def warp(x: Tensor, matrices: Tensor) -> Tensor:
    """Read images at new places, shape as `x`; those whose matrix is I are returned bit for bit.

    Bilinear between pixels; beyond the border the nearest pixel of the edge. An edge is what a border most likely goes
    on with. Zero, the other choice, is a mean grey once pixels are standardised, and would frame a dark image.

    Source: Jaderberg et al., Spatial Transformer Networks, NeurIPS 2015, eq. 5.
    """
    if x.device.type == "cpu" and len(x) > 1:
        # Lane by lane what is written is read again from the cache: all at once takes twice as long.
        return torch.cat([warp(x[i : i + 1], matrices[i : i + 1]) for i in range(len(x))])
    lanes, batch, height, width, channels = x.shape
    sampled = F.grid_sample(
        x.reshape(-1, height, width, channels).permute(0, 3, 1, 2),
        _grid(matrices.view(-1, 6, 1, 1), height, width),
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )
    moved = (matrices != torch.eye(2, 3, device=x.device)).flatten(2).any(2)
    return torch.where(moved.view(lanes, batch, 1, 1, 1), sampled.permute(0, 2, 3, 1).reshape(x.shape), x)


def _grid(a: Tensor, height: int, width: int) -> Tensor:
    """Places to read, as `grid_sample` counts them: image height width 2, the image's sides at −1 and 1."""
    across = torch.arange(width, device=a.device) - (width - 1) / 2
    down = (torch.arange(height, device=a.device) - (height - 1) / 2).unsqueeze(1)
    x = (a[:, 0] * across + (a[:, 1] * down + a[:, 2])) * (2 / width)
    y = (a[:, 3] * across + (a[:, 4] * down + a[:, 5])) * (2 / height)
    return torch.stack((x, y), 1).permute(
        0, 2, 3, 1
    )  # all x, then all y in memory: in turns they cost as much again
