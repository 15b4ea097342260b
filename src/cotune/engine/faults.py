"""Which layer of a lane first yields a number that is not finite."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cotune.engine.lanes import Lane
from cotune.nets.context import Context


@dataclass(frozen=True)
class Fault:
    """A lane whose loss is not finite: its place, its own step, the first layer at fault."""

    place: int
    step: int
    layer: str


def first_layer_at_fault(
    lane: Lane,
    weights: Mapping[str, Tensor],
    statistics: Mapping[str, Tensor],
    numeric: Tensor,
    codes: Tensor,
    world: Any = None,
) -> str:
    """Name of the layer, or "loss" when all outputs are finite.

    Args:
        weights, statistics: views with a lane axis of length one; the statistics are not changed.
        numeric, codes: the batch, with a lane axis of length one.
        world: what all rows share.
    """
    bad: list[str] = []

    def watch(layer: str, x: Tensor) -> None:
        if not bool(torch.isfinite(x).all()):
            bad.append(layer)

    full = lane.width == lane.structure.network.width
    real = None if full else torch.tensor([lane.width], device=numeric.device)
    context = Context(True, ((lane.activation, 0, 1),), real, watch=watch, world=world)
    copies = {name: view.clone() for name, view in statistics.items()}
    with torch.no_grad():
        lane.structure.network.forward(weights, copies, numeric, codes, context)
    return bad[0] if bad else "loss"
