"""Time: how fast lanes train here, how long trials may be, and when it is too late to start another.

| symbol | meaning                                                            | unit          |
|--------|--------------------------------------------------------------------|---------------|
| b      | time a lane takes for an epoch                                     | core-seconds  |
| R(n)   | time in which n lanes train one epoch: b n / cores                 | seconds       |

On a GPU lanes that step together take about as long as one of them: there b is a lane's share of that time, and R(n) is
that of the least multiple of their count that n fits into.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cotune.engine.devices import ON_HOST, Compute
from cotune.engine.lanes import Lane
from cotune.engine.loop import Engine
from cotune.engine.parallel import cores

FULL_TRAINING = 0.3
"""With all slots taken, a full training takes at most this fraction of a study's time limit."""

CONTEST_TRAINING = 0.55
"""The same of a study that generates."""

LEAST_EPOCHS = 8
"""Fewer epochs than this teach a network, and a search, too little."""

PATIENT, PATIENT_EPOCHS = 0.8, 24
"""Of networks that need minutes: the part of the time a training takes, and epochs that are worth fewer trainings."""

LEAST_LANES = 4
"""Fewer slots than this leave nothing to choose from."""


@dataclass(frozen=True)
class Speed:
    """b of the table above, for a lane in the middle of the space.

    Args:
        lane: b.
        lanes_per_trial: folds × seeds.
        together: on a GPU, lanes that step together; `None` on a CPU.
    """

    lane: float
    lanes_per_trial: int = 1
    together: int | None = None

    def round_seconds(self, lanes: float) -> float:
        """R(n)."""
        if self.together is not None:
            return self.lane * self.together * max(1, math.ceil(lanes / self.together))
        return self.lane * lanes / min(cores(), max(1.0, lanes))


def measure(lanes: Sequence[Lane], *, metric: str, lanes_per_trial: int, compute: Compute = ON_HOST) -> Speed:
    """How fast lanes of one structure train there, the way the engine would choose."""
    plan = Engine(metric=metric, compute=compute).plan(lanes)
    return Speed(plan.seconds * lanes[0].structure.steps, lanes_per_trial, plan.chunk)


def affordable(
    epochs: int,
    slots: int,
    speed: Speed,
    *,
    seconds: float,
    lanes: int,
    enough: int = LEAST_EPOCHS,
    contest: bool = False,
) -> tuple[int, int]:
    """Epochs a trial may take, and slots, such that the time affords enough full trainings one after another.

    Args:
        epochs, slots: what they would be without a limit.
        seconds: the time limit.
        lanes: lanes of a trial; the slots hold at least one trial.
        enough: epochs for which slots are given up.
        contest: whether lanes are generators, which gain by long training more than by a choice among many.
    """
    share = (CONTEST_TRAINING if contest else FULL_TRAINING) * seconds
    fewest = min(slots, max(cores() if contest else LEAST_LANES, lanes))
    fewest = max(fewest, min(slots, speed.together or 1))  # fewer than step together save no time
    wanted = max(LEAST_EPOCHS, min(enough, epochs))
    while slots > fewest and wanted * speed.round_seconds(slots) > share:
        slots = max(fewest, slots // 2)
    affordable_epochs = int(share / speed.round_seconds(slots))
    return max(min(LEAST_EPOCHS, epochs), min(epochs, affordable_epochs)), slots


def patient(epochs: int, speed: Speed, *, seconds: float, lanes: int) -> tuple[int, int]:
    """(epochs, slots) where a training takes so long that a few of them are all there is time for.

    Then to stop most of them early, and begin others, would leave none that was trained to its end: each goes on for
    `PATIENT` of the time, beside as many as leave it `PATIENT_EPOCHS` epochs, on two lanes a core at most.

    Args:
        epochs: what they would be without a limit.
        seconds: the time limit.
        lanes: of a trial.
    """
    share, fewest = PATIENT * seconds, max(lanes, cores())
    slots = 2 * fewest
    if share / speed.round_seconds(slots) < PATIENT_EPOCHS:
        slots = fewest
    return max(1, min(epochs, int(share / speed.round_seconds(slots)))), slots


class Pace:
    """The measured speed, corrected as the study goes: other programs come and go.

    Args:
        speed: as measured at the start.
        share: of a full training that a new trial takes on average, as rungs stop most of them soon.
    """

    def __init__(self, speed: Speed, *, share: float) -> None:
        self._speed = speed
        self._share = share
        self._slower = 1.0

    def measured(self, *, lanes: float, seconds: float) -> None:
        """Lanes took so long for an epoch; older measurements fade."""
        self._slower += 0.2 * (seconds / self._speed.round_seconds(lanes) - self._slower)

    def new_lanes(self, *, epochs: float, training: int, seconds_left: float) -> int:
        """Lanes that may join those in training and still finish all their epochs in the time left."""
        # An idle machine is worth a last few trials, though they may not come to their end.
        count = 0 if training else max(LEAST_LANES, self._speed.lanes_per_trial)
        while count < 1024:
            lanes = training + (count + 1) * self._share
            if self._slower * epochs * self._speed.round_seconds(lanes) > seconds_left:
                break
            count += 1
        return count
