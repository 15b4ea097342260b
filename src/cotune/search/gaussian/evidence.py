"""What a model may learn from trials that were trained for different lengths.

A figure is comparable with others of the same epoch, so it is kept with its level:

    level(e) = log e / log E  in [0, 1],   E the longest training

which is one more coordinate of the model. How a trial ended says what is known of it:

| ending     | what the model is told                                                                       |
|------------|----------------------------------------------------------------------------------------------|
| complete   | its figure at every rung it passed, and its score at level 1                                 |
| stopped    | its figure at every rung up to the one where it was stopped, and no more: it is censored there |
| diverged   | the worst figure at level 1 (of all levels, where few trained in full): bad, and no worse    |
| failed     | nothing: out of memory is no score (see `feasible`)                                          |
| running    | its figure at every rung it passed                                                           |
"""

import math
from bisect import bisect_left, insort
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from cotune.search.history import History, is_finite
from cotune.types import Status, TrialResult

ENOUGH = 24
"""Results that a model needs."""
RUNG = 4
"""Trials stopped at one epoch that make it a rung; a limit of the study stops trials anywhere."""

Entry = tuple[int, float]
"""(trial number, figure; larger is better)"""


class Evidence:
    """Figures by level, by trial number. A function of the set of results, not of their order."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._sign = 1.0 if history.maximize else -1.0
        self._watched: set[int] = set()
        self._clear()

    def _clear(self) -> None:
        self._longest = 1
        self._stopped: dict[int, int] = {}
        self._full: list[Entry] = []
        self._at: dict[int, list[Entry]] = {}
        self._diverged: list[int] = []
        self._told: set[int] = set()

    def tell(self, result: TrialResult) -> None:
        """A trial has ended, or goes on from a rung; the history knows of it already.

        One that has ended before was paused then: all is put together anew, as if that had never been.
        """
        if result.status is Status.RUNNING:
            self._watched.add(result.epochs)
        elif result.number in self._told:
            self._clear()
            for _, _, known in self._history.trials():
                if known is not None:
                    self.tell(known)
            for epoch in sorted(self._watched):
                self._look_at(epoch)
            return
        else:
            self._told.add(result.number)
        self._longest = max(self._longest, result.epochs)
        for epoch in self._at:
            self._note(result, epoch)
        match result.status:
            case Status.DIVERGED:
                insort(self._diverged, result.number)
            case Status.COMPLETE if is_finite(result.score):
                insort(self._full, (result.number, self._sign * result.score))
            case Status.RUNNING:
                self._look_at(result.epochs)
            case Status.STOPPED:
                count = self._stopped[result.epochs] = self._stopped.get(result.epochs, 0) + 1
                if count == RUNG:
                    self._look_at(result.epochs)

    def _look_at(self, epoch: int) -> None:
        """From now on trials are compared at this epoch."""
        if epoch not in self._at:
            self._at[epoch] = []
            for status in (Status.COMPLETE, Status.STOPPED, Status.RUNNING):
                for known in self._history.ended(status):
                    self._note(known, epoch)

    def _note(self, result: TrialResult, epoch: int) -> None:
        if result.status in (Status.COMPLETE, Status.STOPPED, Status.RUNNING):
            figure = figure_at(result, epoch, sign=self._sign)
            entries = self._at[epoch]
            place = bisect_left(entries, (result.number, -math.inf))
            known = place < len(entries) and entries[place][0] == result.number
            if figure is not None and not known:
                entries.insert(place, (result.number, figure))

    def levels(self) -> list[tuple[float, list[Entry]]]:
        """(level, its entries by number), the longest training first; diverged trials are in the first."""
        found = [(self._level(epoch), self._at[epoch]) for epoch in sorted(self._at, reverse=True)]
        figures = [figure for _, entries in (*found, (1.0, self._full)) for _, figure in entries]
        if not figures:
            return []
        # Where few were trained in full, these are the best: among them, the worst of all lengths is bad enough.
        enough = len(self._full) >= ENOUGH
        worst = min(figure for _, figure in self._full) if enough else min(figures)
        full = sorted([*self._full, *((number, worst) for number in self._diverged)])
        return [(1.0, full), *found]

    def _level(self, epoch: int) -> float:
        return math.log(epoch) / math.log(self._longest) if self._longest > 1 else 1.0

    @property
    def scored(self) -> int:
        """Trials of which something is known at the level where most is."""
        return max((len(entries) for entries in (self._full, *self._at.values())), default=0)


def figure_at(result: TrialResult, epoch: int, *, sign: float = 1.0) -> float | None:
    """The best figure of a trial up to `epoch`, times `sign`; `None` where it did not get there."""
    if result.epochs < epoch:
        return None
    figures = [sign * figure for e, _, figure in result.curve if e <= epoch and is_finite(figure)]
    if figures:
        return max(figures)
    ended_here = result.epochs == epoch and not result.curve
    return sign * result.score if ended_here and is_finite(result.score) else None


def normal_scores(figures: Sequence[float]) -> NDArray[np.float64]:
    """Figures by rank as quantiles of the normal distribution: no outlier and no unit is left.

    Equal figures have equal scores. Shape [result].
    """
    ranks = rankdata(np.asarray(figures, dtype=float))
    scores: NDArray[np.float64] = ndtri((ranks - 0.5) / len(ranks))
    return scores
