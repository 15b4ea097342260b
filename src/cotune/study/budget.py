"""Time: how fast lanes train here, how long trials may be, and when it is too late to start another."""

import time
from collections.abc import Sequence
from contextlib import suppress

from cotune.engine.bank import Stack
from cotune.engine.lanes import Lane
from cotune.engine.population import Halted, Population

FULL_TRAININGS = 40
"""A study under a time limit should afford about so many trials in full; rungs make several times as many of it."""

LEAST_EPOCHS = 8
"""Fewer epochs than this teach a network, and a search, too little."""

PROBE_SECONDS = 1.0
"""The probe ends after about so long, or after a few steps."""


def probe(lanes: Sequence[Lane], *, metric: str) -> float:
    """Seconds that one lane takes for one epoch when these lanes train together, measured on a few steps."""
    structure = lanes[0].structure
    population = Population(structure, Stack(), metric=metric, chunk=len(lanes))
    population.join(list(lanes))
    steps, began = 0, time.monotonic()

    def halt() -> bool:
        nonlocal steps, began
        steps += 1
        if steps == 2:  # the first step pays for set-up
            began = time.monotonic()
        return steps > 4 and time.monotonic() - began > PROBE_SECONDS

    with suppress(Halted):
        population.train_epoch(halt=halt)
    return (time.monotonic() - began) / max(steps - 2, 1) * structure.steps / len(lanes)


def affordable_epochs(epochs: int, *, seconds: float, lane_epoch: float, lanes: int) -> int:
    """Epochs a trial may take so that the time affords enough of them.

    Args:
        epochs: what it would take without a limit.
        seconds: the time limit.
        lane_epoch: seconds of one epoch of one lane.
        lanes: lanes of a trial.
    """
    return max(min(LEAST_EPOCHS, epochs), min(epochs, int(seconds / (lane_epoch * lanes * FULL_TRAININGS))))


class Pace:
    """How long a lane's epoch takes, measured as the study goes.

    Args:
        guess: seconds, until there is a measurement.
    """

    def __init__(self, guess: float) -> None:
        self._seconds = guess

    def measured(self, *, lanes: int, seconds: float) -> None:
        """An epoch of a population took so long; older measurements fade."""
        self._seconds += 0.1 * (seconds / lanes - self._seconds)

    def most_lanes(self, *, epochs: int, seconds_left: float) -> int:
        """Lanes that can be in training now and still finish all their epochs in the time left."""
        return int(seconds_left / max(epochs * self._seconds, 1e-9))
