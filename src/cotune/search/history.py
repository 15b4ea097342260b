"""What a study has tried so far, read by trial number and never by the order of events."""

import math
from collections.abc import Iterator
from typing import TypeGuard

from cotune.types import Params, Status, Trial, TrialResult, Value

OUT_OF_MEMORY = "out of memory"
"""What the reason of a trial says that did not fit: it is infeasible, which is no score."""

Key = frozenset[tuple[str, Value]]


def key(params: Params) -> Key:
    """Equal for equal configurations, whatever the order of their names."""
    return frozenset(params.items())


class History:
    """Trials that run and results of those that ended."""

    def __init__(self, *, maximize: bool) -> None:
        self.maximize = maximize
        self._trials: dict[int, Params] = {}
        self._results: dict[int, TrialResult] = {}
        self._tried: set[Key] = set()
        self._ended: dict[Status, dict[int, TrialResult]] = {status: {} for status in Status}

    def add(self, trial: Trial) -> None:
        """This trial is running now."""
        self._trials[trial.number] = trial.params
        self._tried.add(key(trial.params))

    def tell(self, result: TrialResult) -> None:
        """This trial has ended, or was paused, or, where its status is `RUNNING`, goes on from a rung.

        Of several results of a trial the one of the longest training counts.
        """
        self._trials[result.number] = result.params
        self._tried.add(key(result.params))
        if result.status is Status.RUNNING:
            self._ended[Status.RUNNING][result.number] = result
            return
        self._ended[Status.RUNNING].pop(result.number, None)
        before = self._results.get(result.number)
        if before is not None:
            if (before.epochs, before.status is not Status.STOPPED) > (
                result.epochs,
                result.status is not Status.STOPPED,
            ):
                return
            del self._ended[before.status][result.number]
        self._results[result.number] = result
        self._ended[result.status][result.number] = result

    def params(self, number: int) -> Params | None:
        """The configuration of trial `number`, if it was started."""
        return self._trials.get(number)

    def tried(self) -> set[Key]:
        """Every configuration so far; the caller's own set."""
        return self._tried.copy()

    def trials(self) -> Iterator[tuple[int, Params, TrialResult | None]]:
        """(number, configuration, result or `None` while it runs), by number."""
        for number in sorted(self._trials):
            yield number, self._trials[number], self._results.get(number)

    def ended(self, status: Status) -> list[TrialResult]:
        """The results of trials that ended so, by number; of those that run, as far as they were told."""
        found = self._ended[status]
        return [found[number] for number in sorted(found)]

    def running(self) -> list[int]:
        """The trials that have not ended, by number."""
        return sorted(self._trials.keys() - self._results.keys())

    def results(self) -> list[TrialResult]:
        """All that have ended, by number."""
        return [self._results[number] for number in sorted(self._results)]

    def scored(self, *statuses: Status) -> int:
        """How many trials ended in one of `statuses` with a finite score."""
        return sum(is_finite(r.score) for status in statuses for r in self._ended[status].values())

    def worst(self) -> float | None:
        """The worst finite score so far: what a diverged trial is taken for."""
        scores = [r.score for r in self._results.values() if is_finite(r.score)]
        if not scores:
            return None
        return min(scores) if self.maximize else max(scores)


def is_finite(score: float | None) -> TypeGuard[float]:
    """Whether there is a score that can be compared."""
    return score is not None and math.isfinite(score)
