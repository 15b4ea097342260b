"""The cases: what is trained, and what each must reach.

A network is a shape here and nothing else. Its plain PyTorch module is one function of `networks.py`, and our
engine's network is one function of `ours.py`.
"""

from dataclasses import dataclass

RATE, DECAY = 1e-3, 1e-2
"""AdamW's learning rate and weight decay."""

CLASSES = 10


@dataclass(frozen=True)
class Perceptron:
    """Hidden layers with ReLU (and dropout), then a linear head."""

    features: int
    width: int
    depth: int

    @property
    def inputs(self) -> tuple[int, ...]:
        """Shape of one row."""
        return (self.features,)


@dataclass(frozen=True)
class Convolutions:
    """3×3 convolutions (padding 1), each with ReLU and a 2×2 max pool after it, then a linear head."""

    size: int
    channels: tuple[int, ...]

    @property
    def inputs(self) -> tuple[int, ...]:
        """Shape of one row: one channel."""
        return (1, self.size, self.size)


@dataclass(frozen=True)
class Recurrent:
    """A GRU layer, then a linear head on its last state."""

    time: int
    features: int
    units: int

    @property
    def inputs(self) -> tuple[int, ...]:
        """Shape of one row."""
        return (self.time, self.features)


@dataclass(frozen=True)
class Aim:
    """What a figure must reach, and what it should reach."""

    bar: float
    goal: float


@dataclass(frozen=True)
class Case:
    """One network and how it is trained: AdamW, cross-entropy, 10 classes.

    Args:
        words: its name for people.
        network: its shape.
        batch, steps: rows a step, steps an epoch.
        lanes: networks in our population, where the cores are not more.
        packs: numbers of networks that the stacked peers may choose from.
        dropout: after every hidden layer; the middle one, where configurations differ.
        ratio: aim for the best peer's cost over ours.
        fraction: aim for the limit over our cost.
        configurations, folds: lanes are all pairs of them; with one configuration lanes differ by seed alone.
    """

    words: str
    network: Perceptron | Convolutions | Recurrent
    batch: int
    steps: int
    lanes: int
    packs: tuple[int, ...]
    dropout: float
    ratio: Aim
    fraction: Aim | None = None
    configurations: int = 1
    folds: int = 1


@dataclass(frozen=True)
class Setting:
    """What a lane has of its own besides its seed."""

    rate: float
    dropout: float
    fold: int


SMALL = Perceptron(20, 64, 2)
PACKS = (16, 32, 64)

CASES = {
    "mlp-64": Case(
        "MLP 20-64-64-10, batch 64, AdamW, dropout 0.1",
        SMALL, 64, 100, 64, PACKS, 0.1, Aim(5, 10), Aim(0.45, 0.7),
    ),
    "mlp-256": Case(
        "MLP 64-256-256-10, batch 128, AdamW, dropout 0.1",
        Perceptron(64, 256, 2), 128, 30, 64, (4, 16, 64), 0.1, Aim(1.5, 2.2), Aim(0.5, 0.8),
    ),
    "mlp-1024": Case(
        "MLP 100-1024-1024-10, batch 256, AdamW",
        Perceptron(100, 1024, 2), 256, 20, 8, (2, 4), 0.0, Aim(1, 1.3), Aim(0.55, 0.75),
    ),
    "cnn-8": Case(
        "CNN on 8×8 images, conv 8 and 16, batch 64, AdamW",
        Convolutions(8, (8, 16)), 64, 30, 64, PACKS, 0.0, Aim(4, 8),
    ),
    "gru": Case(
        "GRU of 32 units, 24 steps of 8 features, batch 64, AdamW",
        Recurrent(24, 8, 32), 64, 30, 64, PACKS, 0.0, Aim(3, 6),
    ),
    "cnn-28": Case(
        "CNN on 28×28 images, conv 16 and 32, batch 64, AdamW",
        Convolutions(28, (16, 32)), 64, 20, 16, (4, 16), 0.0, Aim(1.2, 2.5),
    ),
    "folds": Case(
        "5-fold CV × 20 configurations of MLP 20-64-64-10, batch 64, AdamW, dropout",
        SMALL, 64, 100, 100, (20, 50, 100), 0.1, Aim(5, 10), None, 20, 5,
    ),
}  # fmt: skip


def settings(case: Case, count: int, *, first: int = 0) -> list[Setting]:
    """Of lanes `first`, `first` + 1, …: one configuration after the other, each with all its folds.

    Learning rates are spread evenly on a logarithmic scale from 0.3 to 10 times `RATE`, dropout from 0.2 to 1.8
    times the case's, in another order.
    """
    found = []
    for lane in range(first, first + count):
        number, fold = lane // case.folds % case.configurations, lane % case.folds
        place, other = (
            (k % case.configurations) / max(case.configurations - 1, 1) for k in (number, 7 * number)
        )
        one = case.configurations == 1
        rate = RATE if one else RATE * 0.3 * (10 / 0.3) ** place
        found.append(Setting(rate, case.dropout if one else case.dropout * (0.2 + 1.6 * other), fold))
    return found
