"""Our side: the engine, through the objects that a study uses."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from cotune.engine.bank import Variant
from cotune.engine.lanes import NUMBERS, Lane, Structure
from cotune.engine.loop import Engine
from cotune.nets.image.cnn import CNN
from cotune.nets.mlp import MLP
from cotune.nets.rnn import RNN
from cotune.types import LaneId
from engine_parts.cases import CLASSES, DECAY, Case, Convolutions, Perceptron, Recurrent, settings
from engine_parts.data import row_sets, rows
from engine_parts.spec import Spec

EPOCHS = 100_000
"""More than a benchmark trains: no lane comes to its end."""


def perceptron(shape: Perceptron) -> tuple[Any, int]:
    """The engine's network, and its lanes' width."""
    return MLP(shape.features, (), 0, shape.width, shape.depth, "none", False, CLASSES), shape.width


def convolutions(shape: Convolutions) -> tuple[Any, int]:
    """The engine's network, and its lanes' width; with one channel it does not matter where that stands."""
    network = CNN(shape.size, shape.size, 1, shape.channels, 3, CLASSES)
    return network, network.width


def recurrent(shape: Recurrent) -> tuple[Any, int]:
    """The engine's network, and its lanes' width."""
    return RNN(shape.time, shape.features, shape.units, CLASSES), shape.units


NETWORKS: dict[type, Callable[[Any], tuple[Any, int]]] = {
    Perceptron: perceptron,
    Convolutions: convolutions,
    Recurrent: recurrent,
}
"""By shape of the case; adding a network is one function here. A case without one has no figure of ours."""


def has_network(case: Case) -> bool:
    """Whether the engine can train the case."""
    return type(case.network) in NETWORKS


def lanes_of(case: Case, count: int) -> list[Lane]:
    """So many lanes of a case."""
    x, y = rows(case)
    variant = Variant(x.flatten(1), torch.zeros(len(x), 0, dtype=torch.int64), y, ())
    network, width = NETWORKS[type(case.network)](case.network)
    structure = Structure(network, case.batch, case.steps, weighted=False)
    sets = [row_sets(case, fold) for fold in range(case.folds)]
    found = []
    for place, setting in enumerate(settings(case, count)):
        numbers = dict.fromkeys(NUMBERS, 0.0)
        numbers |= {"lr": setting.rate, "dropout": setting.dropout, "weight_decay": DECAY}
        numbers |= {"beta1": 0.9, "beta2": 0.999}
        found.append(
            Lane(LaneId(place // case.folds, setting.fold), place, structure, width, "relu", "adamw",
                 "cross_entropy", "constant", "he", numbers, EPOCHS, variant, *sets[setting.fold])
        )  # fmt: skip
    return found


class Ours:
    """Lanes in one population; figures include evaluating each lane's validation rows after the epoch."""

    def __init__(self, case: Case, spec: Spec, _lane: int) -> None:
        self._steps, self._lanes = case.steps, spec.lanes
        self._engine = Engine(metric="accuracy")
        self._engine.join(lanes_of(case, spec.lanes))
        self._losses: tuple[float, ...] = ()

    def measure(self, steps: int) -> float:
        """Microseconds a step of one network, over whole epochs of at least so many steps."""
        began = time.perf_counter()
        trained = 0
        while trained < steps * self._lanes:
            outcome = self._engine.train_epoch()
            trained += outcome.steps
            if outcome.steps != self._steps * self._lanes or outcome.divergences or outcome.failed:
                raise RuntimeError(f"of {self._steps * self._lanes} steps {outcome.steps} were trained")
        taken = (time.perf_counter() - began) / trained * 1e6
        self._losses = tuple(record.train_loss for record in outcome.records)
        return taken

    def loss(self) -> float:
        """Of the last epoch's steps, dropout included; mean over lanes. NaN before the first epoch."""
        return statistics.fmean(self._losses) if self._losses else float("nan")
