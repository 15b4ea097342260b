"""What a convolution has around it: who sends what, along which edges, and who is asked.

| symbol | meaning                                    | shape             |
|--------|--------------------------------------------|-------------------|
| x      | what nodes send                            | lane node unit    |
| kept   | edges that are there in this step, 0 or 1  | lane edge         |
| asked  | nodes whose outputs are wanted             | lane row          |
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from cotune.data.graphs.world import Entries, World
from cotune.nets.context import Context
from cotune.nets.graph.flow import collect, rows_of

Weights = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Sent:
    """What nodes send: units of a layer, or their features, which may be sparse.

    Args:
        dense: lane node unit; `None` where features are sparse.
        sparse, factors: the entries, and their values after dropout [lane entry] or [entry].
        order: nodes whose features are sent in the place of each node's own [lane node]; `None` for its own.
        features: whether they are features of nodes, of which there may be any number.
    """

    dense: Tensor | None
    sparse: Entries | None = None
    factors: Tensor | None = None
    order: Tensor | None = None
    features: bool = False

    def ordered(self, order: Tensor) -> "Sent":
        """The same, with other nodes' features in the place of each node's own [lane node]."""
        return replace(self, order=order)

    def times(self, w: Tensor, b: Tensor | None = None, asked: Tensor | None = None) -> Tensor:
        """x·w + b [lane node unit], of the nodes asked alone where some are."""
        if self.order is not None:
            asked = self.order if asked is None else self.order.gather(1, asked)
        if self.dense is not None:
            return product(self.dense if asked is None else rows_of(self.dense, asked), w, b)
        assert self.sparse is not None
        assert self.factors is not None
        y = collect(self.sparse, w, self.factors, asked)
        return y if b is None else y + b.unsqueeze(1)


def product(x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    """x·w + b for every lane [lane node unit]; gradients are autograd's, so that a matrix may be used twice."""
    return torch.bmm(x, w) if b is None else torch.baddbmm(b.unsqueeze(1), x, w)


def sent_features(world: World, context: Context, lanes: int, masked: Tensor | None = None) -> Sent:
    """The features of nodes, some left out by dropout, or as a whole.

    Args:
        masked: 0 where a node's features are hidden, else 1 [lane node].

    Sources: Kipf & Welling 2017 drop entries of sparse features, and so nothing that is 0 anyhow; Zhu et al., GRACE,
    2020
    hide whole features.
    """
    number = "input_dropout"
    hidden = draw(context, "feature_mask", "mask", world.inputs)
    if world.dense is not None:
        x = world.dense.expand(lanes, -1, -1)
        x = x if hidden is None else x * (hidden > 0).unsqueeze(1)
        kept = draw(context, number, "features", x[0].numel())
        x = x if kept is None else x * kept.view(x.shape)
        return Sent(x if masked is None else x * masked.unsqueeze(2), features=True)
    assert world.sparse is not None
    values = world.sparse.factors
    kept = draw(context, number, "features", len(values))
    values = values if kept is None else values * kept
    values = values if hidden is None else values * (hidden > 0)[:, world.sparse.columns]
    if masked is not None:
        values = values * masked.index_select(1, world.sparse.rows)
    return Sent(None, world.sparse, values, features=True)


def dropped(x: Tensor, name: str, context: Context) -> Tensor:
    """x, some of its units left out [lane node unit]."""
    kept = draw(context, "dropout", name, x.shape[1] * x.shape[2])
    return x if kept is None else x * kept.view(x.shape)


def draw(context: Context, number: str, name: str, count: int) -> Tensor | None:
    """Factors of a step that trains; `None` where nothing is left out."""
    if not context.training or context.chance is None:
        return None
    return context.chance.factors(number, name, count)


@dataclass(frozen=True, eq=False)
class Scene:
    """The graph of a step: the shared one, some of its edges left out.

    Args:
        world: the graph.
        context: of the step.
        lanes: how many.
    """

    world: World
    context: Context
    lanes: int

    @cached_property
    def kept(self) -> Tensor | None:
        """Edges that are there, 0 or 1 [lane edge]; `None` where all are.

        Source: Rong et al., DropEdge, ICLR 2020.
        """
        found = draw(self.context, "edge_drop", "edges", self.world.edges.count)
        return None if found is None else (found > 0).float()

    @cached_property
    def kept_looped(self) -> Tensor | None:
        """The same for `World.looped`: no node loses the edge to itself."""
        if self.kept is None:
            return None
        loops = self.world.is_loop
        found = self.kept.new_ones(self.lanes, len(loops))
        found[:, ~loops] = self.kept
        return found

    @cached_property
    def sums(self) -> Tensor:
        """1 for every edge that is there: factors of a sum over neighbours [(lane) edge]."""
        return self.world.edges.factors if self.kept is None else self.kept

    @cached_property
    def means(self) -> Tensor:
        """1/degree: factors of a mean over neighbours [(lane) edge]."""
        edges = self.world.edges
        if self.kept is None:
            return edges.degrees.clamp(min=1).float().reciprocal()[edges.rows]
        return self.kept / _degrees(edges, self.kept).clamp(min=1)[:, edges.rows]

    @cached_property
    def symmetric(self) -> Tensor:
        """1/√(dᵢ dⱼ) with edges from every node to itself: what GCN multiplies by [(lane) entry of `looped`]."""
        looped = self.world.looped
        if self.kept_looped is None:
            root = looped.degrees.float().rsqrt()
            return root[looped.rows] * root[looped.columns]
        root = _degrees(looped, self.kept_looped).rsqrt()
        return self.kept_looped * root[:, looped.rows] * root[:, looped.columns]


def _degrees(entries: Entries, kept: Tensor) -> Tensor:
    """Entries of every row that are there [lane row]."""
    return kept.new_zeros(len(kept), entries.height).index_add(1, entries.rows, kept)


def head(x: Tensor, weights: Weights) -> Tensor:
    """Logits [lane row head]."""
    return product(x, weights["head.weight"], weights["head.bias"])
