"""A small Transformer encoder: every time looks at every other, layer after layer, then a pooling over all times.

| symbol  | meaning                                        | shape                          |
|---------|------------------------------------------------|--------------------------------|
| h       | what stands at each time                       | lane batch time unit           |
| q, k, v | what a head looks for, is found by, and passes on | (lane batch head) time part |
| p       | positions: sines and cosines                   | time unit                      |

h₀ = x W + b + p;  h ← h + drop(join(softmax(q kᵀ/√part) v of norm(h)));
h ← h + drop(narrow(activate(widen(norm(h)))));  in the end norm(h) is pooled. Norms stand
before each part, not after it (Xiong et al. 2020). Times that a row has not are looked at by nobody.

Source: Vaswani et al., Attention is all you need, NeurIPS 2017.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from cotune.nets.context import Context
from cotune.nets.layers import linear
from cotune.nets.layout import Weight
from cotune.nets.norms import learned
from cotune.nets.sequence.base import SequenceNetwork
from cotune.nets.sequence.norms import normalise_times
from cotune.nets.sequence.pool import pool


@dataclass(frozen=True, kw_only=True)
class Transformer(SequenceNetwork):
    """The shape of an encoder.

    Args:
        layers: one on top of the other.
        heads: a divisor of the width.
        feedforward: how many times wider than its input the hidden layer in each layer is.
        norm: "layer" or "rms".
    """

    layers: int
    heads: int
    feedforward: int = 2
    norm: str = "layer"

    @property
    def kind(self) -> str:
        """What sort of network this is, in a few words."""
        parts = [f"Transformer, {self.layers} layer{'s' if self.layers > 1 else ''}, {self.heads} heads"]
        parts += [f"norm {self.norm}"] if self.norm != "layer" else []
        parts += ["tokens"] if self.vocabulary else []
        parts += ["unequal lengths"] if self.lengths else []
        return ", ".join([*parts, f"pooling {self.pooling}"])

    @property
    def pooled(self) -> int:
        """Units that enter the head."""
        return self.width

    @property
    def dropped(self) -> tuple[int, ...]:
        """What attention, and what the feed-forward part, adds in each layer."""
        return (self.width,) * (2 * self.layers)

    @property
    def _hidden(self) -> int:
        return self.feedforward * self.width

    @property
    def body_products(self) -> int:
        """Multiplications of one row's forward pass without the head."""
        each = 4 * self.width**2 + 2 * self.times * self.width + 2 * self.width * self._hidden
        return self.times * (self.inputs * self.width + self.layers * each)

    @property
    def body_values(self) -> int:
        """Numbers that one row's forward pass leaves behind, without the head's."""
        each = 16 * self.width + 3 * self.heads * self.times + 3 * self._hidden
        return self.times * (2 * self.width + self.layers * each)

    def body_weights(self) -> tuple[Weight, ...]:
        """Of the way in, of each layer, and the last norm."""
        found = self._linear("inputs", self.inputs, self.width)
        for i in range(self.layers):
            name = f"layer{i}"
            found += learned(self.norm, f"{name}.first", self.width)
            # No bias: that of k would shift all scores of a row alike, and its gradient would be rounding noise.
            found += self._linear(f"{name}.attend", self.width, 3 * self.width)[:1]
            found += self._linear(f"{name}.join", self.width, self.width)
            found += learned(self.norm, f"{name}.second", self.width)
            found += self._linear(f"{name}.widen", self.width, self._hidden)
            if self.slopes:
                found.append(Weight(f"{name}.slope", (self._hidden,), "slope"))
            found += self._linear(f"{name}.narrow", self._hidden, self.width)
        return (*found, *learned(self.norm, "last", self.width))

    @staticmethod
    def _linear(name: str, inputs: int, units: int) -> list[Weight]:
        return [
            Weight(f"{name}.weight", (inputs, units), "fan", decay=True, accumulates=False),
            Weight(f"{name}.bias", (units,), accumulates=False),
        ]

    def summary(
        self,
        x: Tensor,
        mask: Tensor | None,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        context: Context,
    ) -> Tensor:
        """What the last layer yields, pooled [lane batch pooled]."""

        def affine(name: str, z: Tensor) -> Tensor:
            found = linear(z.flatten(1, 2), weights[f"{name}.weight"], weights.get(f"{name}.bias"))
            return context.gauged(name, found).view(*z.shape[:3], -1)

        def normed(name: str, z: Tensor) -> Tensor:
            return normalise_times(self.norm, name, z, mask, weights, statistics, context)

        h = affine("inputs", x) + positions(self.times, self.width, x.device)
        for i in range(self.layers):
            name = f"layer{i}"
            seen = self._attended(affine(f"{name}.attend", normed(f"{name}.first", h)), mask)
            h = h + self.drop(affine(f"{name}.join", seen), 2 * i, context)
            wide = affine(f"{name}.widen", normed(f"{name}.second", h))
            wide = context.activate(wide.flatten(1, 2), weights.get(f"{name}.slope")).view(wide.shape)
            h = h + self.drop(affine(f"{name}.narrow", wide), 2 * i + 1, context)
            h = context.seen(name, h)
        return pool(self.pooling, normed("last", h), mask, weights)

    def _attended(self, qkv: Tensor, mask: Tensor | None) -> Tensor:
        """softmax(q kᵀ/√part) v, all heads side by side [lane batch time unit]."""
        lanes, batch, times, _ = qkv.shape
        part = self.width // self.heads
        parted = qkv.view(lanes * batch, times, 3, self.heads, part).permute(2, 0, 3, 1, 4)
        q, k, v = parted.reshape(3, lanes * batch * self.heads, times, part).unbind(0)
        scores = torch.bmm(q, k.transpose(1, 2)) / math.sqrt(part)
        if mask is not None:
            shown = mask.reshape(lanes * batch, 1, 1, times)
            scores = torch.where(
                shown, scores.view(lanes * batch, self.heads, times, times), -torch.inf
            ).flatten(0, 1)
        found = torch.bmm(torch.softmax(scores, dim=-1), v).view(lanes * batch, self.heads, times, part)
        return found.transpose(1, 2).reshape(lanes, batch, times, self.width)


@cache
def positions(times: int, width: int, device: torch.device) -> Tensor:
    """p[t, 2i] = sin(t / 10000^(2i/width)), p[t, 2i + 1] = cos of the same [time unit]; kept on the device."""
    t = torch.arange(times, dtype=torch.float64).unsqueeze(1)
    angle = t * torch.exp(-math.log(1e4) * torch.arange(0, width, 2, dtype=torch.float64) / width)
    found = torch.zeros(times, width)
    found[:, 0::2] = angle.sin().float()
    found[:, 1::2] = angle.cos().float()[:, : width // 2]
    return found.to(device)
