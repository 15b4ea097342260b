"""What a forward pass needs beside weights and rows: the mode, and what differs from lane to lane."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from cotune.nets.activations import ACTIVATIONS
from cotune.nets.chance import Chance
from cotune.nets.dropout import Factors
from cotune.nets.layers import in_use

Segment = tuple[str, int, int]
"""A name and the contiguous lanes [start, stop) it holds for."""


@dataclass(frozen=True, eq=False)
class Aside:
    """What a forward pass adds to the loss beside its logits; filled while training.

    Args:
        heads: (weight, logits [lane batch head]) of further heads, judged as the logits are.
        penalties: [lane] each, added to the loss as they are.
        turn: at most one, set by a goal: what each weight's step is multiplied by [lane weight]; 0: it waits, and so
            does its optimizer's memory.
    """

    heads: list[tuple[float | Tensor, Tensor]] = field(default_factory=list)
    penalties: list[Tensor] = field(default_factory=list)
    turn: list[Tensor] = field(default_factory=list)


@dataclass(frozen=True)
class Context:
    """One forward pass over `lanes` lanes.

    Args:
        training: whether dropout acts and batch statistics are used.
        activations: segments of lanes by activation; together they cover all lanes.
        real: units in use per lane [lane] when some lanes are narrower than the population, else `None`.
        dropout: what is left out of this step, or `None`.
        watch: called with (layer name, output) after every layer; for diagnosis.
        gauge: called with (layer name, products and bias) before norm and activation; what it returns goes on.
        world: what all rows share, such as a graph; the same for all lanes.
        aside: takes what is added to the loss, or `None` where nobody asks.
        draw: gives so many signed 8-bit draws of this step to each lane [lane draw], or `None` where nothing is drawn.
        chance: what else a step that trains leaves to chance, or `None`.
        numbers: the lanes' own numbers by name [lane]; of lanes with a goal alone.
    """

    training: bool
    activations: tuple[Segment, ...]
    real: Tensor | None = None
    dropout: Factors | None = None
    watch: Callable[[str, Tensor], None] | None = None
    gauge: Callable[[str, Tensor], Tensor] | None = None
    world: Any = None
    aside: Aside | None = None
    draw: Callable[[int], Tensor] | None = None
    chance: Chance | None = None
    numbers: Mapping[str, Tensor] = field(default_factory=dict)

    def activate(self, x: Tensor, slope: Tensor | None = None) -> Tensor:
        """Each lane's own activation on x [lane batch unit].

        Args:
            slope: lane unit, where the activation learns slopes; it is the same for all lanes then.
        """
        if slope is not None:
            return ACTIVATIONS[self.activations[0][0]](x, slope)
        if len(self.activations) == 1:
            return ACTIVATIONS[self.activations[0][0]](x)
        return torch.cat([ACTIVATIONS[name](x[start:stop]) for name, start, stop in self.activations])

    def mask(self, x: Tensor) -> Tensor:
        """Zero the units beyond each lane's own width. Times 1.0 is exact, so wide lanes are untouched."""
        return x if self.real is None else x * in_use(self.real, x.shape[-1]).to(x.dtype)

    def gauged(self, layer: str, z: Tensor) -> Tensor:
        """What a layer's products came to, as the gauge would have it [lane batch … unit]."""
        return z if self.gauge is None else self.gauge(layer, z)

    def seen(self, layer: str, x: Tensor) -> Tensor:
        """Show a layer's output to the watcher; returns it."""
        if self.watch is not None:
            self.watch(layer, x)
        return x
