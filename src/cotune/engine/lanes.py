"""What a lane is to the engine: a structure it shares with others, and numbers of its own."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from cotune.engine.bank import Variant
from cotune.nets.layout import ALIGN
from cotune.nets.mlp import MLP
from cotune.nets.network import Network
from cotune.types import LaneId


@dataclass(frozen=True)
class Structure:
    """What lanes must have in common to train as one computation.

    Args:
        network: its padded shape.
        batch_size: rows a step.
        steps: steps an epoch.
        weighted: whether classes are weighted.
    """

    network: Network
    batch_size: int
    steps: int
    weighted: bool


@dataclass(frozen=True)
class Lane:
    """One network to be trained.

    Args:
        id: its name.
        seed: of all its randomness, in [0, 2⁶³).
        structure: see `Structure`.
        width: its own hidden width; the structure's may be padded.
        activation, optimizer, loss, schedule, init: names.
        numbers: lr, weight_decay, momentum, beta1, beta2, dropout, l1, label_smoothing, clip_norm, warmup, final_lr.
        epochs: epochs it may take; the schedule ends there.
        variant: the rows it sees.
        train, validation: numbers of those rows [row].
    """

    id: LaneId
    seed: int
    structure: Structure
    width: int
    activation: str
    optimizer: str
    loss: str
    schedule: str
    init: str
    numbers: Mapping[str, float]
    epochs: int
    variant: Variant = field(repr=False)
    train: Tensor = field(repr=False)
    validation: Tensor = field(repr=False)

    @property
    def slice_key(self) -> tuple[str, str, str]:
        """Lanes with the same key stand side by side in a population."""
        return (self.activation, self.optimizer, self.loss)


def mlp_of(lane: Lane) -> MLP:
    """The lane's shape, which is a multi-layer perceptron's."""
    network = lane.structure.network
    assert isinstance(network, MLP)
    return network


NUMBERS = (
    "lr",
    "weight_decay",
    "momentum",
    "beta1",
    "beta2",
    "dropout",
    "l1",
    "label_smoothing",
    "clip_norm",
    "warmup",
    "final_lr",
)
"""The fusable numbers of a lane."""

WASTE = 1.5
"""Padding a width may multiply a layer's work by at most this much (where kernels' granularity allows)."""


def padded_width(width: int, batch_size: int) -> int:
    """The width a lane of `width` trains at, a function of the lane alone.

    Widths are rounded up to eighths of an octave, so that near widths share a population and a square layer's work
    grows at most by (1 + 1/8)² < 1.5; and to a multiple that keeps each lane's activations aligned (see
    `cotune.nets.layout.ALIGN`).

    Example:
        >>> padded_width(65, 64), padded_width(64, 64), padded_width(5, 64)
        (72, 64, 8)
    """
    grain = max(8, ALIGN // math.gcd(batch_size, ALIGN))
    octave = 1 << (max(width, 1).bit_length() - 1)
    step = max(grain, octave // 8)
    return math.ceil(width / step) * step
