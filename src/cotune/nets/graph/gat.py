"""Graph attention networks: every node chooses whom it listens to, head by head.

z = ‖ₕ Σⱼ α⁽ʰ⁾ᵢⱼ h_j W⁽ʰ⁾ + b over neighbours and the node itself, α a softmax of leaky(⟨receiver, hᵢ W⟩ + ⟨sender, hⱼ
W⟩).

The last convolution of a node task has one head. Dropout acts on units, and a share `attention_dropout` of all α.

Source: Veličković et al., Graph Attention Networks, ICLR 2018.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from cotune.nets.graph.flow import attend
from cotune.nets.graph.network import GraphNetwork
from cotune.nets.graph.scene import Scene, Sent, draw
from cotune.nets.layout import Weight


@dataclass(frozen=True)
class GAT(GraphNetwork):
    """See `GraphNetwork`.

    Args:
        heads: of every convolution but one that gives logits; `width` is that of all of them.
    """

    heads: int = 8

    @property
    def name(self) -> str:
        """What its convolution is called."""
        return f"GAT, {self.heads} heads"

    def convolution(self, layer: str, inputs: int, units: int) -> list[Weight]:
        """A matrix, the vectors that judge sender and receiver, and biases."""
        heads = self._heads(layer)
        return [
            Weight(f"{layer}.weight", (inputs, units), "fan", decay=True),
            Weight(f"{layer}.sender", (heads, units // heads), "fan", decay=True),
            Weight(f"{layer}.receiver", (heads, units // heads), "fan", decay=True),
            Weight(f"{layer}.bias", (units,)),
        ]

    def _heads(self, layer: str) -> int:
        return 1 if layer == "head" else self.heads

    def convolve(
        self, layer: str, weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],  # noqa: ARG002
        sent: Sent, scene: Scene, asked: Tensor | None,
    ) -> Tensor:  # fmt: skip
        """z of the table above."""
        heads, looped = self._heads(layer), scene.world.looped
        factors = draw(scene.context, "attention_dropout", f"{layer}.attention", looped.count * heads)
        y = attend(
            looped,
            sent.times(weights[f"{layer}.weight"]),
            weights[f"{layer}.sender"].flatten(1),
            weights[f"{layer}.receiver"].flatten(1),
            heads=heads,
            kept=scene.kept_looped,
            factors=None if factors is None else factors.view(len(factors), looped.count, heads),
            asked=asked,
        )
        return y + weights[f"{layer}.bias"].unsqueeze(1)
