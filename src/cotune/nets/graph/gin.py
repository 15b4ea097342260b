"""Graph isomorphism networks: every node hears the sum of its neighbours, and a small network makes something of it.

z = MLP((1 + ε) h + Σ h of neighbours),  MLP(s) = activate(norm(s W + b)) V + c, ε learned, 0 at first.

Source: Xu et al., How Powerful are Graph Neural Networks?, ICLR 2019, eq. 4.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from cotune.nets.graph.flow import collect, rows_of
from cotune.nets.graph.network import GraphNetwork
from cotune.nets.graph.scene import Scene, Sent, product
from cotune.nets.layout import Weight
from cotune.nets.norms import kept, learned


@dataclass(frozen=True)
class GIN(GraphNetwork):
    """See `GraphNetwork`."""

    @property
    def name(self) -> str:
        """What its convolution is called."""
        return "GIN"

    @property
    def ends_with_convolution(self) -> bool:
        """A linear layer gives the logits: a hidden layer of as few units as classes would be none."""
        return False

    def convolution(self, layer: str, inputs: int, units: int) -> list[Weight]:
        """Two matrices with biases, and ε."""
        return [
            Weight(f"{layer}.epsilon", (1,)),
            Weight(f"{layer}.inner.weight", (inputs, units), "fan", decay=True),
            *([] if self.norm == "batch" else [Weight(f"{layer}.inner.bias", (units,))]),
            *learned(self.norm, f"{layer}.inner", units),
            *([Weight(f"{layer}.inner.slope", (units,), "slope")] if self.slopes else []),
            Weight(f"{layer}.weight", (units, units), "fan", decay=True),
            *([] if self.norm == "batch" else [Weight(f"{layer}.bias", (units,))]),
        ]

    def statistics(self) -> tuple[Weight, ...]:
        """Of the norms within and after every convolution."""
        layers = [f"convolution{i}.inner" for i in range(self.hidden)]
        inner = (w for layer in layers for w in kept(self.norm, layer, self.width, self.width))
        return (*super().statistics(), *inner)

    def convolve(
        self, layer: str, weights: Mapping[str, Tensor], statistics: Mapping[str, Tensor], sent: Sent, scene: Scene,
        asked: Tensor | None,
    ) -> Tensor:  # fmt: skip
        """z of the table above; the first product comes before the sum, which is the same."""
        inner, edges = f"{layer}.inner", scene.world.edges
        x = sent.times(weights[f"{inner}.weight"])
        own = x if asked is None else rows_of(x, asked)
        z = own * (1 + weights[f"{layer}.epsilon"]).unsqueeze(1) + collect(edges, x, scene.sums, asked)
        if f"{inner}.bias" in weights:
            z = z + weights[f"{inner}.bias"].unsqueeze(1)
        z = self.normed(inner, scene.context.gauged(inner, z), weights, statistics, scene)
        z = scene.context.activate(z, weights.get(f"{inner}.slope"))
        return product(z, weights[f"{layer}.weight"], weights.get(f"{layer}.bias"))
