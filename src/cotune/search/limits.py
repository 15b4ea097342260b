"""When a study ends."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What a study may spend; `None` is without limit, and whichever is met first ends it.

    Args:
        trials: trials to start.
        seconds: wall-clock time.
        lane_epochs: epochs trained, summed over lanes.
    """

    trials: int | None
    seconds: float | None
    lane_epochs: int | None

    def trials_left(self, started: int) -> int | None:
        """How many more trials may be started; `None` if as many as one likes."""
        return None if self.trials is None else max(0, self.trials - started)

    def used(self, *, ended: int, lane_epochs: int, seconds: float) -> float:
        """Fraction of the nearest limit that is spent, in [0, 1]; 0 without limits.

        Args:
            ended: trials that are over (those that only started are not yet spent).
            lane_epochs: epochs trained so far.
            seconds: wall-clock time so far.
        """
        pairs = ((ended, self.trials), (lane_epochs, self.lane_epochs), (seconds, self.seconds))
        return min(1.0, max((spent / limit for spent, limit in pairs if limit), default=0.0))
