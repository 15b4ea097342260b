"""What a model may learn from results that were trained for different lengths."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from cotune.search.history import History, is_finite
from cotune.types import Status, TrialResult

ENOUGH = 24
"""Results of equal length that a model needs."""


@dataclass(frozen=True)
class Evidence:
    """Trials whose figures can be compared with each other, by number."""

    numbers: tuple[int, ...]
    figures: tuple[float, ...]
    """Larger is better; a diverged trial has the worst of the others."""


def evidence(history: History, *, enough: int = ENOUGH) -> Evidence | None:
    """The results that were trained longest, if there are enough of them.

    Full trainings are compared by their scores. While fewer than `enough` completed, every trial that
    reached the deepest epoch at which `enough` have a figure is compared by its figure there; one that
    completed before, by patience, keeps its score.
    """
    sign = 1.0 if history.maximize else -1.0
    for figures in _by_depth(history):
        if len(figures) >= enough:
            worst = min(sign * figure for figure in figures.values())
            known = {number: sign * figure for number, figure in figures.items()}
            known |= {r.number: worst for r in history.ended(Status.DIVERGED)}
            numbers = sorted(known)
            return Evidence(tuple(numbers), tuple(known[number] for number in numbers))
    return None


def _by_depth(history: History) -> Iterator[dict[int, float]]:
    """Trial number → figure, at full length first, then at the epochs where trials were stopped."""
    there = history.ended(Status.COMPLETE)
    yield {r.number: r.score for r in there if is_finite(r.score)}
    stopped: dict[int, list[TrialResult]] = {}
    for r in history.ended(Status.STOPPED):
        stopped.setdefault(r.epochs, []).append(r)
    for epoch in sorted(stopped, reverse=True):
        there += stopped[epoch]  # whoever was stopped before has no figure here
        found = {r.number: _figure(r, epoch) for r in there}
        yield {number: figure for number, figure in found.items() if is_finite(figure)}


def _figure(result: TrialResult, epoch: int) -> float | None:
    for place in range(min(epoch, len(result.curve)) - 1, -1, -1):  # found at once if no epoch is missing
        if result.curve[place][0] == epoch:
            return result.curve[place][2]
    # Without a curve, and after early stopping, the score is all there is.
    ended_here = result.epochs == epoch and not result.curve
    ended_early = result.status is Status.COMPLETE and result.epochs < epoch
    return result.score if ended_here or ended_early else None


def normal_scores(figures: Sequence[float]) -> NDArray[np.float64]:
    """Figures by rank as quantiles of the normal distribution: no outlier and no unit is left.

    Equal figures have equal scores. Shape [result].
    """
    ranks = rankdata(np.asarray(figures, dtype=float))
    scores: NDArray[np.float64] = ndtri((ranks - 0.5) / len(ranks))
    return scores
