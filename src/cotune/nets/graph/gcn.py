"""Graph convolutional networks: every node hears the mean of its neighbours and itself, both ends' degrees weighed in.

z = Â h W + b,  Âᵢⱼ = 1/√(dᵢ dⱼ) over edges and one from each node to itself, d counting these.

Source: Kipf & Welling, Semi-supervised classification with graph convolutional networks, ICLR 2017.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from cotune.nets.graph.flow import collect
from cotune.nets.graph.network import GraphNetwork
from cotune.nets.graph.scene import Scene, Sent, product
from cotune.nets.layout import Weight


@dataclass(frozen=True)
class GCN(GraphNetwork):
    """See `GraphNetwork`."""

    @property
    def name(self) -> str:
        """What its convolution is called."""
        return "GCN"

    def convolution(self, layer: str, inputs: int, units: int) -> list[Weight]:
        """A matrix and biases."""
        return [
            Weight(f"{layer}.weight", (inputs, units), "fan", decay=True),
            Weight(f"{layer}.bias", (units,)),
        ]

    def convolve(
        self, layer: str, weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],  # noqa: ARG002
        sent: Sent, scene: Scene, asked: Tensor | None,
    ) -> Tensor:  # fmt: skip
        """z of the table above. Sums are taken over units, of which there are fewer than features."""
        w, b, looped = weights[f"{layer}.weight"], weights[f"{layer}.bias"], scene.world.looped
        if sent.features:
            return collect(looped, sent.times(w), scene.symmetric, asked) + b.unsqueeze(1)
        assert sent.dense is not None
        return product(collect(looped, sent.dense, scene.symmetric, asked), w, b)
