"""The hidden matrices of lanes, for optimizers that treat a matrix as a whole."""

import math
from collections.abc import Sequence

import torch

from cotune.engine.lanes import Lane
from cotune.engine.optim import Matrix
from cotune.nets.layout import ALIGN, Layout


def hidden_matrices(lanes: Sequence[Lane], layout: Layout, device: torch.device) -> tuple[Matrix, ...]:
    """Where the hidden matrices lie in rows of weights, and how long each lane's own are.

    Args:
        lanes: of one structure.
        layout: of their weights.
        device: where the rows lie.
    """
    network, found = lanes[0].structure.network, []
    for weight in layout.weights:
        if weight.hidden:
            longer = [math.sqrt(max(network.real_shape(weight, lane.width))) for lane in lanes]
            inputs, units = weight.shape
            stretch = -(-weight.size // ALIGN) * ALIGN
            roots = torch.tensor(longer, dtype=torch.float32, device=device).view(-1, 1, 1)
            found.append(Matrix(layout.offsets[weight.name], (inputs, units), stretch, roots))
    return tuple(found)
