"""Small made-up graphs, and lanes over them."""

from dataclasses import replace
from functools import cache
from typing import Any

import torch

from cotune.data.graphs.world import Entries, World
from cotune.engine.bank import Variant
from cotune.engine.lanes import Lane
from cotune.engine.rng import seed_of
from cotune.nets.families import FAMILIES
from cotune.nets.graph.network import GraphNetwork
from cotune.recipe.names import GRAPHS
from engine.lanes import lane

INPUTS, CLASSES = 11, 3
SHARES = {"dropout": 0.4, "input_dropout": 0.3, "edge_drop": 0.2, "feature_mask": 0.2}
"""All that may be left out; attention's in a GAT besides."""


@cache
def graph_rows(task: str = "node", *, nodes: int = 70, sparse: bool = True) -> Variant:
    """Nodes, pairs of nodes or graphs of some six nodes, with classes; the last node hears nobody.

    The same arguments give the same object.
    """
    g = torch.Generator().manual_seed(seed_of("graph", task, nodes))
    bounds = torch.arange(0, nodes + 1, 7) if task == "graph" else None
    nodes = nodes if bounds is None else int(bounds[-1])
    ends = torch.randint(0, nodes - 1, (2, 3 * nodes), generator=g)
    if bounds is not None:
        ends = ends[:, ends[0] // 7 == ends[1] // 7]
        ends = torch.cat([ends, torch.arange(nodes - 1)[None].repeat(2, 1) + torch.tensor([[0], [1]])], dim=1)
        ends = ends[:, ends[0] // 7 == ends[1] // 7]
    x = (torch.rand(nodes, INPUTS, generator=g) < 0.3) * torch.randn(nodes, INPUTS, generator=g)
    places = x.nonzero().T
    features = Entries.of(*places, (nodes, INPUTS), x[tuple(places)]) if sparse else x
    world = World.of(nodes, torch.cat([ends[0], ends[1]]), torch.cat([ends[1], ends[0]]), features, bounds)
    rows = {"node": nodes, "link": 60, "graph": nodes // 7}[task]
    if task == "graph":
        codes = torch.arange(rows)[:, None].repeat(6, 1)
    elif task == "link":
        codes = torch.randint(0, nodes, (rows, 2), generator=g)
    else:
        codes = torch.arange(rows)[:, None]
    y = torch.randint(0, 2 if task == "link" else CLASSES, (len(codes),), generator=g)
    return Variant(torch.zeros(len(codes), 0), codes, y, (), classes=int(y.max()) + 1, world=world)


def graph_network(family: str, task: str = "node", **changes: Any) -> GraphNetwork:
    """A small network of a family."""
    own: dict[str, Any] = {"heads": 2} if family == "gat" else {}
    outputs = 2 if task == "link" else CLASSES
    shape = {"inputs": INPUTS, "width": 16, "depth": 2, "outputs": outputs, "task": task, **own, **changes}
    return FAMILIES[family](**shape)  # type: ignore[return-value]


def graph_lane(
    family: str,
    trial: int = 0,
    *,
    task: str = "node",
    sparse: bool = True,
    batch_size: int = 20,
    shape: dict[str, Any] | None = None,
    **rest: Any,
) -> Lane:
    """A lane over the small graph of a task."""
    variant = graph_rows(task, sparse=sparse)
    network = graph_network(family, task, slopes=rest.get("activation") == "prelu", **(shape or {}))
    made = lane(trial, network=network, variant=variant, batch_size=batch_size, **rest)
    return replace(made, structure=replace(made.structure, world=f"{task}{sparse}"))


EVERY = [(family, task) for family in GRAPHS for task in ("node", "graph", "link")]
