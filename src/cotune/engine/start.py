"""Weights of an earlier network in the place of drawn ones, layer by layer.

| symbol | meaning                                                                       |
|--------|-------------------------------------------------------------------------------|
| start  | tensors by the engine's names, without a lane axis, in their true shapes        |
| layer  | what stands before the first dot of a name; see `cotune.engine.pace.layers_of`  |

A layer is taken where every tensor that both networks have for it has the same shape, and drawn by the lane's
initialiser elsewhere: a bias without its matrix would be of no use. A number of a start that is NaN is drawn as well:
it stands for a word without an embedding. Running statistics go with their layer.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from cotune.engine.lanes import Lane
from cotune.engine.pace import layers_of
from cotune.nets.layout import Layout
from cotune.nets.network import Network

Start = Mapping[str, Tensor]

Shape = tuple[int, ...]


def shared(network: Network, width: int, start: Start) -> dict[str, dict[str, tuple[Shape, Shape]]]:
    """What a network and `start` have in common: layer → name → (shape in start, shape in the network).

    Args:
        network: the padded shape.
        width: the lane's own hidden width.
    """
    found: dict[str, dict[str, tuple[Shape, Shape]]] = {layer: {} for layer in layers_of(network)}
    for weight in (*network.weights(), *network.statistics()):
        if weight.name in start:
            shapes = tuple(start[weight.name].shape), network.real_shape(weight, width)
            found.setdefault(weight.name.split(".")[0], {})[weight.name] = shapes
    return found


def layers_taken(network: Network, width: int, start: Start) -> tuple[str, ...]:
    """The layers that begin with `start`, in order of use."""
    return tuple(
        layer
        for layer, names in shared(network, width, start).items()
        if names and all(there == here for there, here in names.values())
    )


def with_start(lane: Lane, layout: Layout, row: Tensor) -> Tensor:
    """A lane's first weights, or statistics, with those of its start; `row` itself where it has none.

    Args:
        layout: of the weights, or of the statistics, of the lane's structure.
        row: drawn, in that layout [layout.size].
    """
    if lane.start is None:
        return row
    taken = layers_taken(lane.structure.network, lane.width, lane.start)
    found = row.clone().unsqueeze(0)
    views = layout.views(found)
    for weight in layout.weights:
        if weight.name in lane.start and weight.name.split(".")[0] in taken:
            tensor = lane.start[weight.name]
            corner = views[weight.name][0][tuple(slice(n) for n in tensor.shape)]
            corner.copy_(torch.where(tensor.isnan(), corner, tensor))
    for weight in layout.weights:
        layer, matrix = weight.name.split(".")[0], weight.name.removesuffix("gain") + "weight"
        if weight.init == "norms" and layer in taken and weight.name not in lane.start:
            views[weight.name].copy_(views[matrix].square().sum(1).sqrt())
    return found[0]
