"""Generator and discriminator of a table's rows, all lanes side by side.

| symbol | meaning                                         | shape              |
|--------|-------------------------------------------------|--------------------|
| h      | units                                           | lane batch unit    |
| w      | weights of a layer                              | lane input unit    |
| u      | uniform draws, see `chances`                    | lane batch draw    |

A row is made of blocks of columns, each made from the generator's last layer:

| kind     | columns                       | how they are made                                             |
|----------|-------------------------------|---------------------------------------------------------------|
| number   | numbers on their scales       | as they are                                                   |
| flag     | 0 or 1, each by itself        | σ((h + logit u) / τ), relaxed; the nearer of 0 and 1 at last  |
| choice   | one of n                      | softmax((h + Gumbel(u)) / τ)                                  |
| category | one of n, or none of them     | the same over n + 1, the first left out                       |

Sources: Jang, Gu & Poole, and Maddison, Mnih & Teh, ICLR 2017 (Gumbel-softmax, the concrete distribution); Xu et al.,
CTGAN, NeurIPS 2019.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.nets.layers import EPSILON
from cotune.nets.layout import ALIGN, Weight
from cotune.nets.mlp import HEAD_MULTIPLE
from cotune.nets.norms import learned

if TYPE_CHECKING:
    from cotune.nets.gan.pair import GAN, Moments

CHOSEN = ("choice", "category")
"""Blocks of which one column is 1."""
SLOPE = 0.2
TEMPERATURE = 0.5
"""τ: nearer to 0 rows are sharper, and gradients wilder."""
LEAST = 1e-6
"""Draws are kept so far away from 0 and 1."""


def _outputs(gan: "GAN") -> int:
    """Numbers of the generator's last layer: a category has one more than columns."""
    return sum(size + (kind == "category") for kind, size in zip(gan.kinds, gan.sizes, strict=True))


