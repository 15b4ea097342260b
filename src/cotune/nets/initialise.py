"""First weights of one lane, drawn from the lane's own seed at the lane's own width.

A lane of width 48 that trains inside a population of width 64 gets the weights it would get alone: numbers are
drawn in the true shape and set into the corner of the padded one, whose rest stays zero.
"""

import math

import torch
from torch import Tensor

from cotune.nets.activations import FIRST_SLOPE
from cotune.nets.initialisers import INITIALISERS, Matrix
from cotune.nets.layout import Layout, Weight
from cotune.nets.network import Network


def initialise(
    network: Network,
    layout: Layout,
    *,
    width: int,
    init: str,
    seed: int,
    frequency_scale: float = 0.1,
    std: float = 0.0,
) -> Tensor:
    """One row of weights [layout.size].

    Args:
        network: the padded shape.
        layout: of its weights, or of its statistics.
        width: the lane's own hidden width, at most `network.width`.
        init: name of the initialiser, see `INITIALISERS`.
        seed: the lane's own, in [0, 2⁶³).
        frequency_scale: standard deviation of the first frequencies of waves.
        std: of the weights, for initialisers that look at no fan.
    """
    row = torch.zeros(1, layout.size)
    if not layout.weights:
        return row[0]
    generator = torch.Generator().manual_seed(seed)
    views = layout.views(row)
    for weight in sorted(layout.weights, key=lambda w: w.name):
        if weight.init in ("zeros", "norms"):
            continue  # as the row is
        real = network.real_shape(weight, width)
        corner = views[weight.name][0][tuple(slice(n) for n in real)]
        corner.copy_(_draw(weight, real, init, std, generator))
        if weight.init == "frequency":
            corner.mul_(frequency_scale)
    for weight in layout.weights:
        if weight.init == "norms":  # so that weight norm leaves the first weights as they were drawn
            of = views[weight.name.removesuffix("gain") + "weight"]
            views[weight.name].copy_(of.square().sum(1).sqrt())
    return row[0]


def _draw(
    weight: Weight, shape: tuple[int, ...], init: str, std: float, generator: torch.Generator
) -> Tensor:
    match weight.init:
        case "ones":
            return torch.ones(shape)
        case "frequency":
            return torch.randn(shape, generator=generator)
        case "phase":
            return torch.rand(shape, generator=generator) - 0.5
        case "slope":
            return torch.full(shape, FIRST_SLOPE)
        case "normal":
            return torch.randn(shape, generator=generator) / math.sqrt(shape[-1])
        case "forget":  # Jozefowicz, Zaremba & Sutskever, ICML 2015: gates in the order i f g o
            return torch.tensor([0.0, 1.0, 0.0, 0.0]).repeat_interleave(shape[0] // 4)
        case "recurrent":
            return _orthogonal_gates(shape, init, generator)
        case "words":
            return torch.rand(shape, generator=generator) * 0.5 - 0.25
        case "fan":
            name = (INITIALISERS[init].head if weight.name.startswith("head") else "") or init
            matrix = Matrix(shape, weight.places * (1 if weight.each else shape[-1]), std)
            return INITIALISERS[name].draw(matrix, generator)
    raise AssertionError(weight.init)


def _orthogonal_gates(shape: tuple[int, ...], init: str, generator: torch.Generator) -> Tensor:
    """Weights from state to gates [unit (gate unit)], each gate's orthogonal; zeros where all begin at zero.

    Source: Saxe, McClelland & Ganguli, ICLR 2014; Le, Jaitly & Hinton 2015.
    """
    units, wide = shape
    if init == "zeros":
        return torch.zeros(shape)
    square = Matrix((units, units), units, 0.0)
    return torch.cat(
        [INITIALISERS["orthogonal"].draw(square, generator) for _ in range(wide // units)], dim=1
    )
