"""How long a study has run, and how much of its time is left."""

import time

RESERVE = (1.5, 0.02)
"""Seconds, and fraction of the limit, kept for testing and writing the result."""


class Clock:
    """The time of a study, all its sittings together.

    Args:
        limit: seconds the study may take, or `None`.
        before: seconds that earlier sittings took.
        began: when this sitting began, on `time.monotonic()`'s clock.
    """

    def __init__(self, limit: float | None, *, before: float, began: float) -> None:
        self.limit = limit
        self._before = before
        self._began = began

    def elapsed(self) -> float:
        """Seconds so far."""
        return self._before + time.monotonic() - self._began

    def left(self) -> float:
        """Seconds left to train; infinite without a limit."""
        if self.limit is None:
            return float("inf")
        return self.limit - max(RESERVE[0], RESERVE[1] * self.limit) - self.elapsed()