def _padded(size: int) -> int:
    """Rows of odd length would put lanes at places where kernels round otherwise."""
    return -(-size // HEAD_MULTIPLE) * HEAD_MULTIPLE


def generator_weights(gan: "GAN") -> tuple[Weight, ...]:
    """The generator's, in order of use."""
    found, inputs = [], gan.latent
    for layer in range(gan.depth):
        name = f"generator{layer}"
        found.append(Weight(f"{name}.weight", (inputs, gan.width), "fan", decay=True))
        if gan.generator_norm != "batch":
            found.append(Weight(f"{name}.bias", (gan.width,)))
        found += learned(gan.generator_norm, name, gan.width)
        inputs = gan.width
    last, units = f"generator{gan.depth}", _padded(_outputs(gan))
    return (
        *found,
        Weight(f"{last}.weight", (inputs, units), "fan", decay=True),
        Weight(f"{last}.bias", (units,)),
    )


def discriminator_layers(gan: "GAN") -> list[tuple[str, int, int]]:
    """(name, inputs, units) of its layers, heads too."""
    inputs = [gan.features, *([gan.width] * (gan.depth - 1))]
    found = [(f"discriminator{layer}", size, gan.width) for layer, size in enumerate(inputs)]
    found.append(("discriminator_head", gan.width, HEAD_MULTIPLE))
    if gan.heads:
        found += [(f"discriminator_head{layer}", gan.width, HEAD_MULTIPLE) for layer in range(gan.depth - 1)]
    return found


def discriminator_weights(gan: "GAN") -> tuple[Weight, ...]:
    """The discriminator's, in order of use."""
    found = []
    for name, inputs, units in discriminator_layers(gan):
        found += [
            Weight(f"{name}.weight", (inputs, units), "fan", decay=True),
            Weight(f"{name}.bias", (units,)),
        ]
        if "head" not in name and gan.discriminator_norm == "layer":
            found += learned("layer", name, units)
    return tuple(found)


def products(gan: "GAN") -> tuple[int, int]:
    """Multiplications of a row's way through the generator, and through the discriminator."""
    hidden = (gan.depth - 1) * gan.width**2
    heads = gan.outputs * gan.width
    return (gan.latent + _outputs(gan)) * gan.width + hidden, gan.features * gan.width + hidden + heads


def values(gan: "GAN") -> int:
    """Numbers that a row's way through both leaves behind."""
    return 2 * gan.depth * gan.width + _outputs(gan)


def generated(
    gan: "GAN",
    z: Tensor,
    weights: Mapping[str, Tensor],
    moments: "Moments | None",
    found: "Moments",
    chance: Tensor | None,
) -> Tensor:
    """Rows made of noise [lane batch feature]; moments that were measured are put into `found`."""
    h = z
    for layer in range(gan.depth):
        name = f"generator{layer}"
        h = torch.bmm(h, weights[f"{name}.weight"])
        h = F.relu(_norm(gan, name, h, weights, moments, found))
    last = f"generator{gan.depth}"
    h = torch.baddbmm(weights[f"{last}.bias"].unsqueeze(1), h, weights[f"{last}.weight"])
    return _in_blocks(gan, h, chance)


def _norm(
    gan: "GAN", name: str, h: Tensor, w: Mapping[str, Tensor], moments: "Moments | None", found: "Moments"
) -> Tensor:
    if gan.generator_norm != "batch":
        h = h + w[f"{name}.bias"].unsqueeze(1)
        return _layer_norm(name, h, w) if gan.generator_norm == "layer" else h
    if moments is None:
        mean = h.mean(1)
        variance = (h - mean.unsqueeze(1)).square().mean(1)
        if not torch.is_grad_enabled():
            found[name] = mean, variance
    else:
        mean, variance = moments[name]
    factor = (variance + EPSILON).rsqrt() * w[f"{name}.norm.weight"]
    return (h - mean.unsqueeze(1)) * factor.unsqueeze(1) + w[f"{name}.norm.bias"].unsqueeze(1)


def _layer_norm(name: str, h: Tensor, w: Mapping[str, Tensor]) -> Tensor:
    centred = h - h.mean(-1, keepdim=True)
    unit = centred * (centred.square().mean(-1, keepdim=True) + EPSILON).rsqrt()
    return unit * w[f"{name}.norm.weight"].unsqueeze(1) + w[f"{name}.norm.bias"].unsqueeze(1)


def _in_blocks(gan: "GAN", h: Tensor, chance: Tensor | None) -> Tensor:
    """The last layer's numbers as columns; without `chance` they are the most probable."""
    parts, at, drawn = [], 0, 0
    for kind, size in zip(gan.kinds, gan.sizes, strict=True):
        wide = size + (kind == "category")
        block = h[..., at : at + wide]
        if kind != "number":
            block = block if chance is None else (block + chance[..., drawn : drawn + wide]) / TEMPERATURE
            block = _flags(block) if kind == "flag" else torch.softmax(block, dim=-1)[..., wide - size :]
            drawn += wide
        parts.append(block)
        at += wide
    return torch.cat(parts, dim=-1)


def chances(gan: "GAN") -> int:
    """Uniform draws that a row needs."""
    return sum(
        size + (kind == "category")
        for kind, size in zip(gan.kinds, gan.sizes, strict=True)
        if kind != "number"
    )


def chance_of(gan: "GAN", uniforms: Callable[[int], Tensor], rows: int) -> Tensor | None:
    """What flags and categories are moved by, lane row draw; `None` where there are none.

    logit u for a flag, −log(−log u) for a category: made of whole vectors for each lane, whose bits last.

    Args:
        uniforms: so many draws in [0, 1) for each lane, lane draw.
    """
    draws = chances(gan)
    if not draws:
        return None
    count = rows * draws
    u = uniforms(-(-count // ALIGN) * ALIGN).clamp(LEAST, 1 - LEAST)
    gumbel, logistic = -torch.log(-torch.log(u)), torch.log(u) - torch.log(1 - u)
    own = torch.tensor(_is_flag(gan), device=u.device)
    flags, others = (part[:, :count].reshape(len(u), rows, draws) for part in (logistic, gumbel))
    return torch.where(own, flags, others)


def _is_flag(gan: "GAN") -> list[bool]:
    return [
        kind == "flag"
        for kind, size in zip(gan.kinds, gan.sizes, strict=True)
        if kind != "number"
        for _ in range(size + (kind == "category"))
    ]


def _flags(h: Tensor) -> Tensor:
    """σ(h), as a softmax of two: those go row by row, and do not depend on what else is in a tensor."""
    return torch.softmax(torch.stack([h, torch.zeros_like(h)], dim=-1), dim=-1)[..., 0]


def sharp(gan: "GAN", x: Tensor) -> Tensor:
    """Rows as they are handed out: of each category the likeliest alone, or none of them; flags are 0 or 1.

    With `chance` that is an exact draw from the probabilities, as the largest of perturbed numbers is.
    """
    parts, at = [], 0
    for kind, size in zip(gan.kinds, gan.sizes, strict=True):
        block = x[..., at : at + size]
        if kind == "flag":
            block = (block > 0.5).to(x.dtype)
        elif kind in CHOSEN:
            none = (
                1 - block.sum(-1, keepdim=True)
                if kind == "category"
                else torch.full_like(block[..., :1], -1.0)
            )
            place = torch.cat([none, block], dim=-1).argmax(-1)
            block = F.one_hot(place, size + 1)[..., 1:].to(x.dtype)
        parts.append(block)
        at += size
    return torch.cat(parts, dim=-1)


def scores(gan: "GAN", x: Tensor, judges: Mapping[str, Tensor]) -> Tensor:
    """Scores of rows [lane batch head]."""
    h, further = x, []
    for layer in range(gan.depth):
        name = f"discriminator{layer}"
        h = torch.baddbmm(judges[f"{name}.bias"].unsqueeze(1), h, judges[f"{name}.weight"])
        if f"{name}.norm.weight" in judges:
            h = _layer_norm(name, h, judges)
        h = F.leaky_relu(h, SLOPE)
        if gan.heads and layer < gan.depth - 1:
            further.append(_head(f"discriminator_head{layer}", h, judges))
    return torch.cat([_head("discriminator_head", h, judges), *further], dim=-1)


def _head(name: str, h: Tensor, w: Mapping[str, Tensor]) -> Tensor:
    """One column is used: a product with a single one would round by the count of lanes."""
    return torch.baddbmm(w[f"{name}.bias"].unsqueeze(1), h, w[f"{name}.weight"])[..., :1]
