"""A convolutional network: convolution, activation and 2 by 2 pooling, over and over, and a linear head.

| symbol | meaning                                          | shape                             |
|--------|--------------------------------------------------|-----------------------------------|
| x      | images, a row each: a pixel's channels together   | lane batch (height width channel) |
| w      | filters                                          | lane (down across channel) unit   |

hᵢ = pool(drop(activate(hᵢ₋₁ ∗ Wᵢ + bᵢ)));  logits = flat(h) W + b. Borders count as zero; sizes halve layer by layer.
The head may read the mean, or the largest, of each last map instead of all its pixels.
Source: LeCun et al., Gradient-based learning applied to document recognition, 1998, with today's activations.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.kernels.program import Builder, Program
from cotune.nets.context import Context
from cotune.nets.dropout import Factors
from cotune.nets.image.convolve import fold, unfold
from cotune.nets.image.maps import Team, parted
from cotune.nets.layers import linear
from cotune.nets.layout import Layout, Weight
from cotune.nets.mlp import HEAD_MULTIPLE
from cotune.nets.norms import kept, learned


@dataclass(frozen=True)
class CNN:
    """The shape of a convolutional network; hashable, so that lanes can be grouped by it.

    Args:
        height, across, channels: of the images.
        filters: of each convolution; multiples of 8.
        kernel: side of the filters, odd.
        outputs: logits.
        norm: see `cotune.nets.norms`.
        dropping: what dropout leaves out, see `cotune.nets.dropout`; not "depth", as nothing is added to.
        slopes: whether the activation learns a slope for each filter.
        pooling: one of `cotune.nets.image.maps.POOLINGS`.
    """

    height: int
    across: int
    channels: int
    filters: tuple[int, ...]
    kernel: int
    outputs: int
    cardinalities: tuple[int, ...] = ()
    """Images have no categories."""
    norm: str = "none"
    dropping: str = "unit"
    slopes: bool = False
    pooling: str = "flatten"

    @property
    def kind(self) -> str:
        """What sort of network this is, in a few words."""
        more = "" if self.dropping == "unit" else f", dropout of {self.dropping}"
        more += ", learned slopes" if self.slopes else ""
        more += "" if self.pooling == "flatten" else f", {self.pooling} of maps"
        return f"CNN, {len(self.filters)} convolutions, norm {self.norm}{more}"

    @property
    def example(self) -> tuple[int, ...]:
        """An image: height width channel."""
        return self.height, self.across, self.channels

    @property
    def features(self) -> int:
        """Numbers of an image."""
        return self.height * self.across * self.channels

    @property
    def head(self) -> int:
        """Logits with padding."""
        return -(-self.outputs // HEAD_MULTIPLE) * HEAD_MULTIPLE

    @property
    def width(self) -> int:
        """Most filters of a layer."""
        return max(self.filters)

    def draws(self, rows: int) -> int:
        """Numbers that dropout draws in a step of so many rows."""
        return sum(self._draws_of(stage, rows) for stage in self._stages())

    def _draws_of(self, stage: tuple[int, int, int, int], rows: int) -> int:
        height, across, channels, units = stage
        if self.dropping == "connect":
            return self.kernel**2 * channels * units
        return rows * units * (1 if self.dropping == "spatial" else height * across)

    @property
    def compiles(self) -> bool:
        """Whether compiled loops know all of it."""
        return self.norm == "none" and self.dropping == "unit" and self.pooling == "flatten"

    @property
    def whole(self) -> bool:
        """Rows have nothing to do with each other."""
        return False

    @property
    def products(self) -> int:
        """Multiplications of one image's forward pass."""
        stages = self._stages()
        convolving = sum(h * a * self.kernel**2 * channels * units for h, a, channels, units in stages)
        return convolving + self._flat * self.outputs

    @property
    def values(self) -> int:
        """Numbers that one image's forward pass leaves behind."""
        hidden = sum(height * across * units for height, across, _, units in self._stages())
        return self.features + (4 if self.norm == "none" else 8) * hidden + 2 * self.head

    @property
    def _flat(self) -> int:
        height, across, _, units = self._stages()[-1]
        if self.pooling != "flatten":
            return units
        return (height // 2) * (across // 2) * units

    def _stages(self) -> list[tuple[int, int, int, int]]:
        """(height, width, channels, filters) of every convolution."""
        height, across, channels, found = self.height, self.across, self.channels, []
        for units in self.filters:
            found.append((height, across, channels, units))
            height, across, channels = height // 2, across // 2, units
        return found

    def weights(self) -> tuple[Weight, ...]:
        """Learned weights in order of use."""
        found = []
        for layer, (_, _, channels, units) in enumerate(self._stages()):
            name, inputs = f"convolution{layer}", self.kernel**2 * channels
            found.append(Weight(f"{name}.weight", (inputs, units), "fan", decay=True, places=self.kernel**2))
            if self.norm != "batch":  # it subtracts a bias again: its gradient would be rounding noise
                found.append(Weight(f"{name}.bias", (units,)))
            found += learned(self.norm, name, units)
            if self.slopes:
                found.append(Weight(f"{name}.slope", (units,), "slope"))
        found.append(Weight("head.weight", (self._flat, self.head), "fan", decay=True, accumulates=False))
        found.append(Weight("head.bias", (self.head,), accumulates=False))
        return tuple(found)

    def statistics(self) -> tuple[Weight, ...]:
        """Running statistics, not learned."""
        return tuple(
            weight
            for layer, (_, _, channels, units) in enumerate(self._stages())
            for weight in kept(self.norm, f"convolution{layer}", self.kernel**2 * channels, units)
        )

    def real_shape(self, weight: Weight, width: int) -> tuple[int, ...]:  # noqa: ARG002
        """All of it but the head's padding: filters are never padded."""
        return (*weight.shape[:-1], self.outputs) if weight.name.startswith("head.") else weight.shape

    def forward(
        self,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        numeric: Tensor,
        codes: Tensor,  # noqa: ARG002
        context: Context,
    ) -> Tensor:
        """Logits [lane batch head]; columns beyond `outputs` are padding and hold zero."""
        x = numeric.reshape(*numeric.shape[:2], *self.example)
        teams = parted(self.norm, weights, statistics, x, context)
        h = torch.cat([self._read(team, maps) for team, maps in teams])
        logits = context.gauged("head", linear(h, weights["head.weight"], weights["head.bias"]))
        return context.seen("head", logits)

    def _read(self, team: Team, h: Tensor) -> Tensor:
        """What the head reads of a team's images, lane batch feature."""
        drop, first, rows = (team.context.dropout if team.context.training else None), 0, len(h)
        for layer, stage in enumerate(self._stages()):
            name, factors = f"convolution{layer}", None
            if drop is not None and self.dropping == "connect":
                factors = drop.part(first, (self.kernel**2 * stage[2], stage[3]))
            z = team.convolve(name, h, kernel=self.kernel, factors=factors)
            z = team.activate(name, team.normalise(name, z))
            if drop is not None:
                z = fold(self._dropped(unfold(z, team.lanes), drop, first))
                first += self._draws_of(stage, rows)
            h = team.context.seen(name, F.max_pool2d(z, 2))
        return team.pooled(self.pooling, h)

    def _dropped(self, z: Tensor, drop: Factors, first: int) -> Tensor:
        """z [lane batch height width unit] without what is left out."""
        match self.dropping:
            case "unit":
                return z * drop.part(first, tuple(z.shape[1:]))
            case "alpha":
                return drop.alpha(z.flatten(2), first).view(z.shape)
            case "spatial":
                return z * drop.part(first, (z.shape[1], 1, 1, z.shape[4]))
        return z

    def program(self, layout: Layout, statistics: Layout, rows: int) -> Program:  # noqa: ARG002
        """`forward` as a table for compiled loops."""
        build, at = Builder(rows), layout.offsets
        h = build.input(self.features, packed=True)
        for layer, (height, across, channels, units) in enumerate(self._stages()):
            weight, bias = at[f"convolution{layer}.weight"], at[f"convolution{layer}.bias"]
            z = build.convolve(
                h, weight=weight, bias=bias, height=height, width=across, channels=channels, units=units,
                kernel=self.kernel,
            )  # fmt: skip
            h = build.pool(build.activate(z), height=height, width=across)
        return build.finish(
            build.linear(build.flat(h), weight=at["head.weight"], bias=at["head.bias"], units=self.head)
        )
