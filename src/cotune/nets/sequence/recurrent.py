"""Recurrent networks: layers of cells through time, forwards or both ways, over rows that may end at different times.

| symbol | meaning                                        | shape                        |
|--------|------------------------------------------------|------------------------------|
| x      | what a layer reads: the states of the one before | lane batch time input      |
| a      | what inputs add to the gates                   | (lane way) time batch (gate unit) |
| h      | states, those of both ways side by side        | lane batch time (way unit)   |

The backward way begins at each row's own end, as in torch's packed sequences. Cells are in `cells`; recurrent weights
begin orthogonal, gate by gate (Saxe et al. 2014).

Sources: Elman 1990; Cho et al. 2014; Hochreiter & Schmidhuber 1997; Schuster & Paliwal 1997 (both ways).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from cotune.nets.context import Context
from cotune.nets.layout import Weight
from cotune.nets.sequence.base import SequenceNetwork
from cotune.nets.sequence.cells import CELLS, Cell, run
from cotune.nets.sequence.pool import pool

WAYS = ("forward", "backward")


@dataclass(frozen=True, kw_only=True)
class Recurrent(SequenceNetwork):
    """The shape of a recurrent network.

    Args:
        cell: a name of `CELLS`.
        layers: one on top of the other.
        bidirectional: whether every layer also reads from the end.
    """

    cell: str
    layers: int = 1
    bidirectional: bool = False

    @property
    def kind(self) -> str:
        """What sort of network this is, in a few words."""
        parts = [f"{self.cell.upper()}, {self.layers} layer{'s' if self.layers > 1 else ''}"]
        parts += ["both ways"] if self.bidirectional else []
        parts += ["tokens"] if self.vocabulary else []
        parts += ["unequal lengths"] if self.lengths else []
        return ", ".join([*parts, f"pooling {self.pooling}"])

    @property
    def _ways(self) -> tuple[str, ...]:
        return WAYS if self.bidirectional else WAYS[:1]

    @property
    def pooled(self) -> int:
        """Units that enter the head."""
        return self.width * len(self._ways)

    @property
    def dropped(self) -> tuple[int, ...]:
        """Between layers."""
        return (self.pooled,) * (self.layers - 1)

    def _inputs_of(self, layer: int) -> int:
        return self.pooled if layer else self.inputs

    @property
    def _cell(self) -> Cell:
        return CELLS[self.cell]

    @property
    def body_products(self) -> int:
        """Multiplications of one row's forward pass without the head."""
        wide = self._cell.gates * self.width * len(self._ways)
        return self.times * wide * sum(self._inputs_of(i) + self.width for i in range(self.layers))

    @property
    def body_values(self) -> int:
        """Numbers that one row's forward pass leaves behind, without the head's."""
        return self.times * self.layers * self.pooled * 4 * (self._cell.gates + self._cell.parts)

    def body_weights(self) -> tuple[Weight, ...]:
        """Of each layer and way, the inputs' and the state's."""
        wide, found = self._cell.gates * self.width, []
        forgetting = "forget" if self._cell.forgets else "zeros"
        for layer in range(self.layers):
            for way in self._ways:
                name = f"{way}{layer}"
                found += [
                    Weight(f"{name}.input.weight", (self._inputs_of(layer), wide), "fan", decay=True),
                    Weight(f"{name}.input.bias", (wide,), forgetting),
                    Weight(f"{name}.state.weight", (self.width, wide), "recurrent", decay=True),
                    Weight(f"{name}.state.bias", (wide,)),
                ]
        return tuple(found)

    def summary(
        self,
        x: Tensor,
        mask: Tensor | None,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],  # noqa: ARG002
        context: Context,
    ) -> Tensor:
        """The states of the last layer, pooled [lane batch pooled]."""
        end = x[:, :, -1]
        for layer in range(self.layers):
            top = layer == self.layers - 1
            keeps = not top or self.pooling != "last"
            x, end = self._layer(layer, x, mask, weights, context, keeps=keeps)
            if not top:
                x = self.drop(x, layer, context)
        return end if self.pooling == "last" else pool(self.pooling, x, mask, weights)

    def _layer(
        self,
        layer: int,
        x: Tensor,
        mask: Tensor | None,
        weights: Mapping[str, Tensor],
        context: Context,
        *,
        keeps: bool,
    ) -> tuple[Tensor, Tensor]:
        """(states of all times [lane batch time (way unit)], those in which each way ended [lane batch (way unit)])."""
        lanes, batch, times, inputs = x.shape
        first = x.transpose(1, 2)
        both = [first, first.flip(1)][: len(self._ways)]
        sides = [
            self._gates(f"{way}{layer}", side.reshape(lanes, times * batch, inputs), weights, context)
            for way, side in zip(self._ways, both, strict=True)
        ]
        a = torch.stack(sides, 1).view(lanes * len(sides), times, batch, -1)
        wh, bh = (
            torch.stack([weights[f"{way}{layer}.state.{part}"] for way in self._ways], 1).flatten(0, 1)
            for part in ("weight", "bias")
        )
        states, end = run(self._cell, a, wh, bh, self._masks(mask), keeps=keeps)
        end = end.view(lanes, len(sides), batch, -1).transpose(1, 2).flatten(2)
        ways = states.view(lanes, len(sides), -1, batch, self.width)
        turned = [ways[:, 0], ways[:, 1].flip(1)] if len(sides) == 2 else [ways[:, 0]]
        x = torch.cat(turned, dim=-1).transpose(1, 2)
        return context.seen(f"{WAYS[0]}{layer}", x), end

    def _gates(self, name: str, x: Tensor, weights: Mapping[str, Tensor], context: Context) -> Tensor:
        """x wx + bx [lane (time batch) (gate unit)]."""
        w, b = weights[f"{name}.input.weight"], weights[f"{name}.input.bias"].unsqueeze(1)
        a = x * w + b if x.shape[2] == 1 else torch.baddbmm(b, x, w)
        return context.gauged(f"{name}.input", a)

    def _masks(self, mask: Tensor | None) -> Tensor | None:
        """[lane time batch], that of the backward way turned round."""
        if mask is None:
            return None
        turned = mask.transpose(1, 2)
        both = [turned, turned.flip(1)][: len(self._ways)]
        return torch.stack(both, 1).flatten(0, 1)
