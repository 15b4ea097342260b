"""Scores at full length: seen where trials completed, foretold where they were stopped.

Those that a rung stopped would leave most of the space unknown if they were left out, and would look too bad if they
counted as they stood. So what completed trials gained from that epoch on is added, with its variance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cotune.search.history import History, is_finite
from cotune.types import Params, Status, TrialResult

ENOUGH = 5
"""Completed trials that were seen at an epoch, for gains from there on to be known."""


@dataclass(frozen=True)
class Scores:
    """Configurations with scores at full length, by trial number; larger is better.

    Args:
        params: the configurations.
        values: the scores; a diverged trial has the worst of the others.
        variances: of what is foretold; 0 of what was seen.
        complete: how many were seen.
    """

    params: tuple[Params, ...]
    values: tuple[float, ...]
    variances: tuple[float, ...]
    complete: int


def full_scores(history: History) -> Scores:
    """What is known, or can be foretold, of full trainings."""
    sign = 1.0 if history.maximize else -1.0
    complete = [r for r in history.ended(Status.COMPLETE) if is_finite(r.score)]
    found = {r.number: (r.params, sign * (r.score or 0.0), 0.0) for r in complete}
    gains: dict[int, tuple[float, float] | None] = {}
    for r in history.ended(Status.STOPPED):
        epoch = r.curve[-1][0] if r.curve else 0
        if epoch not in gains:
            gains[epoch] = _gain(complete, epoch)
        gain, figure = gains[epoch], _best_until(r, epoch, history.maximize)
        if gain is not None and figure is not None:
            found[r.number] = (r.params, sign * (figure + gain[0]), gain[1])
    if found:
        worst = min(value for _, value, _ in found.values())
        found |= {r.number: (r.params, worst, 0.0) for r in history.ended(Status.DIVERGED)}
    ordered = [found[number] for number in sorted(found)]
    params, values, variances = zip(*ordered, strict=True) if ordered else ((), (), ())
    return Scores(params, values, variances, len(complete))


def _gain(complete: Sequence[TrialResult], epoch: int) -> tuple[float, float] | None:
    """(mean, variance) of what trials gained after `epoch`."""
    gains = []
    for r in complete:
        before = [figure for e, _, figure in r.curve if e <= epoch and is_finite(figure)]
        if epoch and before and r.score is not None and r.epochs > epoch:
            # A score is the best figure, so the smaller distance to it is the gain since, whatever the direction.
            gains.append(min((r.score - figure for figure in before), key=abs))
    if len(gains) < ENOUGH:
        return None
    return float(np.mean(gains)), float(np.var(gains, ddof=1)) + 1e-18


def _best_until(result: TrialResult, epoch: int, maximize: bool) -> float | None:
    figures = [figure for e, _, figure in result.curve if e <= epoch and is_finite(figure)]
    return (max(figures) if maximize else min(figures)) if figures else None
