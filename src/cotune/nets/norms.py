"""Normalisation by name: of what a layer yields, or of its weights.

| symbol | meaning                                    | shape                    |
|--------|--------------------------------------------|--------------------------|
| x      | what a layer yields                        | lane batch position unit |
| w      | weights of a layer                         | lane input unit          |
| real   | units in use of each lane, `None` when all | lane                     |

A position is a pixel; a row of a table has one.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.nets.context import Context
from cotune.nets.layers import EPSILON, batch_norm, in_use, layer_norm
from cotune.nets.layout import Weight

GROUP = 8
"""Neighbouring units that group norm normalises together."""

OF_WEIGHTS = ("weight", "spectral")
"""Those that act on weights, not on what layers yield."""

TINY = 1e-12


def learned(norm: str, layer: str, units: int) -> list[Weight]:
    """The weights that a norm adds to a layer."""
    if norm == "none" or norm == "spectral":
        return []
    if norm == "weight":
        return [Weight(f"{layer}.gain", (units,), "norms")]
    shift = [] if norm == "rms" else [Weight(f"{layer}.norm.bias", (units,))]
    return [Weight(f"{layer}.norm.weight", (units,), "ones"), *shift]


def kept(norm: str, layer: str, inputs: int, units: int) -> list[Weight]:
    """The statistics that a norm keeps for a layer."""
    if norm == "batch":
        pairs = (("mean", "zeros"), ("variance", "ones"))
        return [Weight(f"{layer}.norm.{name}", (units,), init) for name, init in pairs]
    if norm == "spectral":
        return [
            Weight(f"{layer}.norm.{name}", (size,), "normal")
            for name, size in (("left", units), ("right", inputs))
        ]
    return []


def normalise(
    norm: str,
    layer: str,
    x: Tensor,
    weights: Mapping[str, Tensor],
    statistics: Mapping[str, Tensor],
    context: Context,
) -> Tensor:
    """x as the norm of a layer makes it."""
    if norm == "none" or norm in OF_WEIGHTS:
        return x
    scale, shift = weights[f"{layer}.norm.weight"], weights.get(f"{layer}.norm.bias")
    if norm == "rms":
        return rms_norm(x, scale, context.real)
    assert shift is not None
    if norm == "batch":
        mean, variance = (statistics[f"{layer}.norm.{name}"] for name in ("mean", "variance"))
        found = batch_norm(x.flatten(1, 2), scale, shift, mean, variance, training=context.training)
        return found.view(x.shape)
    if norm == "layer" and x.shape[2] == 1:
        return layer_norm(x.squeeze(2), scale, shift, context.real).unsqueeze(2)
    if norm == "group":
        return _in_groups(x, scale, shift, context.real)
    return group_norm(x, scale, shift, 1 if norm == "layer" else x.shape[3], context.real)


def _in_groups(x: Tensor, scale: Tensor, shift: Tensor, real: Tensor | None) -> Tensor:
    """Groups of `GROUP`; the last may be smaller, as in a network that is cut to its own width."""
    units = x.shape[3]
    more = -units % GROUP
    if more:
        real = torch.full((len(x),), units, device=x.device) if real is None else real
        x, scale, shift = (F.pad(part, (0, more)) for part in (x, scale, shift))
    return group_norm(x, scale, shift, (units + more) // GROUP, real)[..., :units]


def group_norm(x: Tensor, scale: Tensor, shift: Tensor, groups: int, real: Tensor | None) -> Tensor:
    """Each group of neighbouring units normalised over itself and all positions of its row.

    Args:
        scale, shift: learned, lane unit.
        groups: a divisor of the units. One is layer norm, as many as units instance norm.

    Sources: Wu & He, Group Normalization, ECCV 2018; Ulyanov et al. 2016.
    """
    lanes, batch, positions, units = x.shape
    x = x.float()
    parted = x.view(lanes, batch, positions, groups, units // groups)
    if real is None:
        mean = parted.mean((2, 4), keepdim=True)
        centred = parted - mean
        variance = centred.square().mean((2, 4), keepdim=True)
    else:
        used = in_use(real, units).to(x.dtype).view(lanes, 1, 1, groups, -1)
        count = (used.sum(4, keepdim=True) * positions).clamp(min=1)
        parted = parted * used
        mean = parted.sum((2, 4), keepdim=True) / count
        centred = (parted - mean) * used
        variance = centred.square().sum((2, 4), keepdim=True) / count
    found = (centred * (variance + EPSILON).rsqrt()).view(x.shape)
    return found * scale.view(lanes, 1, 1, units) + shift.view(lanes, 1, 1, units)


def rms_norm(x: Tensor, scale: Tensor, real: Tensor | None) -> Tensor:
    """x / √(mean x² + ε) · scale, the mean over the units in use of each position.

    Source: Zhang & Sennrich, Root Mean Square Layer Normalization, NeurIPS 2019.
    """
    x = x.float()
    if real is None:
        mean = x.square().mean(-1, keepdim=True)
    else:
        x = x * in_use(real, x.shape[-1]).to(x.dtype).unsqueeze(1)
        mean = x.square().sum(-1, keepdim=True) / real.to(x.dtype).view(-1, 1, 1, 1)
    return x * (mean + EPSILON).rsqrt() * scale.view(len(scale), 1, 1, -1)


def normed_weight(
    norm: str, layer: str, weights: Mapping[str, Tensor], statistics: Mapping[str, Tensor], context: Context
) -> Tensor:
    """A layer's weights [lane input unit] as its norm makes them."""
    w = weights[f"{layer}.weight"]
    if norm == "weight":
        return weight_norm(w, weights[f"{layer}.gain"])
    if norm == "spectral":
        left, right = (statistics[f"{layer}.norm.{name}"] for name in ("left", "right"))
        return spectral_norm(w, left, right, training=context.training)
    return w


def weight_norm(w: Tensor, gain: Tensor) -> Tensor:
    """gain · w / ‖w‖ for the weights into each unit.

    Args:
        gain: learned, lane unit; at first the norms of w.

    Source: Salimans & Kingma, Weight Normalization, NeurIPS 2016.
    """
    return w * (gain / w.square().sum(1).clamp(min=TINY**2).sqrt()).unsqueeze(1)


def spectral_norm(w: Tensor, left: Tensor, right: Tensor, *, training: bool) -> Tensor:
    """w / σ, σ the largest singular value by one power iteration a step.

    Args:
        left, right: its singular vectors so far, lane unit and lane input; changed in place while training.

    Source: Miyato et al., Spectral Normalization, ICLR 2018, algorithm 1.
    """
    if training:
        with torch.no_grad():
            left.copy_(_unit(torch.bmm(right.unsqueeze(1), w).squeeze(1)))
            right.copy_(_unit(torch.bmm(w, left.unsqueeze(2)).squeeze(2)))
    u, v = left.clone(), right.clone()  # autograd must find them as they are now
    sigma = (torch.bmm(v.unsqueeze(1), w).squeeze(1) * u).sum(1)
    return w / sigma.view(-1, 1, 1)


def _unit(x: Tensor) -> Tensor:
    return x / x.square().sum(1, keepdim=True).sqrt().clamp(min=TINY)
