"""A recurrent network: a gated recurrent unit over a series, and a linear head on its last state.

| symbol | meaning                                | shape                   |
|--------|----------------------------------------|-------------------------|
| x      | series, a row each, time by time       | lane batch (time input) |
| h      | state, zero at first                   | lane batch unit         |

The unit is `cotune.kernels.recurrent`'s; logits = h W + b.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from cotune.kernels.program import Builder, Program
from cotune.nets.context import Context
from cotune.nets.layers import linear
from cotune.nets.layout import Layout, Weight
from cotune.nets.mlp import HEAD_MULTIPLE


@dataclass(frozen=True)
class RNN:
    """The shape of a recurrent network; hashable, so that lanes can be grouped by it.

    Args:
        times: length of the series.
        inputs: numbers at each time.
        width: units of the state, a multiple of 8.
        outputs: logits.
    """

    times: int
    inputs: int
    width: int
    outputs: int
    cardinalities: tuple[int, ...] = ()
    """Series have no categories."""
    slopes: bool = False
    """The state's functions learn none."""

    @property
    def kind(self) -> str:
        """What sort of network this is, in a few words."""
        return "GRU"

    @property
    def example(self) -> tuple[int, ...]:
        """A series: time channel."""
        return self.times, self.inputs

    @property
    def features(self) -> int:
        """Numbers of a series."""
        return self.times * self.inputs

    @property
    def head(self) -> int:
        """Logits with padding."""
        return -(-self.outputs // HEAD_MULTIPLE) * HEAD_MULTIPLE

    def draws(self, rows: int) -> int:  # noqa: ARG002
        """Dropout has no layer to act on: the state feeds no activation."""
        return 0

    @property
    def compiles(self) -> bool:
        """Compiled loops know all of it."""
        return True

    @property
    def whole(self) -> bool:
        """Rows have nothing to do with each other."""
        return False

    @property
    def products(self) -> int:
        """Multiplications of one series' forward pass."""
        return self.times * 3 * self.width * (self.inputs + self.width) + self.width * self.outputs

    @property
    def values(self) -> int:
        """Numbers that one series' forward pass leaves behind."""
        return self.times * (2 * self.inputs + 12 * self.width) + 2 * self.head

    def weights(self) -> tuple[Weight, ...]:
        """Learned weights in order of use."""
        wide = 3 * self.width
        return (
            Weight("input.weight", (self.inputs, wide), "fan", decay=True),
            Weight("input.bias", (wide,)),
            Weight("state.weight", (self.width, wide), "recurrent", decay=True),
            Weight("state.bias", (wide,)),
            Weight("head.weight", (self.width, self.head), "fan", decay=True, accumulates=False),
            Weight("head.bias", (self.head,), accumulates=False),
        )

    def statistics(self) -> tuple[Weight, ...]:
        """None are kept."""
        return ()

    def real_shape(self, weight: Weight, width: int) -> tuple[int, ...]:  # noqa: ARG002
        """All of it but the head's padding: states are never padded."""
        return (*weight.shape[:-1], self.outputs) if weight.name.startswith("head.") else weight.shape

    def forward(
        self,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],  # noqa: ARG002
        numeric: Tensor,
        codes: Tensor,  # noqa: ARG002
        context: Context,
    ) -> Tensor:
        """Logits [lane batch head]; columns beyond `outputs` are padding and hold zero."""
        lanes, batch, _ = numeric.shape
        x = numeric.reshape(lanes, batch * self.times, self.inputs)
        gates = torch.baddbmm(weights["input.bias"].unsqueeze(1), x, weights["input.weight"])
        gates = context.gauged("input", gates).view(lanes, batch, self.times, 3 * self.width)
        each = gates.unbind(2)  # one stack backwards, where slices would each fill a whole tensor
        h = numeric.new_zeros(lanes, batch, self.width)
        w, b = weights["state.weight"], weights["state.bias"].unsqueeze(1)
        for now in each:
            h = _step(now, torch.baddbmm(b, h, w), h)
        h = context.seen("gru", h)
        logits = context.gauged("head", linear(h, weights["head.weight"], weights["head.bias"]))
        return context.seen("head", logits)

    def program(self, layout: Layout, statistics: Layout, rows: int) -> Program:  # noqa: ARG002
        """`forward` as a table for compiled loops."""
        build, at = Builder(rows), layout.offsets
        h = build.gru(
            build.input(self.features, packed=True),
            weights=(at["input.weight"], at["state.weight"]),
            biases=(at["input.bias"], at["state.bias"]),
            times=self.times,
            inputs=self.inputs,
            units=self.width,
        )
        return build.finish(build.linear(h, weight=at["head.weight"], bias=at["head.bias"], units=self.head))


def _step(gates: Tensor, product: Tensor, h: Tensor) -> Tensor:
    """The state after h, from what the inputs and the state add to the gates [lane batch (3 unit)]."""
    x_reset, x_update, x_new = gates.chunk(3, dim=-1)
    h_reset, h_update, h_new = product.chunk(3, dim=-1)
    reset, update = torch.sigmoid(x_reset + h_reset), torch.sigmoid(x_update + h_update)
    new = torch.tanh(x_new + reset * h_new)
    return new + update * (h - new)
