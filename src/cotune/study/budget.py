"""Time: how fast lanes train here, how long trials may be, and when it is too late to start another.

| symbol | meaning                                                            | unit          |
|--------|--------------------------------------------------------------------|---------------|
| a      | time a population takes for an epoch, however few its lanes        | core-seconds  |
| b      | time each lane adds                                                | core-seconds  |
| R(n)   | time in which n lanes train one epoch: (a P(n) + b n) / cores      | seconds       |

P(n) is the number of populations that n lanes make up; trials come in groups of equal structure.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from cotune.engine.bank import Stack
from cotune.engine.lanes import Lane
from cotune.engine.parallel import cores, one_thread_a_kernel
from cotune.engine.population import Halted, Population
from cotune.search import GROUP

FULL_TRAINING = 0.3
"""With all slots taken, a full training takes at most this fraction of a study's time limit."""

LEAST_EPOCHS = 8
"""Fewer epochs than this teach a network, and a search, too little."""

LEAST_LANES = 4
"""Fewer slots than this leave nothing to choose from."""

SURVIVING = 1 / 3
"""Rungs stop most new trials soon: each costs about this fraction of a full training."""

PROBE_SECONDS = 0.4
"""A probe ends after about so long, or after a few steps."""


@dataclass(frozen=True)
class Speed:
    """a and b of the table above, for one lane's epoch in the middle of the space."""

    population: float
    lane: float
    lanes_per_trial: int = 1

    def round_seconds(self, lanes: float) -> float:
        """R(n)."""
        populations = max(1.0, lanes / (GROUP * self.lanes_per_trial))
        return (self.population * populations + self.lane * lanes) / min(cores(), max(1.0, lanes))


def measure(lanes: Sequence[Lane], *, metric: str, lanes_per_trial: int) -> Speed:
    """Train a few steps of one lane, and of all these lanes of one structure, and tell a from b.

    Where one lane's step alone is slow, the others are not tried: they would take as long each.
    """
    one = _epoch_seconds(lanes[:1], metric)
    if len(lanes) == 1 or one / lanes[0].structure.steps > PROBE_SECONDS / len(lanes):
        return Speed(0.0, one, lanes_per_trial)
    many = _epoch_seconds(lanes, metric)
    each = max(many - one, 0.02 * many) / (len(lanes) - 1)
    return Speed(max(one - each, 0.0), each, lanes_per_trial)


def _epoch_seconds(lanes: Sequence[Lane], metric: str) -> float:
    """Core-seconds that these lanes would take for an epoch, stepping together on one core."""
    structure = lanes[0].structure
    population = Population(structure, Stack(), metric=metric, chunk=len(lanes))
    population.join(list(lanes))
    marks: list[float] = []

    def halt() -> bool:
        marks.append(time.monotonic())
        return len(marks) > 1 and marks[-1] - marks[0] > PROBE_SECONDS

    with one_thread_a_kernel(), suppress(Halted):
        for job in population.training(len(lanes), halt):
            job.do()
    marks.append(time.monotonic())
    steps = marks[min(2, len(marks) - 2) :]  # the first steps pay for set-up, where there are others
    return (steps[-1] - steps[0]) / (len(steps) - 1) * structure.steps


def affordable(epochs: int, slots: int, speed: Speed, *, seconds: float, lanes: int) -> tuple[int, int]:
    """Epochs a trial may take, and slots, such that the time affords enough full trainings one after another.

    Args:
        epochs, slots: what they would be without a limit.
        seconds: the time limit.
        lanes: lanes of a trial; the slots hold at least one trial.
    """
    share = FULL_TRAINING * seconds
    fewest = min(slots, max(LEAST_LANES, lanes))
    while slots > fewest and LEAST_EPOCHS * speed.round_seconds(slots) > share:
        slots = max(fewest, slots // 2)
    affordable_epochs = int(share / speed.round_seconds(slots))
    return max(min(LEAST_EPOCHS, epochs), min(epochs, affordable_epochs)), slots


class Pace:
    """The measured speed, corrected as the study goes: other programs come and go.

    Args:
        speed: as measured at the start.
    """

    def __init__(self, speed: Speed) -> None:
        self._speed = speed
        self._slower = 1.0

    def measured(self, *, lanes: int, seconds: float) -> None:
        """Lanes took so long for an epoch; older measurements fade."""
        self._slower += 0.2 * (seconds / self._speed.round_seconds(lanes) - self._slower)

    def new_lanes(self, *, epochs: int, training: int, seconds_left: float) -> int:
        """Lanes that may join those in training and still finish all their epochs in the time left."""
        # An idle machine is worth a last few trials, though they may not come to their end.
        count = 0 if training else max(LEAST_LANES, self._speed.lanes_per_trial)
        while count < 1024:
            lanes = training + (count + 1) * SURVIVING
            if self._slower * epochs * self._speed.round_seconds(lanes) > seconds_left:
                break
            count += 1
        return count
