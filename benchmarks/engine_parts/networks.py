"""The cases' networks as plain PyTorch modules, and the arithmetic of one step."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from engine_parts.cases import CLASSES, Case, Convolutions, Perceptron, Recurrent
from engine_parts.data import rows

Dropout = Callable[[float], nn.Module]


def perceptron(shape: Perceptron, dropout: float, layer: Dropout) -> nn.Module:
    """Linear, ReLU and perhaps dropout, `depth` times; a linear head."""
    layers: list[nn.Module] = []
    for place in range(shape.depth):
        layers += [nn.Linear(shape.width if place else shape.features, shape.width), nn.ReLU()]
        layers += [layer(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(shape.width, CLASSES))


def convolutions(shape: Convolutions, _dropout: float, _layer: Dropout) -> nn.Module:
    """Convolution, ReLU and pool for each number of channels; a linear head."""
    layers: list[nn.Module] = []
    before, size = 1, shape.size
    for channels in shape.channels:
        layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        before, size = channels, size // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(before * size * size, CLASSES))


class Gru(nn.Module):
    """PyTorch's GRU, and a linear head on its last state."""

    def __init__(self, shape: Recurrent) -> None:
        super().__init__()
        self.recurrent = nn.GRU(shape.features, shape.units, batch_first=True)
        self.head = nn.Linear(shape.units, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [batch class] of x [batch time feature]."""
        logits: Tensor = self.head(self.recurrent(x)[1][0])
        return logits


MODULES: dict[type, Callable[[Any, float, Dropout], nn.Module]] = {
    Perceptron: perceptron,
    Convolutions: convolutions,
    Recurrent: lambda shape, _dropout, _layer: Gru(shape),
}


def module(case: Case, seed: int, *, dropout: float, layer: Dropout = nn.Dropout) -> nn.Module:
    """The case's network with PyTorch's own first weights."""
    torch.manual_seed(seed)
    return MODULES[type(case.network)](case.network, dropout, layer)


def operations(case: Case) -> int:
    """Useful floating-point operations of one step, counted on the plain module.

    Two for every multiply and add of the products, forward and backward; nothing is padded, and nobody computes
    the gradient of the input rows. What is done element by element is left out.
    """
    x, y = (part[: case.batch] for part in rows(case))
    network = module(case, 0, dropout=0.0)
    with FlopCounterMode(display=False) as counter:
        nn.functional.cross_entropy(network(x), y).backward()
    return counter.get_total_flops()


def weights(case: Case) -> int:
    """Learned numbers of one network."""
    return sum(parameter.numel() for parameter in module(case, 0, dropout=0.0).parameters())
