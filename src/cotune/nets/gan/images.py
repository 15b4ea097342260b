"""Generator and discriminator of images, lane by lane: a convolution's kernels round differently in company.

| symbol | meaning                                   | shape                        |
|--------|-------------------------------------------|------------------------------|
| h      | maps of one lane                          | batch channel height width   |
| w      | filters of one lane                       | (down across channel) unit   |
| s_j    | sides after j halvings, ⌈side / 2ʲ⌉       |                              |

Generator: maps of s_depth pixels from noise by a matrix, then `depth` doublings, each cut to s_j; ReLU between, the
last gives ½ (1 + tanh h), in [0, 1]. Discriminator: `depth` convolutions of 4 by 4 pixels at every second one, leaky
ReLU of slope 0.2, a linear head. No layer has a bias before batch norm, which would take it off again.

Sources: Radford, Metz & Chintala, DCGAN, ICLR 2016; Odena, Dumoulin & Olah, Deconvolution and Checkerboard Artifacts,
2016 (nearest pixels and a convolution instead of a transposed one).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.nets.layers import EPSILON
from cotune.nets.layout import Weight
from cotune.nets.norms import learned

if TYPE_CHECKING:
    from cotune.nets.gan.pair import GAN, Moments

SLOPE = 0.2
STRIDED = 4
"""Side of a filter that halves or doubles; twice the stride, so that each pixel is met equally often."""
FEW = 4
"""Channels of pixels."""
NEAREST = 3
"""Side of a filter after nearest pixels."""


def sides(gan: "GAN") -> list[tuple[int, int]]:
    """Height and width after 0 … depth halvings."""
    height, across, _ = gan.shape
    return [(-(-height >> j), -(-across >> j)) for j in range(gan.depth + 1)]


def _channels(gan: "GAN") -> list[int]:
    """Channels of the generator's maps, from noise to pixels."""
    return [gan.width << j for j in range(gan.depth - 1, -1, -1)] + [gan.shape[2]]


def _side(gan: "GAN") -> int:
    return STRIDED if gan.upsampling == "transposed" else NEAREST


def generator_weights(gan: "GAN") -> tuple[Weight, ...]:
    """The generator's, in order of use."""
    (height, across), channels = sides(gan)[-1], _channels(gan)
    found = [Weight("generator0.weight", (gan.latent, channels[0] * height * across), "fan", decay=True)]
    found += _normed(gan, "generator0", channels[0])
    places = _side(gan) ** 2
    for layer in range(1, gan.depth + 1):
        name, last = f"generator{layer}", layer == gan.depth
        shape = (places * channels[layer - 1], channels[layer])
        found.append(Weight(f"{name}.weight", shape, "fan", decay=True, places=places))
        found += [Weight(f"{name}.bias", (channels[layer],))] if last else _normed(gan, name, channels[layer])
    return tuple(found)


def _normed(gan: "GAN", name: str, units: int) -> list[Weight]:
    bias = [] if gan.generator_norm == "batch" else [Weight(f"{name}.bias", (units,))]
    return [*bias, *learned(gan.generator_norm, name, units)]


def discriminator_layers(gan: "GAN") -> list[tuple[str, int, int]]:
    """(name, inputs, units) of its layers, heads too."""
    height, across, channels = gan.shape
    found = []
    for layer in range(gan.depth):
        units = gan.width << layer
        found.append((f"discriminator{layer}", STRIDED**2 * channels, units))
        channels, height, across = units, height // 2, across // 2
    found.append(("discriminator_head", height * across * channels, 1))
    if gan.heads:
        found += [(f"discriminator_head{layer}", gan.width << layer, 1) for layer in range(gan.depth - 1)]
    return found


def discriminator_weights(gan: "GAN") -> tuple[Weight, ...]:
    """The discriminator's, in order of use."""
    found = []
    for name, inputs, units in discriminator_layers(gan):
        strided = "head" not in name
        found.append(
            Weight(f"{name}.weight", (inputs, units), "fan", decay=True, places=STRIDED**2 if strided else 1)
        )
        found.append(Weight(f"{name}.bias", (units,)))
        if strided and gan.discriminator_norm == "layer" and name != "discriminator0":
            found += learned("layer", name, units)
    return tuple(found)


def products(gan: "GAN") -> tuple[int, int]:
    """Multiplications of an image's way through the generator, and through the discriminator."""
    (height, across), channels = sides(gan)[-1], _channels(gan)
    generator = gan.latent * channels[0] * height * across
    taps = 4 if gan.upsampling == "transposed" else NEAREST**2
    for layer in range(1, gan.depth + 1):
        high, wide = sides(gan)[gan.depth - layer]
        generator += high * wide * taps * channels[layer - 1] * channels[layer]
    discriminator, (high, wide, _) = 0, gan.shape
    for name, inputs, units in discriminator_layers(gan):
        if "head" in name:
            discriminator += inputs * units
        else:
            high, wide = high // 2, wide // 2
            discriminator += high * wide * inputs * units
    return generator, discriminator


def values(gan: "GAN") -> int:
    """Numbers that an image's way through both leaves behind."""
    maps = zip(sides(gan)[::-1], _channels(gan), strict=True)
    return 2 * sum(height * across * units for (height, across), units in maps)


