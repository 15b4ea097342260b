"""Convolutions over time: levels of filters, wider and wider apart, then a pooling over all times.

| symbol | meaning                                | shape                   |
|--------|----------------------------------------|-------------------------|
| h      | what a level yields                    | lane batch time unit    |
| W      | filters of a level                     | lane (neighbour input) unit |

hᵢ = (hᵢ₋₁ +) drop(activate(norm(hᵢ₋₁ ∗ Wᵢ + bᵢ))), neighbours dilationⁱ times apart. The part in brackets is the
residual connection, from the second level on. Causal filters look back alone, others to both sides;
beyond a row's ends is zero.

Sources: Wang, Yan & Oates, IJCNN 2017 (dilation 1, batch norm, mean over time: the fully convolutional network); Bai,
Kolter & Koltun 2018 (causal, dilation 2, residual: TCN, with one convolution a level where theirs has two).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from cotune.nets.context import Context
from cotune.nets.layers import linear
from cotune.nets.layout import Weight
from cotune.nets.norms import OF_WEIGHTS, kept, learned, normed_weight
from cotune.nets.sequence.base import SequenceNetwork
from cotune.nets.sequence.norms import normalise_times
from cotune.nets.sequence.pool import pool
from cotune.nets.sequence.windows import windows


@dataclass(frozen=True, kw_only=True)
class TCN(SequenceNetwork):
    """The shape of a network of convolutions over time.

    Args:
        levels: convolutions, one after the other.
        kernel: times that a filter sees.
        dilation: how much wider apart they are from level to level; 1 for neighbours throughout.
        causal: whether filters see no later time.
        residual: whether levels add to their input.
        norm: see `cotune.nets.sequence.norms`.
    """

    levels: int
    kernel: int
    dilation: int = 2
    causal: bool = False
    residual: bool = False
    norm: str = "none"

    @property
    def kind(self) -> str:
        """What sort of network this is, in a few words."""
        parts = [
            f"TCN, {self.levels} level{'s' if self.levels > 1 else ''} of {self.kernel}",
            f"norm {self.norm}",
        ]
        parts += [f"dilation {self.dilation}"] if self.dilation > 1 else []
        parts += ["tokens"] if self.vocabulary else []
        parts += ["unequal lengths"] if self.lengths else []
        parts += ["learned slopes"] if self.slopes else []
        return ", ".join([*parts, f"pooling {self.pooling}"])

    @property
    def pooled(self) -> int:
        """Units that enter the head."""
        return self.width

    @property
    def dropped(self) -> tuple[int, ...]:
        """After each level but the last, which the head's dropout follows."""
        return (self.width,) * (self.levels - 1)

    def _inputs_of(self, level: int) -> int:
        """Numbers that a filter sees."""
        return self.kernel * (self.width if level else self.inputs)

    @property
    def body_products(self) -> int:
        """Multiplications of one row's forward pass without the head."""
        return self.times * self.width * sum(self._inputs_of(i) for i in range(self.levels))

    @property
    def body_values(self) -> int:
        """Numbers that one row's forward pass leaves behind, without the head's."""
        each = (4 if self.norm in ("none", *OF_WEIGHTS) else 8) * self.width
        return self.times * sum(self._inputs_of(i) + each for i in range(self.levels))

    def body_weights(self) -> tuple[Weight, ...]:
        """Of each level: filters, and what its norm and its activation learn."""
        adds_up, found = self.norm in OF_WEIGHTS, []
        for level in range(self.levels):
            name = f"level{level}"
            shape = (self._inputs_of(level), self.width)
            found.append(Weight(f"{name}.weight", shape, "fan", True, adds_up, places=self.kernel))
            if self.norm != "batch":  # it subtracts a bias again: its gradient would be rounding noise
                found.append(Weight(f"{name}.bias", (self.width,), accumulates=adds_up))
            found += learned(self.norm, name, self.width)
            if self.slopes:
                found.append(Weight(f"{name}.slope", (self.width,), "slope"))
        return tuple(found)

    def statistics(self) -> tuple[Weight, ...]:
        """Running statistics, not learned."""
        levels = range(self.levels)
        return tuple(w for i in levels for w in kept(self.norm, f"level{i}", self._inputs_of(i), self.width))

    def summary(
        self,
        x: Tensor,
        mask: Tensor | None,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        context: Context,
    ) -> Tensor:
        """What the last level yields, pooled [lane batch pooled]."""
        used = None if mask is None else mask.unsqueeze(-1).to(x.dtype)
        for level in range(self.levels):
            name, apart = f"level{level}", self.dilation**level
            span = (self.kernel - 1) * apart
            seen = windows(x, self.kernel, apart, span if self.causal else span // 2)
            w = normed_weight(self.norm, name, weights, statistics, context)
            z = linear(seen.flatten(1, 2), w, weights.get(f"{name}.bias"))
            z = context.gauged(name, z).view(*seen.shape[:3], self.width)
            z = normalise_times(self.norm, name, z, mask, weights, statistics, context)
            z = context.activate(z.flatten(1, 2), weights.get(f"{name}.slope")).view(z.shape)
            if level < self.levels - 1:
                z = self.drop(z, level, context)
            if used is not None:
                z = z * used  # the next level must see zero beyond a row's end
            x = context.seen(name, x + z if self.residual and level else z)
        return pool(self.pooling, x, mask, weights)
