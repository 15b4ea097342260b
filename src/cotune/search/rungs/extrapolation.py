"""Trials that will most likely not become the best are stopped: a judgement at every epoch, not at rungs."""

import math
from collections.abc import Sequence

from cotune.search.curves import LEAST, extrapolate, usual_gain
from cotune.search.rungs.bracket import Bracket
from cotune.search.rungs.halving import Rungs

CHANCE = 0.05
"""A trial with a smaller chance to beat the best is stopped."""

NEWEST = 256
"""Curves from whose gains the usual gain is told: of the trials with the highest numbers."""


class Extrapolation:
    """Stops a trial when the chance that its final figure beats the best so far is below `CHANCE`.

    Its curve up to now says what the final figure will be, see `cotune.search.curves`. The best trial so far is
    never stopped. All that finish an epoch at one boundary are taken note of before any of them is judged.

    Args:
        epochs: what a full training takes.
        first: twice so many epochs are trained before a trial is judged, for a curve of fewer says little.
        reduction: in how many trials one about goes on from each rung of successive halving: how long trials take
            on average, which must be known before, is reckoned as if they were judged there.
        maximize: whether larger scores are better.

    Source: Domhan et al., Speeding up automatic hyperparameter optimization of deep neural networks by extrapolation
    of learning curves, 2015.
    """

    def __init__(self, *, epochs: int, first: int, reduction: int, maximize: bool) -> None:
        self._sign = 1.0 if maximize else -1.0
        self._epochs = epochs
        self._first = max(2 * first, LEAST)
        self._curves: dict[int, list[float]] = {}
        self._best = -math.inf
        self._like = Rungs(epochs=epochs, first=2 * first, reduction=reduction, maximize=maximize)

    @property
    def brackets(self) -> tuple[Bracket, ...]:
        """Roughly: those of successive halving."""
        return self._like.brackets

    def judge(self, arrivals: Sequence[tuple[int, int, float]]) -> frozenset[int]:
        """Which of the trials that finished an epoch at this boundary are to be stopped.

        Args:
            arrivals: (trial, epoch, score). NaN is no gain; a trial whose every score was NaN is stopped.
        """
        due = []
        for trial, epoch, score in sorted(arrivals):
            figure = -math.inf if math.isnan(score) else self._sign * score
            curve = self._curves.setdefault(trial, [])
            curve.append(max(figure, curve[-1]) if curve else figure)
            self._best = max(self._best, curve[-1])
            if self._first <= epoch < self._epochs:
                due.append(trial)
        hopeless = frozenset(trial for trial in due if not math.isfinite(self._curves[trial][-1]))
        judged = [trial for trial in due if trial not in hopeless]
        if not judged:
            return hopeless
        forecast = extrapolate(
            [self._known(trial) for trial in judged], epochs=self._epochs, usual=self._usual()
        )
        chances = forecast.beats(self._best)
        return hopeless | {trial for trial, chance in zip(judged, chances, strict=True) if chance < CHANCE}

    def reason(self, epoch: int) -> str:
        """Why a trial was stopped there."""
        return f"at epoch {epoch} its curve gave it a chance below {CHANCE:.0%} to beat the best"

    def _known(self, trial: int) -> list[float]:
        """The curve of a trial; epochs before the first number are as good as that."""
        curve = self._curves[trial]
        first = next(figure for figure in curve if math.isfinite(figure))
        return [figure if math.isfinite(figure) else first for figure in curve]

    def _usual(self) -> float:
        some = sorted(self._curves, reverse=True)[:NEWEST]
        curves = [self._known(trial) for trial in some if math.isfinite(self._curves[trial][-1])]
        return usual_gain(curves)
