"""Layer-sequential unit-variance: orthogonal weights, rescaled layer by layer until outputs have variance 1.

| symbol | meaning                                             | shape           |
|--------|-----------------------------------------------------|-----------------|
| z      | a layer's output, before norm and activation        | 1 batch … unit  |
| W      | its weights: W ← W / √Var(z), over rows and units   | input unit      |

A pass over the batch rescales each layer before its output goes on to the next. Passes are repeated until every
variance is within 0.01 of 1, ten times at most.

Source: Mishkin & Matas, All you need is a good init, ICLR 2016, algorithm 1.
"""

import math
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from cotune.nets.context import Context
from cotune.nets.layout import Layout
from cotune.nets.network import Network

TOLERANCE, PASSES = 0.01, 10
GRAIN = 8
"""Widths of networks are multiples of it."""


@torch.no_grad()
def lsuv(
    network: Network,
    layout: Layout,
    row: Tensor,
    *,
    width: int,
    activation: str,
    numeric: Tensor,
    codes: Tensor,
) -> Tensor:
    """The same weights, rescaled. A layer whose output does not vary, or is not finite, stays as it is.

    Args:
        network: the padded shape.
        layout: of its weights.
        row: a lane's first weights in that layout [layout.size]; biases are zero.
        width: the lane's own hidden width.
        activation: the lane's.
        numeric, codes: the batch to measure on [batch …].
    """
    own = _at_width(network, width)
    mine = Layout.of(own.weights())
    views = mine.views(torch.zeros(1, mine.size))
    found = row.clone().unsqueeze(0)
    whole = layout.views(found)
    for weight in network.weights():
        corner = tuple(slice(n) for n in network.real_shape(weight, width))
        views[weight.name][0][corner] = whole[weight.name][0][corner]
    scales = _scales(own, width, views, activation, numeric.unsqueeze(0), codes.unsqueeze(0))
    for name, scale in scales.items():
        whole[name].mul_(scale)
    return found[0]


def _scales(
    network: Network, width: int, views: dict[str, Tensor], activation: str, numeric: Tensor, codes: Tensor
) -> dict[str, float]:
    """What each layer's weights are to be multiplied by; `views` are."""
    units = {w.name: network.real_shape(w, width)[-1] for w in network.weights()}
    moments = Layout.of(network.statistics())
    scales: dict[str, float] = {}
    worst = 0.0

    def rescale(layer: str, z: Tensor) -> Tensor:
        nonlocal worst
        name, gain = f"{layer}.weight", f"{layer}.gain"
        if (
            f"{layer}.norm.left" in moments.offsets
        ):  # spectral norm has the last word on the size of its weights
            return z
        variance = float(z[..., : units[name]].double().var(correction=0))
        if not (math.isfinite(variance) and variance > 0):
            return z
        worst = max(worst, abs(variance - 1))
        scale = 1 / math.sqrt(variance)
        for part in (name, gain) if gain in views else (name,):
            views[part].mul_(scale)
            scales[part] = scales.get(part, 1.0) * scale
        return z * scale

    real = torch.tensor([width]) if network.width > width else None
    context = Context(True, ((activation, 0, 1),), real, gauge=rescale)
    for _ in range(PASSES):
        worst = 0.0
        network.forward(views, moments.views(torch.ones(1, moments.size)), numeric, codes, context)
        if worst <= TOLERANCE:
            break
    return scales


def _at_width(network: Network, width: int) -> Network:
    """The network with the least padding: products of matrices that are padded otherwise may round otherwise."""
    shape: Any = network
    if "width" not in {field.name for field in fields(shape)}:  # it is never padded
        return network
    narrow: Network = replace(shape, width=-(-width // GRAIN) * GRAIN)
    return narrow
