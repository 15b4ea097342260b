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
from cotune.nets import waves
from cotune.nets.context import Context
from cotune.nets.dropout import Factors
from cotune.nets.layers import embed, linear, table_starts
from cotune.nets.layout import Layout, Weight
from cotune.nets.norms import OF_WEIGHTS, kept, learned, normalise, normed_weight
from cotune.nets.waves import UNITS, WAVES

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
        norm: see `cotune.nets.norms`; not "instance", as a row has one position.
        residual: whether hidden layers add to their input.
        outputs: logits.
        dropping: what dropout leaves out, see `cotune.nets.dropout`; not "spatial".
        waved: so many of the first numeric inputs enter as waves, too, see `cotune.nets.waves`.
        slopes: whether the activation learns a slope for each hidden unit.
    """

    features: int
    cardinalities: tuple[int, ...]
    embedding_width: int
    width: int
    depth: int
    norm: str
    residual: bool
    outputs: int
    dropping: str = "unit"
    waved: int = 0
    slopes: bool = False

    @property
    def kind(self) -> str:
        """What sort of network this is, in a few words."""
        parts = [f"MLP, norm {self.norm}"]
        parts += ["waves"] if self.waved else []
        parts += [] if self.dropping == "unit" else [f"dropout of {self.dropping}"]
        parts += ["learned slopes"] if self.slopes else []
        return ", ".join(parts)

    @property
    def example(self) -> tuple[int, ...]:
        """A row."""
        return (self.features,)

    @property
    def inputs(self) -> int:
        """Units that enter the first layer."""
        return self.features + len(self.cardinalities) * self.embedding_width + self.waved * UNITS

    @property
    def whole(self) -> bool:
        """Rows have nothing to do with each other."""
        return False

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

    def draws(self, rows: int) -> int:
        """Numbers that dropout draws in a step of so many rows."""
        return self._first_draw(self.depth, rows)

    @property
    def compiles(self) -> bool:
        """Whether compiled loops know all of it."""
        return self.norm in ("none", "batch", "layer") and self.dropping == "unit"

    def _first_draw(self, layer: int, rows: int) -> int:
        """Number of a layer's first draw."""
        if self.dropping == "connect":
            return sum(self._inputs_of(i) * self.width for i in range(layer))
        return layer * rows * (1 if self.dropping == "depth" else self.width)

    def _inputs_of(self, layer: int) -> int:
        return self.width if layer else self.inputs

    def weights(self) -> tuple[Weight, ...]:
        """Learned weights in order of use."""
        found = []
        if self.cardinalities:
            found.append(
                Weight("embedding", (sum(self.cardinalities), self.embedding_width), "normal", decay=True)
            )
        found += waves.learned(self.waved)
        # Weights that are made of others are no leaves: their gradients are autograd's.
        adds_up = self.norm in OF_WEIGHTS or self.dropping == "connect"
        for layer in range(self.depth):
            name, inputs = f"hidden{layer}", self._inputs_of(layer)
            found.append(Weight(f"{name}.weight", (inputs, self.width), "fan", True, adds_up))
            if self.norm != "batch":  # it subtracts a bias again: its gradient would be rounding noise
                found.append(Weight(f"{name}.bias", (self.width,), accumulates=adds_up))
            found += learned(self.norm, name, self.width)
            if self.slopes:
                found.append(Weight(f"{name}.slope", (self.width,), "slope"))
        found.append(Weight("head.weight", (self._inputs_of(self.depth), self.head), "fan", True, False))
        found.append(Weight("head.bias", (self.head,), accumulates=False))
        return tuple(found)

    def statistics(self) -> tuple[Weight, ...]:
        """Running statistics, not learned."""
        layers = range(self.depth)
        return tuple(w for i in layers for w in kept(self.norm, f"hidden{i}", self._inputs_of(i), self.width))

    def real_shape(self, weight: Weight, width: int) -> tuple[int, ...]:
        """The part of a weight that a network of hidden width `width` uses."""
        if weight.name == "embedding" or weight.name.startswith("waves."):
            return weight.shape
        if weight.name.startswith("head."):
            rows = (width if self.depth else self.inputs,) if len(weight.shape) == 2 else ()
            return (*rows, self.outputs)
        inputs = self.inputs if weight.name.startswith("hidden0.") else width
        if weight.name.endswith(".right"):
            return (inputs,)
        return (inputs, width) if len(weight.shape) == 2 else (width,)

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
        if self.waved:
            h = torch.cat(
                [h, context.seen("waves", waves.embed(numeric[..., : self.waved], weights))], dim=-1
            )
        for layer in range(self.depth):
            name = f"hidden{layer}"
            w = normed_weight(self.norm, name, weights, statistics, context)
            first, drop = self._first_draw(layer, h.shape[1]), context.dropout if context.training else None
            if drop is not None and self.dropping == "connect":
                w = w * drop.part(first, tuple(w.shape[1:]))
            z = linear(h, w, weights.get(f"{name}.bias"))
            z = context.gauged(name, z)
            z = normalise(self.norm, name, z.unsqueeze(2), weights, statistics, context).squeeze(2)
            z = context.mask(context.activate(z, weights.get(f"{name}.slope")))
            if drop is not None:
                z = self._dropped(z, layer, drop, first, context)
            h = context.seen(name, h + z if self.residual and layer else z)
        logits = context.gauged("head", linear(h, weights["head.weight"], weights["head.bias"]))
        return context.seen("head", logits)

    def program(self, layout: Layout, statistics: Layout, rows: int) -> Program:
        """`forward` as a table for compiled loops.

        Args:
            layout, statistics: where weights, and running statistics, lie.
            rows: rows of the largest batch.
        """
        build = Builder(rows)
        at = layout.offsets
        h = build.input(self.inputs, learned=bool(self.cardinalities or self.waved))
        if self.cardinalities:
            starts = tuple(accumulate((0, *self.cardinalities)))
            build.embed(
                h, table=at["embedding"], width=self.embedding_width, first=self.features, starts=starts
            )
        if self.waved:
            f, p, w, b = (at[f"waves.{name}"] for name in waves.NAMES)
            first = self.inputs - self.waved * UNITS
            build.periodic(h, weights=(f, p, w, b), numbers=self.waved, waves=WAVES, units=UNITS, first=first)
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

    def _dropped(self, z: Tensor, layer: int, drop: Factors, first: int, context: Context) -> Tensor:
        match self.dropping:
            case "unit":
                return z * drop.part(first, tuple(z.shape[1:]))
            case "alpha":
                return context.mask(drop.alpha(z, first))
            case "depth":
                return z * drop.part(first, (z.shape[1], 1)) if self.residual and layer else z
        return z
