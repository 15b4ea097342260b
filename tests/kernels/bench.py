"""A lane for the machine, made of plain arrays, without the engine."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from cotune.kernels import activations, fields, losses, machine, updates
from cotune.kernels.loading import load_for
from cotune.nets.layout import Layout
from cotune.nets.network import Network
from kernels.calling import normal

SETTINGS = {"sgd": [-0.05, 0.5, 0.01], "adamw": [0.1, 0.01, -0.01, 1e-8, 0.999]}
"""Coefficients of an optimizer, the same for every step."""


VALUES = losses.NAMES[losses.MSE : losses.GAUSSIAN + 1]
"""Losses of numbers."""


def outputs_of(loss: str) -> int:
    """Logits that a loss needs, of three classes or of numbers."""
    return (2 if loss == "gaussian" else 1) if loss in VALUES else 3


@dataclass(eq=False)
class Bench:
    """All that a lane needs; addresses are taken when it is made, so arrays may be changed but not replaced.

    Args:
        rows: room of the arena.
        known: rows of the data; the last `held` of them are for validation.
    """

    network: Network
    activation: str = "relu"
    loss: str = "cross_entropy"
    optimizer: str = "adamw"
    batch: int = 8
    steps: int = 6
    rows: int = 64
    known: int = 80
    held: int = 30
    rates: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        network, n = self.network, self.known
        layout, statistics = Layout.of(network.weights()), Layout.of(network.statistics())
        program = network.program(layout, statistics, self.rows)
        classes = network.outputs
        truth: np.ndarray = np.random.default_rng(self.seed).integers(0, classes, n)
        if self.loss in VALUES:
            truth = normal(n, seed=self.seed)
        coefficients = np.zeros((self.steps, updates.COEFFICIENTS), np.float32)
        coefficients[:, : len(SETTINGS[self.optimizer])] = SETTINGS[self.optimizer]
        self.parts: dict[str, np.ndarray] = {
            "weights": np.zeros(layout.size, np.float32),
            "gradient": np.zeros(layout.size, np.float32),
            "memory": np.zeros(2 * layout.size, np.float32),
            "statistics": np.ones(max(1, statistics.size), np.float32),
            "arena": np.full(program.arena, np.nan, np.float32),
            "scratch": np.zeros(program.draws // 8 + 8, np.int64),
            "order": np.full(n, -1),
            "starts": program.starts,
            "numeric": normal(n, network.features, seed=self.seed + 2),
            "codes": np.zeros((n, max(1, len(network.cardinalities))), np.int64),
            "truth": truth,
            "coefficients": coefficients,
            "train": np.arange(n - self.held),
            "validation": np.arange(n - self.held, n),
            "extras": np.tile(np.float32([1, 1, 0, 1, 0]), (self.steps, 1)),
            "kept": np.zeros(layout.size + statistics.size, np.float32),
            "found": np.full((self.held, classes), np.nan, np.float32),
        }
        sizes: dict[str, Any] = {
            "activation": activations.NAMES.index(self.activation), "loss": losses.NAMES.index(self.loss),
            "optimizer": updates.NAMES.index(self.optimizer), "real": network.width, "classes": classes,
            "batch": self.batch, "steps": self.steps, "weights": layout.size, "decayed": layout.decayed,
            "features": network.features, "known": n, "train": n - self.held, "validation": self.held,
            "input": program.input.at, "input_pitch": program.input.pitch, "logits": program.logits.at,
            "head": program.logits.units, "d_logits": program.d_logits, "spare": program.spare, "rows": self.rows,
            "outputs": classes, "drop_seed": 11, "order_seed": 12, "epoch": 0, "taken": 0, "noise_seed": 13,
            "statistics": statistics.size, "matrices": 0, "sum": -1, "slow": -1, "average": -1, "own_slots": 0,
        }  # fmt: skip
        self.weights = layout.views(torch.from_numpy(self.parts["weights"]).unsqueeze(0))
        for name, view in layout.views(torch.from_numpy(self.parts["gradient"]).unsqueeze(0)).items():
            view.fill_(math.nan)  # between weights are gaps, which must hold zero
            self.weights[name].copy_(
                torch.from_numpy(normal(*view.shape, seed=self.seed + 1) * np.float32(0.3))
            )
        self.table = program.table
        self.at = np.array([self.parts[n].ctypes.data if n in self.parts else 0 for n in fields.PLACES])
        self.size = np.array([sizes[name] for name in fields.SIZES])
        self.rate = np.array([self.rates.get(name, 0.0) for name in fields.RATES])
        self.total = np.zeros(1)
        load_for(program, self.size[None], self.rate[None], paced=False)
        machine.shuffle(self.at, self.size)

    def train(self, first: int, last: int) -> int:
        """The step it came to."""
        return machine.train(self.table, self.at, self.size, self.rate, first, last, self.total)

    def evaluate(self) -> np.ndarray:
        """Predictions of the validation rows."""
        machine.evaluate(self.table, self.at[None], self.size[None], self.rate[None], 0, 1)
        return self.parts["found"]

    def state(self) -> list[np.ndarray]:
        """What training changes, copied."""
        return [self.parts[name].copy() for name in ("weights", "memory", "statistics")] + [self.total.copy()]
