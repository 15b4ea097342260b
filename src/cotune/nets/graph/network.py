"""What networks over graphs have in common: convolutions one after the other, then a task.

| symbol | meaning                             | shape          |
|--------|-------------------------------------|----------------|
| codes  | numbers of nodes, pairs or graphs   | lane batch 1, or 2 for pairs |
| h      | units of every node                 | lane node unit |

h₀ = features;  hᵢ = (hᵢ₋₁ +) activate(norm(convolve(drop(hᵢ₋₁)))).

| task  | a row is      | logits                                                                         |
|-------|---------------|--------------------------------------------------------------------------------|
| node  | a node        | a last convolution (GIN: a linear layer) at the nodes asked                     |
| graph | a graph       | a linear layer on the sum, mean or maximum of its nodes' units                  |
| link  | a pair (u, v) | dot: ⟨h_u, h_v⟩ + b against 0;  mlp: two layers on h_u ⊙ h_v, which forget u from v |

Graphs of a batch stand side by side as one graph without edges between them. They differ in size from lane to lane, so
lanes are taken one by one there. The graph of the other tasks is one for all lanes, and every kernel takes all of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from cotune.data.graphs.world import World
from cotune.nets.batched import Batched
from cotune.nets.context import Context
from cotune.nets.graph.flow import rows_of
from cotune.nets.graph.readout import READOUTS
from cotune.nets.graph.scene import Scene, Sent, dropped, head, product, sent_features
from cotune.nets.layout import Weight
from cotune.nets.norms import kept, learned, normalise

TASKS = ("node", "graph", "link")


@dataclass(frozen=True)
class Size:
    """How large the graph is that a network trains on; of many graphs, what a batch of them has.

    Args:
        nodes: with padding.
        edges: without those from nodes to themselves.
        entries: features that are not 0, or all where they are dense.
        rows: rows of a batch, among which the work is divided.
    """

    nodes: int
    edges: int
    entries: int
    rows: int


@dataclass(frozen=True)
class GraphNetwork(ABC, Batched):
    """The shape of a network over graphs; hashable, so that lanes can be grouped by it.

    Args:
        inputs: features of a node.
        width: units of a layer, a multiple of 8; of attention all heads together.
        depth: convolutions.
        outputs: logits.
        task: "node", "graph" or "link".
        norm: one of `cotune.recipe.names.GRAPH_NORMS`.
        residual: whether convolutions from the second on add to their input.
        readout: how a graph's nodes become one row: "sum", "mean" or "max".
        decoder: how a pair of nodes becomes a row: "dot" or "mlp".
        size: of the graph it trains on: what its cost depends on, see `Size`.
        slopes: whether the activation learns a slope for each unit.
    """

    inputs: int
    width: int
    depth: int
    outputs: int
    task: str = "node"
    norm: str = "none"
    residual: bool = False
    readout: str = "mean"
    decoder: str = "dot"
    size: tuple[int, int, int, int] = (0, 0, 0, 1)
    slopes: bool = False
    cardinalities: tuple[int, ...] = ()
    """A node's number is no category."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What its convolution is called."""

    @abstractmethod
    def convolution(self, layer: str, inputs: int, units: int) -> list[Weight]:
        """The weights of a convolution."""

    @abstractmethod
    def convolve(
        self, layer: str, weights: Mapping[str, Tensor], statistics: Mapping[str, Tensor], sent: Sent, scene: Scene,
        asked: Tensor | None,
    ) -> Tensor:  # fmt: skip
        """What nodes hear, before norm and activation [lane row unit]."""

    @property
    def ends_with_convolution(self) -> bool:
        """Whether the last convolution gives the logits."""
        return self.task == "node"

    @property
    def hidden(self) -> int:
        """Convolutions that give units."""
        return self.depth - self.ends_with_convolution

    @property
    def kind(self) -> str:
        """What sort of network this is, in a few words."""
        more = ", learned slopes" if self.slopes else ""
        return f"{self.name}, {self.depth} convolutions, task {self.task}, norm {self.norm}{more}"

    @property
    def whole(self) -> bool:
        """A forward pass costs the same for one row as for all, but for rows that are graphs."""
        return self.task != "graph"

    @property
    def features(self) -> int:
        """None are a row's own: those of nodes belong to the graph."""
        return 0

    @property
    def example(self) -> tuple[int, ...]:
        """A row has no numbers of its own."""
        return (0,)

    def draws(self, rows: int) -> int:  # noqa: ARG002
        """None of those of other families: see `cotune.nets.chance`."""
        return 0

    @property
    def products(self) -> int:
        """Multiplications of a forward pass, divided among the rows of a batch."""
        nodes, edges, entries, rows = self.size
        later = self.hidden - 1 + self.ends_with_convolution
        total = (
            entries * self.width + (edges + nodes) * self.width * self.depth + nodes * self.width**2 * later
        )
        return max(1, total // rows)

    @property
    def values(self) -> int:
        """Numbers that a forward pass leaves behind, divided among the rows of a batch."""
        nodes, edges, entries, rows = self.size
        return max(1, (2 * entries + edges + nodes * self.width * 8 * self.depth) // rows)

    def weights(self) -> tuple[Weight, ...]:
        """Learned weights in order of use."""
        found = []
        for i in range(self.hidden):
            layer, inputs = f"convolution{i}", self.width if i else self.inputs
            found += self.convolution(layer, inputs, self.width)
            found += learned(self.norm, layer, self.width)
            found += [Weight(f"{layer}.slope", (self.width,), "slope")] if self.slopes else []
        if self.ends_with_convolution:
            return (*found, *self.convolution("head", self.width if self.hidden else self.inputs, self.head))
        if self.task == "link" and self.decoder == "dot":
            return (*found, Weight("head.bias", (self.head,)))
        if self.task == "link":
            found.append(Weight("decoder.weight", (self.width, self.width), "fan", decay=True))
            found.append(Weight("decoder.bias", (self.width,)))
        found.append(Weight("head.weight", (self.width, self.head), "fan", decay=True))
        return (*found, Weight("head.bias", (self.head,)))

    def statistics(self) -> tuple[Weight, ...]:
        """Running statistics, not learned."""
        layers = [f"convolution{i}" for i in range(self.hidden)]
        return tuple(w for layer in layers for w in kept(self.norm, layer, self.width, self.width))

    def real_shape(self, weight: Weight, width: int) -> tuple[int, ...]:  # noqa: ARG002
        """All of it but the head's padding: units are never padded."""
        padded = weight.name.startswith("head.") and not weight.name.startswith("head.pool")
        return (*weight.shape[:-1], self.outputs) if padded else weight.shape

    def forward(
        self,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        numeric: Tensor,  # noqa: ARG002
        codes: Tensor,
        context: Context,
    ) -> Tensor:
        """Logits [lane batch head]; columns beyond `outputs` are padding."""
        assert isinstance(context.world, World)
        world, lanes = context.world, len(codes)
        if self.task == "graph":
            return self._lane_by_lane(weights, statistics, codes[:, :, 0], world, context)
        scene = Scene(world, context, lanes)
        if self.task == "node":
            return context.seen("head", self._of_nodes(weights, statistics, scene, codes[:, :, 0]))
        return context.seen("head", self._of_pairs(weights, statistics, scene, codes))

    def encode(
        self,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        scene: Scene,
        sent: Sent | None = None,
    ) -> Tensor:
        """h after the hidden convolutions [lane node unit].

        Args:
            sent: features in the place of the nodes' own.
        """
        context = scene.context
        sent = sent_features(scene.world, context, scene.lanes) if sent is None else sent
        h: Tensor | None = None
        for i in range(self.hidden):
            layer = f"convolution{i}"
            if h is not None:
                sent = Sent(dropped(h, layer, context))
            z = context.gauged(layer, self.convolve(layer, weights, statistics, sent, scene, None))
            z = self.normed(layer, z, weights, statistics, scene)
            z = context.activate(z, weights.get(f"{layer}.slope"))
            h = context.seen(layer, h + z if self.residual and h is not None else z)
        assert h is not None
        return h

    def normed(
        self,
        layer: str,
        z: Tensor,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        scene: Scene,
    ) -> Tensor:
        """z as its norm makes it; the padding is no part of a batch's statistics."""
        if self.norm != "batch":
            return normalise(self.norm, layer, z.unsqueeze(2), weights, statistics, scene.context).squeeze(2)
        real = z[:, : scene.world.nodes].unsqueeze(2)
        found = normalise(self.norm, layer, real, weights, statistics, scene.context).squeeze(2)
        return torch.nn.functional.pad(found, (0, 0, 0, scene.world.padded - scene.world.nodes))

    def _of_nodes(
        self, weights: Mapping[str, Tensor], statistics: Mapping[str, Tensor], scene: Scene, asked: Tensor
    ) -> Tensor:
        context = scene.context
        if not self.hidden:
            sent = sent_features(scene.world, context, scene.lanes)
        else:
            h = self.encode(weights, statistics, scene)
            if not self.ends_with_convolution:
                return context.gauged("head", head(dropped_rows(h, asked, context), weights))
            sent = Sent(dropped(h, "head", context))
        return context.gauged("head", self.convolve("head", weights, statistics, sent, scene, asked))

    def _of_pairs(
        self, weights: Mapping[str, Tensor], statistics: Mapping[str, Tensor], scene: Scene, pairs: Tensor
    ) -> Tensor:
        h = self.encode(weights, statistics, scene)
        both = rows_of(h, pairs[:, :, 0]) * rows_of(h, pairs[:, :, 1])
        if self.decoder == "mlp":
            z = product(both, weights["decoder.weight"], weights["decoder.bias"])
            return head(scene.context.activate(z) if not self.slopes else torch.relu(z), weights)
        score = both.sum(2, keepdim=True)
        logits = torch.nn.functional.pad(score, (1, self.head - 2))
        return logits + weights["head.bias"].unsqueeze(1)

    def _lane_by_lane(
        self, weights: Mapping[str, Tensor], statistics: Mapping[str, Tensor], numbers: Tensor, world: World,
        context: Context,
    ) -> Tensor:  # fmt: skip
        # One split a weight: its gradient is put together once, where slices would each fill a whole of zeros.
        parts = {name: torch.split(weight, 1) for name, weight in weights.items()}
        found = []
        for lane in range(len(numbers)):
            own = {name: part[lane] for name, part in parts.items()}
            moments = {name: statistic[lane : lane + 1] for name, statistic in statistics.items()}
            found.append(self._of_graphs(own, moments, numbers[lane], world, _of(context, lane)))
        return torch.cat(found)

    def _of_graphs(
        self, weights: Mapping[str, Tensor], statistics: Mapping[str, Tensor], numbers: Tensor, world: World,
        context: Context,
    ) -> Tensor:  # fmt: skip
        """Logits [1 graph head] of one lane."""
        some, own = world.graphs(numbers)
        h = self.encode(weights, statistics, Scene(some, context, 1))
        h = READOUTS[self.readout](h[0, : some.nodes], own, len(numbers)).unsqueeze(0)
        return context.seen("head", context.gauged("head", head(dropped(h, "head", context), weights)))


def dropped_rows(h: Tensor, asked: Tensor, context: Context) -> Tensor:
    """The units of the nodes asked, some left out [lane row unit]."""
    return dropped(rows_of(h, asked), "head", context)


def _of(context: Context, lane: int) -> Context:
    """A context for one lane alone."""
    name = next(name for name, start, stop in context.activations if start <= lane < stop)
    return replace(
        context,
        activations=((name, 0, 1),),
        real=None,
        dropout=None,
        chance=None if context.chance is None else context.chance.of(lane),
    )
