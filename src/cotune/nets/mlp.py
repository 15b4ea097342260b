"""The multi-layer perceptron, with embeddings, normalisation, dropout and residual connections.

| symbol  | meaning                                  | shape              |
|---------|------------------------------------------|--------------------|
| numeric | numeric features                         | lane batch feature |
| codes   | categories, as positions in one table    | lane batch column  |
| h       | hidden units                             | lane batch unit    |

h₀ = [numeric, embed(codes)];  hᵢ = (hᵢ₋₁ +) drop(activate(norm(hᵢ₋₁ Wᵢ + bᵢ)));  logits = h W + b.
The part in brackets is the residual connection (He et al. 2016), from the second hidden layer on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from cotune.kernels.program import Builder, Program
from cotune.nets.context import Context
from cotune.nets.layers import batch_norm, embed, layer_norm, linear, table_starts
from cotune.nets.layout import Layout, Weight

HEAD_MULTIPLE = 16
"""Heads are padded: matrix and softmax kernels are slow, and round differently, for odd numbers of columns."""


@dataclass(frozen=True)
class MLP:
    """The shape of a multi-layer perceptron; hashable, so that lanes can be grouped by it.

    Args:
        features: numeric inputs.
        cardinalities: entries of each embedded column (code 0 is "unseen").
        embedding_width: units of each embedding.
        width: units of each hidden layer.
        depth: hidden layers; 0 is a linear model.
        norm: "none", "batch" or "layer".
        residual: whether hidden layers add to their input.
        outputs: logits.
    """

    features: int
    cardinalities: tuple[int, ...]
    embedding_width: int
    width: int
    depth: int
    norm: str
    residual: bool
    outputs: int

    @property
    def kind(self) -> str:
        """What sort of network this is, in a few words."""
        return f"MLP, norm {self.norm}"

    @property
    def inputs(self) -> int:
        """Units that enter the first layer."""
        return self.features + len(self.cardinalities) * self.embedding_width

    @property
    def products(self) -> int:
        """Multiplications of one row's forward pass."""
        sizes = [self.inputs, *[self.width] * self.depth, self.outputs]
        return sum(a * b for a, b in pairwise(sizes))

    @property
    def values(self) -> int:
        """Numbers that one row's forward pass leaves behind: six a hidden unit, with those the backward pass adds."""
        return self.inputs + self.depth * self.width * 6 + self.head * 6

    @property
    def head(self) -> int:
        """Output columns with padding."""
        return -(-self.outputs // HEAD_MULTIPLE) * HEAD_MULTIPLE

    @property
    def dropped(self) -> tuple[int, int]:
        """Layers that dropout acts on, and units of each."""
        return self.depth, self.width

    def weights(self) -> tuple[Weight, ...]:
        """Learned weights in order of use."""
        found = []
        if self.cardinalities:
            found.append(
                Weight("embedding", (sum(self.cardinalities), self.embedding_width), "normal", decay=True)
            )
        inputs = self.inputs
        for layer in range(self.depth):
            found.append(Weight(f"hidden{layer}.weight", (inputs, self.width), "fan", True, False))
            if (
                self.norm != "batch"
            ):  # batch norm subtracts a bias again: its gradient would be rounding noise
                found.append(Weight(f"hidden{layer}.bias", (self.width,), accumulates=False))
            if self.norm != "none":
                found.append(Weight(f"hidden{layer}.norm.weight", (self.width,), "ones"))
                found.append(Weight(f"hidden{layer}.norm.bias", (self.width,)))
            inputs = self.width
        found.append(Weight("head.weight", (inputs, self.head), "fan", True, False))
        found.append(Weight("head.bias", (self.head,), accumulates=False))
        return tuple(found)

    def statistics(self) -> tuple[Weight, ...]:
        """Running statistics, not learned."""
        if self.norm != "batch":
            return ()
        return tuple(
            Weight(f"hidden{layer}.norm.{name}", (self.width,), init)
            for layer in range(self.depth)
            for name, init in (("mean", "zeros"), ("variance", "ones"))
        )

    def real_shape(self, weight: Weight, width: int) -> tuple[int, ...]:
        """The part of a weight that a network of hidden width `width` uses."""
        if weight.name == "embedding":
            return weight.shape
        if weight.name.startswith("head."):
            rows = (width if self.depth else self.inputs,) if len(weight.shape) == 2 else ()
            return (*rows, self.outputs)
        rows = (
            ((self.inputs if weight.name.startswith("hidden0.") else width),)
            if len(weight.shape) == 2
            else ()
        )
        return (*rows, width)

    def forward(
        self,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        numeric: Tensor,
        codes: Tensor,
        context: Context,
    ) -> Tensor:
        """Logits [lane batch head]; columns beyond `outputs` are padding and hold zero."""
        h = numeric
        if self.cardinalities:
            starts = table_starts(self.cardinalities, codes.device)
            embedded = context.seen("embedding", embed(weights["embedding"], codes + starts))
            h = torch.cat([numeric, embedded], dim=-1)
        for layer in range(self.depth):
            name = f"hidden{layer}"
            z = linear(h, weights[f"{name}.weight"], weights.get(f"{name}.bias"))
            z = self._normalise(z, name, weights, statistics, context)
            z = context.drop(context.mask(context.activate(z)), layer)
            h = context.seen(name, h + z if self.residual and layer else z)
        logits = linear(h, weights["head.weight"], weights["head.bias"])
        return context.seen("head", logits)

    def program(self, layout: Layout, statistics: Layout, rows: int) -> Program:
        """`forward` as a table for compiled loops.

        Args:
            layout, statistics: where weights, and running statistics, lie.
            rows: rows of the largest batch.
        """
        build = Builder(rows)
        at = layout.offsets
        h = build.input(self.inputs, learned=bool(self.cardinalities))
        if self.cardinalities:
            starts = tuple(accumulate((0, *self.cardinalities)))
            build.embed(
                h, table=at["embedding"], width=self.embedding_width, first=self.features, starts=starts
            )
        for layer in range(self.depth):
            name = f"hidden{layer}"
            z = build.linear(h, weight=at[f"{name}.weight"], bias=at.get(f"{name}.bias"), units=self.width)
            if self.norm != "none":
                scale, shift = at[f"{name}.norm.weight"], at[f"{name}.norm.bias"]
            if self.norm == "layer":
                z = build.layer_norm(z, scale=scale, shift=shift)
            elif self.norm == "batch":
                mean, variance = (statistics.offsets[f"{name}.norm.{part}"] for part in ("mean", "variance"))
                z = build.batch_norm(z, scale=scale, shift=shift, mean=mean, variance=variance)
            h = build.activate(z, residual=h if self.residual and layer else None)
        return build.finish(build.linear(h, weight=at["head.weight"], bias=at["head.bias"], units=self.head))

    def _normalise(
        self,
        z: Tensor,
        name: str,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        context: Context,
    ) -> Tensor:
        if self.norm == "none":
            return z
        scale, shift = weights[f"{name}.norm.weight"], weights[f"{name}.norm.bias"]
        if self.norm == "layer":
            return layer_norm(z, scale, shift, context.real)
        mean, variance = statistics[f"{name}.norm.mean"], statistics[f"{name}.norm.variance"]
        return batch_norm(z, scale, shift, mean, variance, training=context.training)
