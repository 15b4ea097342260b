"""A network of forecasts that reads and writes its windows relative to a level of their own.

A series drifts: what was learned at one level need not hold at another. So a window's level is taken off before the
network reads it, and put back onto what it says.

| symbol | meaning                                                        | shape                    |
|--------|----------------------------------------------------------------|--------------------------|
| x      | window: targets, other channels of the past, known ones        | lane batch time channel  |
| a      | level of each channel of the past: its last value, or its mean | lane batch past          |
| s      | 1; or its standard deviation in the window                     | lane batch past          |
| g      | the network within                                             |                          |
| h      | steps that are forecast                                        |                          |

forecast = a + s g((x − a) / s), of the targets, at each of the h steps; known channels enter as they are

Sources: Zeng et al., Are transformers effective for time series forecasting?, AAAI 2023 (`last`: with a linear g this
is NLinear); Kim et al., Reversible instance normalization, ICLR 2022 (`standard`, here without learned gains).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.kernels.program import Program
from cotune.nets.context import Context
from cotune.nets.layout import Layout, Weight
from cotune.nets.network import Network

ANCHORS = ("last", "mean", "standard")

LEAST_VARIANCE = 1e-5
"""Added to the variance of a window, as in the paper."""


@dataclass(frozen=True)
class Anchored:
    """The shape of a network around another one, which has all the weights.

    Args:
        inner: g.
        times, channels: of a window.
        past: channels that end with the window; the targets are the first of them.
        targets: how many.
        horizon: h.
        anchor: one of `ANCHORS`.
    """

    inner: Network
    times: int
    channels: int
    past: int
    targets: int
    horizon: int
    anchor: str

    @property
    def kind(self) -> str:
        """What sort of network this is, in a few words."""
        return f"{self.inner.kind}, from the window's {self.anchor}"

    @property
    def features(self) -> int:
        """Numbers of a window."""
        return self.inner.features

    @property
    def example(self) -> tuple[int, ...]:
        """A window: time channel."""
        return self.times, self.channels

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """As of the network within."""
        return self.inner.cardinalities

    @property
    def outputs(self) -> int:
        """Logits."""
        return self.inner.outputs

    @property
    def head(self) -> int:
        """Logits with padding."""
        return self.inner.head

    @property
    def width(self) -> int:
        """Units of the widest hidden layer, with padding."""
        return self.inner.width

    @property
    def slopes(self) -> bool:
        """Whether its activation learns a slope for each unit."""
        return self.inner.slopes

    @property
    def compiles(self) -> bool:
        """No: the network within may, but no program knows levels."""
        return False

    @property
    def whole(self) -> bool:
        """As of the network within."""
        return self.inner.whole

    @property
    def products(self) -> int:
        """Multiplications of one row's forward pass."""
        return self.inner.products

    @property
    def values(self) -> int:
        """Numbers that one row's forward pass leaves behind."""
        return self.inner.values + 2 * self.features + 2 * self.head

    def draws(self, rows: int) -> int:
        """Numbers that dropout draws in a step of so many rows."""
        return self.inner.draws(rows)

    def weights(self) -> tuple[Weight, ...]:
        """Those of the network within."""
        return self.inner.weights()

    def statistics(self) -> tuple[Weight, ...]:
        """Those of the network within."""
        return self.inner.statistics()

    def real_shape(self, weight: Weight, width: int) -> tuple[int, ...]:
        """As of the network within."""
        return self.inner.real_shape(weight, width)

    def forward(
        self,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        numeric: Tensor,
        codes: Tensor,
        context: Context,
    ) -> Tensor:
        """Logits [lane batch head]; columns beyond `outputs` are padding and hold zero."""
        lanes, batch, _ = numeric.shape
        x = numeric.view(lanes, batch, self.times, self.channels)
        level, spread = self._anchors(x[..., : self.past])
        own = x[..., : self.past] - level.unsqueeze(2)
        if spread is not None:
            own = own / spread.unsqueeze(2)
        x = torch.cat([own, x[..., self.past :]], dim=-1) if self.past < self.channels else own
        logits = self.inner.forward(weights, statistics, x.reshape(numeric.shape), codes, context)
        if spread is None:
            return logits + self._columns(level, torch.zeros_like(level))
        # A value's second output, where it has one, is the log of its variance.
        factors, shifts = (
            self._columns(spread, torch.ones_like(spread)),
            self._columns(level, 2 * spread.log()),
        )
        return logits * factors + shifts

    def program(self, layout: Layout, statistics: Layout, rows: int) -> Program:  # noqa: ARG002
        """There is none."""
        raise ValueError("no program was written for windows with levels; lanes step as batches")

    def _anchors(self, past: Tensor) -> tuple[Tensor, Tensor | None]:
        """a and s."""
        if self.anchor == "last":
            return past[:, :, -1], None
        # Along the last axis, where the order of a sum does not depend on the count of lanes.
        along = past.transpose(2, 3).contiguous()
        mean = along.mean(-1)
        if self.anchor == "mean":
            return mean, None
        variance = (along - mean.unsqueeze(-1)).square().mean(-1)
        return mean, (variance + LEAST_VARIANCE).sqrt()

    def _columns(self, first: Tensor, second: Tensor) -> Tensor:
        """Figures of the targets at each step [lane batch past], as columns of the head; 0 in its padding.

        Args:
            first, second: of a value's first output, and of its second where it has two.
        """
        per_value = self.outputs // (self.horizon * self.targets)
        parts = [each[..., : self.targets].repeat(1, 1, self.horizon) for each in (first, second)[:per_value]]
        columns = torch.stack(parts, dim=-1).flatten(2)
        return F.pad(columns, (0, self.head - columns.shape[-1]))