def generated(
    gan: "GAN",
    z: Tensor,
    weights: Mapping[str, Tensor],
    moments: "Moments | None",
    found: "Moments",
    chance: Tensor | None,  # noqa: ARG001
) -> Tensor:
    """Images made of noise [lane batch feature]; moments that were measured are put into `found`."""
    own = {name: w.unbind(0) for name, w in weights.items() if name.startswith("generator")}
    lanes: list[Tensor] = []
    measured: list[Moments] = []
    for i, noise in enumerate(z.unbind(0)):
        at = None if moments is None else {name: (m[i], v[i]) for name, (m, v) in moments.items()}
        measured.append({})
        lanes.append(_generated(gan, noise, {name: w[i] for name, w in own.items()}, at, measured[-1]))
    for name in measured[0]:
        means, variances = zip(*(each[name] for each in measured), strict=True)
        found[name] = torch.stack(means), torch.stack(variances)
    return torch.stack(lanes)


def _generated(
    gan: "GAN", z: Tensor, w: Mapping[str, Tensor], moments: "Moments | None", found: "Moments"
) -> Tensor:
    (height, across), channels = sides(gan)[-1], _channels(gan)
    h = (z @ w["generator0.weight"]).view(len(z), channels[0], height, across)
    h = F.relu(_norm(gan, "generator0", h, w, moments, found))
    for layer in range(1, gan.depth + 1):
        name, side = f"generator{layer}", _side(gan)
        filters = w[f"{name}.weight"].view(side, side, channels[layer - 1], channels[layer])
        if gan.upsampling == "transposed":
            h = _doubled(h, filters.permute(2, 3, 0, 1))
        else:
            doubled = F.interpolate(h, scale_factor=2, mode="nearest")
            h = F.conv2d(doubled, filters.permute(3, 2, 0, 1), padding=1)
        height, across = sides(gan)[gan.depth - layer]
        h = h[:, :, :height, :across]
        if layer < gan.depth:
            h = F.relu(_norm(gan, name, h, w, moments, found))
    h = h + w[f"generator{gan.depth}.bias"].view(-1, 1, 1)
    return ((h.tanh() + 1) / 2).permute(0, 2, 3, 1).flatten(1)


def _doubled(h: Tensor, filters: Tensor) -> Tensor:
    """A transposed convolution; to a few channels as a product of matrices, for which the kernels are slow."""
    if filters.shape[1] > FEW:
        return F.conv_transpose2d(h, filters, stride=2, padding=1)
    columns = filters.flatten(1).T @ h.flatten(2)
    return F.fold(columns, (2 * h.shape[2], 2 * h.shape[3]), STRIDED, padding=1, stride=2)


def _halved(h: Tensor, filters: Tensor, bias: Tensor) -> Tensor:
    """A strided convolution; where gradients go back to a few channels as a product of matrices, as above."""
    if h.shape[1] > FEW or not h.requires_grad:
        return F.conv2d(h, filters, bias, stride=2, padding=1)
    columns = filters.flatten(1) @ F.unfold(h, STRIDED, padding=1, stride=2)
    return columns.view(len(h), -1, h.shape[2] // 2, h.shape[3] // 2) + bias.view(-1, 1, 1)


def _norm(
    gan: "GAN", name: str, h: Tensor, w: Mapping[str, Tensor], moments: "Moments | None", found: "Moments"
) -> Tensor:
    if gan.generator_norm != "batch":
        h = h + w[f"{name}.bias"].view(-1, 1, 1)
        return _layer_norm(name, h, w) if gan.generator_norm == "layer" else h
    scale, shift = w[f"{name}.norm.weight"], w[f"{name}.norm.bias"]
    if moments is not None:
        return F.batch_norm(h, *moments[name], scale, shift, eps=EPSILON)
    if not torch.is_grad_enabled():
        found[name] = h.mean((0, 2, 3)), h.var((0, 2, 3), correction=0)
    return F.batch_norm(h, None, None, scale, shift, training=True, eps=EPSILON)


def _layer_norm(name: str, h: Tensor, w: Mapping[str, Tensor]) -> Tensor:
    return F.group_norm(h, 1, w[f"{name}.norm.weight"], w[f"{name}.norm.bias"], EPSILON)


def scores(gan: "GAN", x: Tensor, judges: Mapping[str, Tensor]) -> Tensor:
    """Scores of images [lane batch head]."""
    own = {name: w.unbind(0) for name, w in judges.items()}
    lanes = [
        _scores(gan, rows, {name: w[i] for name, w in own.items()}) for i, rows in enumerate(x.unbind(0))
    ]
    return torch.stack(lanes)


def _scores(gan: "GAN", x: Tensor, w: Mapping[str, Tensor]) -> Tensor:
    height, across, channels = gan.shape
    h = (2 * x - 1).view(len(x), height, across, channels).permute(0, 3, 1, 2)
    further = []
    for layer in range(gan.depth):
        name = f"discriminator{layer}"
        filters = w[f"{name}.weight"].view(STRIDED, STRIDED, h.shape[1], -1).permute(3, 2, 0, 1)
        h = _halved(h, filters, w[f"{name}.bias"])
        if f"{name}.norm.weight" in w:
            h = _layer_norm(name, h, w)
        h = F.leaky_relu(h, SLOPE)
        if gan.heads and layer < gan.depth - 1:
            further.append(_head(f"discriminator_head{layer}", h.mean((2, 3)), w))
    return torch.cat([_head("discriminator_head", h.flatten(1), w), *further], dim=1)


def _head(name: str, h: Tensor, w: Mapping[str, Tensor]) -> Tensor:
    return h @ w[f"{name}.weight"] + w[f"{name}.bias"]
