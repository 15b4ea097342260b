"""Trials compared at the longest training that enough of them have had, for models of one length alone."""

from collections.abc import Iterator

from cotune.search.history import History, is_finite
from cotune.types import Status, TrialResult

ENOUGH = 24
"""Results of equal length that are enough."""


def deepest(history: History, *, enough: int = ENOUGH) -> dict[int, float] | None:
    """Trial number → figure (larger is better) at the deepest epoch that enough trials have reached.

    Full trainings are compared by their scores, and a trial that completed before, by patience, keeps its own. A
    diverged trial is as bad as the worst of the others.
    """
    sign = 1.0 if history.maximize else -1.0
    for figures in _by_depth(history):
        if len(figures) >= enough:
            worst = min(sign * figure for figure in figures.values())
            known = {number: sign * figure for number, figure in figures.items()}
            return known | {r.number: worst for r in history.ended(Status.DIVERGED)}
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
