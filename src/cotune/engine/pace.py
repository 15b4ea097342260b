"""A learning rate of its own for each layer: frozen layers, layers that thaw one by one, rates that fall with depth.

The layers of a network are numbered in order of use, l = 0 … L, the head last.

    pace(l) = layer_lr^(L − l), or 0 while l < freeze − ⌊epoch / unfreeze⌋  (unfreeze = 0: they never thaw)

A generator's layers learn at `generator_lr` times the rate of the discriminator that they contend with.

Sources: Howard & Ruder, Universal Language Model Fine-tuning, ACL 2018 (discriminative rates, gradual unfreezing);
Heusel et al., Two Time-Scale Update Rule, NeurIPS 2017 (generators).
"""

import torch
from torch import Tensor

from cotune.engine.lanes import Lane
from cotune.nets.layout import Layout
from cotune.nets.network import Network


def layers_of(network: Network) -> tuple[str, ...]:
    """The layers with weights, in order of use: what stands before the first dot of their names."""
    return tuple(dict.fromkeys(weight.name.split(".")[0] for weight in network.weights()))


def paced(lane: Lane) -> bool:
    """Whether a lane's layers learn at different rates."""
    return lane.number("freeze") > 0 or lane.number("layer_lr") != 1 or lane.number("generator_lr") != 1


def pace(lane: Lane, layout: Layout, epoch: int) -> Tensor:
    """What each weight's step is multiplied by in an epoch, float32 [weight]."""
    found = torch.ones(1, layout.size)
    if not paced(lane):
        return found[0]
    names, every = layers_of(lane.structure.network), lane.number("unfreeze")
    frozen = int(lane.number("freeze")) - (int(epoch // every) if every else 0)
    views = layout.views(found)
    for weight in layout.weights:
        place = names.index(weight.name.split(".")[0])
        rate = lane.number("layer_lr") ** (len(names) - 1 - place)
        rate *= lane.number("generator_lr") if weight.name.startswith("generator") else 1.0
        views[weight.name].fill_(0.0 if place < frozen else rate)
    return found[0]
