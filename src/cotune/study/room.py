"""What the limits of a study leave room for: trials that may join, and whether anything more may be trained."""

import time

from cotune.search import Limits
from cotune.study.budget import Pace
from cotune.study.clock import Clock
from cotune.study.reruns import Reruns
from cotune.types import EPOCH_LIMIT

FIRST_EPOCH = 1.0
"""Seconds that the first epoch may take though the limit has passed: some network is better than none."""


class Room:
    """What is left of a study's slots, time and lane-epochs.

    Args:
        limits, clock: of the study.
        reruns: what is kept back for them is no room for the search.
        pace: how fast lanes train here.
        slots: lanes that train at once.
        joining: lanes of a new trial.
        length: epochs of all rows that a trial takes whom nobody stops.
    """

    def __init__(
        self,
        limits: Limits,
        clock: Clock,
        reruns: Reruns,
        pace: Pace,
        *,
        slots: int,
        joining: int,
        length: float,
    ) -> None:
        self._limits, self._clock, self._reruns, self._pace = limits, clock, reruns, pace
        self._slots, self._joining, self._length = slots, joining, length
        self._first_asked: float | None = None
        self.lane_epochs = 0
        """Trained so far."""

    def for_trials(self, *, training: int, started: int) -> int:
        """How many trials may join by the slots and the epochs that are left.

        Args:
            training: lanes in training.
            started: trials that have started.
        """
        free = (self._slots - training) // self._joining
        if not training:
            free = max(free, 1)  # a trial of more lanes than slots runs all the same
        left = self.lane_epochs_left()
        if left is not None:
            free = min(free, max((left - training) // self._joining, 0 if started else 1))
        return max(free, 0)

    def in_time(self, count: int, *, training: int, started: int) -> int:
        """How many of so many that train from the start may join by the time that is left."""
        if self._limits.seconds is not None and started:
            more = self._pace.new_lanes(
                epochs=self._length, training=training, seconds_left=self.seconds_left()
            )
            count = min(count, more // self._joining)
        return max(count, 0)

    def trials_left(self, started: int) -> int | None:
        """How many more trials may be started; `None` if as many as one likes."""
        return self._limits.trials_left(started)

    def seconds_left(self) -> float:
        """To search, or to train the best again."""
        return self._clock.left() - self._reruns.reserve.seconds

    def lane_epochs_left(self) -> int | None:
        """The same for lane-epochs; `None` without limit."""
        limit = self._limits.lane_epochs
        return None if limit is None else limit - self._reruns.reserve.lane_epochs - self.lane_epochs

    def reason(self, *, training: int, started: int) -> str | None:
        """Why not one more epoch may be trained, if so."""
        if self._limits.seconds is not None and started and self.seconds_left() <= 0:
            return "time limit"
        left = self.lane_epochs_left()
        return EPOCH_LIMIT if left is not None and self.lane_epochs and training > left else None

    def is_late(self, *, first: bool) -> bool:
        """Whether the time is over, asked within an epoch.

        Args:
            first: whether it is the first of the study.
        """
        if self._limits.seconds is None:
            return False
        left = self.seconds_left()
        if first:
            now = time.monotonic()
            self._first_asked = now if self._first_asked is None else self._first_asked
            left = max(left, self._first_asked + FIRST_EPOCH - now)
        return left <= 0

    def measured(self, *, lanes: float, seconds: float) -> None:
        """Lanes took so long for an epoch."""
        if self._limits.seconds is not None:
            self._pace.measured(lanes=lanes, seconds=seconds)

    def idle_steps(self, steps: int, *, training: int) -> int:
        """Steps that free slots could have trained while the lanes in training took `steps`."""
        return round(max(0, self._slots - training) * steps / training)

    def used(self, *, ended: int, seconds: float) -> float:
        """Fraction of the nearest limit that is spent, in [0, 1]; 0 without limits."""
        return self._limits.used(ended=ended, lane_epochs=self.lane_epochs, seconds=seconds)
