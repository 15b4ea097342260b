"""What a network over graphs can learn before there are labels: its first weights.

| symbol | meaning                                            | shape         |
|--------|----------------------------------------------------|---------------|
| x      | features                                           | node feature  |
| h      | units after the hidden convolutions                | node unit     |
| s      | summary of a graph: σ of the mean of its nodes' h   | graph unit    |

masked: the features of half the nodes are hidden, and told from h by a linear layer: (1 − cos(x, h D))² at hidden
nodes.
dgi: ⟨h, W s⟩ tells nodes from those of the same graph with features that have changed places (binary cross-entropy).

Both look at all nodes, and at no label. The layers beside the convolutions are thrown away. Nothing is left out by
dropout.

Sources: Hou et al., GraphMAE, KDD 2022, with a linear decoder; Veličković et al., Deep Graph Infomax, ICLR 2019.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.data.graphs.world import World
from cotune.engine import rng
from cotune.engine.parallel import one_thread_a_kernel
from cotune.nets.context import Context
from cotune.nets.graph.network import GraphNetwork
from cotune.nets.graph.readout import mean
from cotune.nets.graph.scene import Scene, sent_features
from cotune.nets.initialise import initialise
from cotune.nets.layout import Layout

LR = 0.005
HIDDEN = 0.5
"""Share of the nodes whose features are hidden."""

MOST = 2048
"""Hidden nodes that are told in a step, at most: one row of features each."""

INIT = "glorot_uniform"


@dataclass(frozen=True, eq=False)
class _Step:
    """What a step of learning has at hand; draws are hashes of its key."""

    network: GraphNetwork
    weights: Mapping[str, Tensor]
    statistics: Mapping[str, Tensor]
    scene: Scene
    key: Tensor

    def order(self, count: int) -> Tensor:
        """A permutation of `count` [1 count]."""
        return rng.hashes(self.key, count).argsort(dim=1, stable=True)


def pretrained(
    network: GraphNetwork, world: World, activation: str, *, method: str, epochs: int, seed: int
) -> dict[str, Tensor]:
    """Weights, and statistics, of the hidden convolutions by name, for `Lane.start`; a function of the arguments alone.

    Args:
        world: on the host.
        method: a name of `METHODS`.
        epochs: steps, each over the whole graph.
    """
    with one_thread_a_kernel(), torch.enable_grad():
        layouts = Layout.of(network.weights()), Layout.of(network.statistics())
        rows = [
            initialise(
                network, layout, width=network.width, init=INIT, seed=rng.seed_of(seed, purpose)
            ).unsqueeze(0)
            for layout, purpose in zip(layouts, ("weights", "statistics"), strict=True)
        ]
        weights = {n: v.clone().requires_grad_() for n, v in layouts[0].views(rows[0]).items() if _hidden(n)}
        statistics = {n: v.clone() for n, v in layouts[1].views(rows[1]).items()}
        aside, loss_of = METHODS[method]
        g = torch.Generator().manual_seed(rng.seed_of(seed, "aside"))
        extra = torch.randn(aside(network), generator=g).mul_(network.width**-0.5).requires_grad_()
        optimizer = torch.optim.Adam([*weights.values(), extra], lr=LR)
        context = Context(training=True, activations=((activation, 0, 1),), world=world)
        for epoch in range(epochs):
            key = rng.keys(torch.tensor([seed]), torch.tensor([epoch]))
            optimizer.zero_grad()
            loss_of(_Step(network, weights, statistics, Scene(world, context, 1), key), extra).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return {name: tensor.detach()[0].clone() for name, tensor in (*weights.items(), *statistics.items())}


def _hidden(name: str) -> bool:
    return name.startswith("convolution")


def _masked(step: _Step, decoder: Tensor) -> Tensor:
    scene = step.scene
    world = scene.world
    hidden = step.order(world.nodes)[0, : max(1, int(HIDDEN * world.nodes))]
    shown = torch.ones(1, world.padded)
    shown[0, hidden] = 0.0
    sent = sent_features(world, scene.context, 1, masked=shown)
    h = step.network.encode(step.weights, step.statistics, scene, sent)[0]
    told = hidden[:MOST]
    near = F.cosine_similarity(h[told] @ decoder, features_of(world, told), dim=1)
    return (1 - near).square().mean()


def _infomax(step: _Step, judge: Tensor) -> Tensor:
    scene = step.scene
    world = scene.world
    own = torch.zeros(world.nodes, dtype=torch.int64)
    if world.bounds is not None:
        own = torch.repeat_interleave(torch.arange(len(world.bounds) - 1), world.bounds.diff())
    order = torch.arange(world.padded).unsqueeze(0)
    order[:, : world.nodes] = step.order(world.nodes)
    real = sent_features(world, scene.context, 1)
    both = [
        step.network.encode(step.weights, step.statistics, scene, sent)[0, : world.nodes]
        for sent in (real, real.ordered(order))
    ]
    graphs = 1 if world.bounds is None else len(world.bounds) - 1
    summary = torch.sigmoid(mean(both[0], own, graphs)) @ judge
    scores = [(h * summary[own]).sum(1) for h in both]
    return F.softplus(-scores[0]).mean() + F.softplus(scores[1]).mean()


def features_of(world: World, nodes: Tensor) -> Tensor:
    """Features of some nodes, dense [node feature]."""
    if world.dense is not None:
        return world.dense[nodes]
    assert world.sparse is not None
    some = world.sparse.some(nodes)
    found = torch.zeros(len(nodes), world.inputs)
    found[some.rows, some.columns] = some.factors
    return found


Aside = Callable[[GraphNetwork], tuple[int, int]]

METHODS: dict[str, tuple[Aside, Callable[[_Step, Tensor], Tensor]]] = {
    "masked": (lambda network: (network.width, network.inputs), _masked),
    "dgi": (lambda network: (network.width, network.width), _infomax),
}
"""By the name that recipes use: the shape of the layer beside the network, and the loss."""
