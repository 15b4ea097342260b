"""GraphSAGE: every node keeps what it is apart from what it hears, the mean or the largest of its neighbours.

mean:  z = h W + (mean of neighbours' h) V + b
max:   z = h W + (max over neighbours of relu(h P + c)) V + b

With `neighbours` > 0 a step that trains hears of that many drawn for each node, with replacement, instead of all:
what a
step costs then depends on the batch and not on the graph. Validation and prediction hear of all.

Source: Hamilton, Ying & Leskovec, Inductive Representation Learning on Large Graphs, NeurIPS 2017.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from cotune.nets.chance import Chance
from cotune.nets.graph.flow import collect, collect_largest
from cotune.nets.graph.network import GraphNetwork
from cotune.nets.graph.sampling import aligned, drawn_neighbours, heard
from cotune.nets.graph.scene import Scene, Sent, dropped, product, sent_features
from cotune.nets.layout import Weight
from cotune.nets.norms import normalise


@dataclass(frozen=True)
class SAGE(GraphNetwork):
    """See `GraphNetwork`.

    Args:
        aggregate: "mean" or "max".
        neighbours: drawn for each node in a step that trains; 0 for all. Node tasks only.
    """

    aggregate: str = "mean"
    neighbours: int = 0

    @property
    def name(self) -> str:
        """What its convolution is called."""
        return f"GraphSAGE, {self.aggregate}" + (f", {self.neighbours} neighbours" if self.neighbours else "")

    @property
    def products(self) -> int:
        """Multiplications of a forward pass, divided among the rows of a batch."""
        if not self.neighbours:
            return super().products
        nodes, _, entries, _ = self.size
        heard: int = sum(self.neighbours**i for i in range(self.depth + 1))
        return heard * (entries // max(1, nodes)) * self.width + heard * self.width**2

    def convolution(self, layer: str, inputs: int, units: int) -> list[Weight]:
        """Matrices for the node itself and for its neighbours; for max one before it is taken."""
        pooled = self.aggregate == "max"
        own = [
            Weight(f"{layer}.weight", (inputs, units), "fan", decay=True),
            Weight(f"{layer}.neighbour", (self.width if pooled else inputs, units), "fan", decay=True),
            Weight(f"{layer}.bias", (units,)),
        ]
        if not pooled:
            return own
        return [
            Weight(f"{layer}.pool", (inputs, self.width), "fan", decay=True),
            Weight(f"{layer}.pool_bias", (self.width,)),
            *own,
        ]

    def convolve(
        self, layer: str, weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],  # noqa: ARG002
        sent: Sent, scene: Scene, asked: Tensor | None,
    ) -> Tensor:  # fmt: skip
        """z of the table above. Sums are taken over units, of which there are fewer than features."""
        edges, w = scene.world.edges, weights[f"{layer}.neighbour"]
        own = sent.times(weights[f"{layer}.weight"], weights[f"{layer}.bias"], asked)
        if self.aggregate == "max":
            pooled = torch.relu(sent.times(weights[f"{layer}.pool"], weights[f"{layer}.pool_bias"]))
            return own + product(collect_largest(edges, pooled, scene.kept, asked), w, None)
        if sent.features:
            return own + collect(edges, sent.times(w), scene.means, asked)
        assert sent.dense is not None
        return own + product(collect(edges, sent.dense, scene.means, asked), w, None)

    def _of_nodes(
        self, weights: Mapping[str, Tensor], statistics: Mapping[str, Tensor], scene: Scene, asked: Tensor
    ) -> Tensor:
        chance = scene.context.chance
        if not (self.neighbours and scene.context.training and chance is not None):
            return super()._of_nodes(weights, statistics, scene, asked)
        return scene.context.gauged("head", self._of_drawn(weights, statistics, scene, asked, chance))

    def _of_drawn(
        self,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        scene: Scene,
        asked: Tensor,
        chance: Chance,
    ) -> Tensor:
        """Logits by drawn neighbours: level 0 are the nodes asked, each level is heard by the one before."""
        edges, context = scene.world.edges, scene.context
        levels, some = [aligned(asked)], []
        for depth in range(self.depth):
            draws = chance.hashes(f"neighbours{depth}", levels[-1].shape[1] * self.neighbours)
            found, has = drawn_neighbours(edges, levels[-1], self.neighbours, draws)
            levels.append(found)
            some.append(has)
        features = sent_features(scene.world, context, scene.lanes)
        h = [_At(features, nodes) for nodes in levels]
        for i in range(self.depth):
            last = i == self.depth - 1
            layer = "head" if last else f"convolution{i}"
            following = []
            for level in range(self.depth - i):
                z = self._hear(layer, weights, h[level], h[level + 1], some[level])
                if not last:
                    z = normalise(self.norm, layer, z.unsqueeze(2), weights, statistics, context).squeeze(2)
                    z = context.activate(context.gauged(layer, z), weights.get(f"{layer}.slope"))
                    before = h[level].sent.dense
                    z = before + z if self.residual and i and before is not None else z
                    z = dropped(context.seen(layer, z), f"{layer}, level {level}", context)
                following.append(_At(Sent(z)))
            h = following
        assert h[0].sent.dense is not None
        return h[0].sent.dense[:, : asked.shape[1]]

    def _hear(
        self, layer: str, weights: Mapping[str, Tensor], own: "_At", others: "_At", some: Tensor
    ) -> Tensor:
        """z of nodes from their own units and those of the neighbours drawn for them."""
        z, w = own.times(weights[f"{layer}.weight"], weights[f"{layer}.bias"]), weights[f"{layer}.neighbour"]
        if self.aggregate == "max":
            pooled = torch.relu(others.times(weights[f"{layer}.pool"], weights[f"{layer}.pool_bias"]))
            return z + product(heard(pooled, self.neighbours, some, "max"), w, None)
        return z + heard(others.times(w, None), self.neighbours, some, "mean")


@dataclass(frozen=True, eq=False)
class _At:
    """What some nodes send: `sent` at these nodes [lane row], or all of `sent`."""

    sent: Sent
    nodes: Tensor | None = None

    def times(self, w: Tensor, b: Tensor | None) -> Tensor:
        return self.sent.times(w, b, self.nodes)
