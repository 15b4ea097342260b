"""Neighbours that are drawn for a step, in the place of all of them.

| symbol | meaning                                    | shape          |
|--------|--------------------------------------------|----------------|
| nodes  | who hears                                  | lane row       |
| draws  | 63 bits each                               | lane (row count) |
| heard  | whom they hear, `count` of them each       | lane (row count) |

Drawn with replacement, so that every node hears equally many; a node without neighbours hears nobody.

Source: Hamilton, Ying & Leskovec, NeurIPS 2017, section 3.1.
"""

import torch
from torch import Tensor

from cotune.data.graphs.world import Entries
from cotune.nets.layout import ALIGN


def drawn_neighbours(edges: Entries, nodes: Tensor, count: int, draws: Tensor) -> tuple[Tensor, Tensor]:
    """Neighbours, and which nodes have some [lane row]; those without hear themselves, which must not count."""
    degrees = edges.degrees[nodes]
    place = draws.view(*nodes.shape, count) % degrees.clamp(min=1).unsqueeze(2)
    first = edges.starts[nodes].unsqueeze(2)
    heard = edges.columns[(first + place).clamp(max=max(0, edges.count - 1))] if edges.count else place
    lonely = (degrees == 0).unsqueeze(2)
    return torch.where(lonely, nodes.unsqueeze(2), heard).flatten(1), degrees > 0


def aligned(nodes: Tensor) -> Tensor:
    """The nodes, the last of them repeated until their count is a multiple of `ALIGN` [lane row]."""
    more = -nodes.shape[1] % ALIGN
    return torch.cat([nodes, nodes[:, -1:].expand(-1, more)], dim=1)


def heard(x: Tensor, count: int, some: Tensor, aggregate: str) -> Tensor:
    """The mean, or the largest, of what each node hears [lane row unit].

    Args:
        x: lane (row count) unit.
        some: which nodes hear anybody [lane row].
    """
    parted = x.view(len(x), -1, count, x.shape[2])
    found = parted.mean(2) if aggregate == "mean" else parted.amax(2)
    return found * some.unsqueeze(2)
