"""What a lane is to the engine: a structure it shares with others, and numbers of its own."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from cotune.engine.augment.table import AUGMENTATIONS, MIXINGS
from cotune.engine.bank import Variant
from cotune.engine.goals.base import Goal
from cotune.nets.layout import ALIGN, Layout
from cotune.nets.mlp import MLP
from cotune.nets.network import Network
from cotune.types import LaneId


@dataclass(frozen=True)
class Method:
    """What lanes do in a step beside forward, backward and the optimizer, where it costs time or memory.

    Args:
        sharpness: a second gradient where the first leads, see `cotune.engine.step`.
        averages: an average of the weights is kept, judged and handed out in their stead.
        looks_ahead: slow weights follow the fast ones.
        accumulates: gradients of several batches make one step of the optimizer.
        mixes: examples are mixed, and so are their targets.
        loops: whether compiled loops know all that these lanes do; else they step as batches.
    """

    sharpness: bool = False
    averages: bool = False
    looks_ahead: bool = False
    accumulates: bool = False
    mixes: bool = False
    loops: bool = True

    @classmethod
    def of(cls, numbers: Mapping[str, float], *, loops: bool = True) -> "Method":
        """What a lane's numbers ask for.

        Args:
            loops: whether compiled loops know its network, loss and optimizer.
        """

        def on(*names: str) -> bool:
            return any(numbers.get(name, NEUTRAL[name]) != NEUTRAL[name] for name in names)

        mixes = on(*MIXINGS)
        return cls(
            sharpness=on("sam_rho"),
            averages=on("ema_decay", "swa_start"),
            looks_ahead=on("lookahead"),
            accumulates=on("accumulate", "batch_growth"),
            mixes=mixes,
            loops=loops and not mixes,
        )

    @property
    def words(self) -> str:
        """What of it makes a step cost more, for the name of a plan; empty for the plain step."""
        costly = {"sharpness": self.sharpness, "mixing": self.mixes}
        return "".join(f", {name}" for name, has in costly.items() if has)


@dataclass(frozen=True)
class Structure:
    """What lanes must have in common to train as one computation.

    Args:
        network: its padded shape.
        batch_size: rows a step.
        steps: steps an epoch.
        weighted: whether classes are weighted.
        method: what they do beside the plain step.
        goal: what they learn, where that is not their losses of outputs against targets.
        world: name of what their rows share; "" for nothing. Lanes with the same name have the same object.
    """

    network: Network
    batch_size: int
    steps: int
    weighted: bool
    method: Method = Method()
    goal: Goal | None = None
    world: str = ""


@dataclass(frozen=True)
class Lane:
    """One network to be trained.

    Args:
        id: its name.
        seed: of all its randomness, in [0, 2⁶³).
        structure: see `Structure`.
        width: its own hidden width; the structure's may be padded.
        activation, optimizer, loss, schedule, init: names.
        numbers: the fusable numbers by name, see `NEUTRAL`; one that is absent is neutral.
        epochs: epochs it may take; the schedule ends there.
        variant: the rows it sees.
        train, validation: numbers of those rows [row].
        start: weights to begin with where they fit, by name; see `cotune.engine.start`.
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
    start: Mapping[str, Tensor] | None = field(default=None, repr=False)

    def number(self, name: str) -> float:
        """A fusable number of the lane."""
        return self.numbers.get(name, NEUTRAL[name])

    def corners(self, layout: Layout) -> Tensor:
        """1 where the lane has a weight of its own, 0 in the padding [weight]."""
        network = self.structure.network
        return layout.corners(lambda weight: network.real_shape(weight, self.width))

    @property
    def slice_key(self) -> tuple[str, str, str]:
        """Lanes with the same key stand side by side in a population."""
        return (self.activation, self.optimizer, self.loss)


def mlp_of(lane: Lane) -> MLP:
    """The lane's shape, which is a multi-layer perceptron's."""
    network = lane.structure.network
    assert isinstance(network, MLP)
    return network


NEUTRAL: dict[str, float] = {
    "lr": 0.0,
    "weight_decay": 0.0,
    "momentum": 0.0,
    "beta1": 0.0,
    "beta2": 0.0,
    "dropout": 0.0,
    "l1": 0.0,
    "l2": 0.0,
    "label_smoothing": 0.0,
    "clip_norm": 0.0,
    "clip_value": 0.0,
    "gradient_noise": 0.0,
    "max_norm": 0.0,
    "frequency_scale": 0.1,
    "warmup": 0.0,
    "final_lr": 0.0,
    "cycles": 1.0,
    "drops": 1.0,
    "decay_factor": 1.0,
    "decay_power": 1.0,
    "decay_share": 1.0,
    "plateau_patience": 1.0,
    "init_std": 0.02,
    "freeze": 0.0,
    "unfreeze": 0.0,
    "layer_lr": 1.0,
    "accumulate": 1.0,
    "batch_growth": 1.0,
    "sam_rho": 0.0,
    "lookahead": 0.0,
    "lookahead_share": 0.5,
    "ema_decay": 0.0,
    "swa_start": 0.0,
    "input_noise": 0.0,
    "input_dropout": 0.0,
    "attention_dropout": 0.0,
    "label_noise": 0.0,
    **dict.fromkeys((*AUGMENTATIONS, *MIXINGS), 0.0),
    "augment_probability": 1.0,
    "quantile": 0.5,
    "focal_gamma": 0.0,
    "margin": 1.0,
    "contrast_temperature": 0.1,
    "generator_lr": 1.0,
    "gradient_penalty": 0.0,
    "instance_noise": 0.0,
    "real_label": 1.0,
    "deep_supervision": 0.0,
}
"""The fusable numbers of a lane, each with the value at which it does nothing."""

NUMBERS = tuple(NEUTRAL)

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
