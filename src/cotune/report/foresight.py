"""What trials that were not trained to their end would have come to: for `cotune explain`."""

from typing import Any

import numpy as np

from cotune.records import StudyView
from cotune.search.curves import LEAST, extrapolate, usual_gain
from cotune.types import Status, TrialResult

SHARE = 0.8
"""Probability of the interval."""


def forecast(view: StudyView, trial: TrialResult) -> dict[str, Any] | None:
    """The median score to be expected at the end of a full training, and where it lies with probability `SHARE`.

    `None` of trials that were trained to their end, diverged, or have fewer than three epochs.
    """
    if view.meta["resolved"]["search"].get("rung_by", "epochs") != "epochs":
        return None  # it would have got other rows, not more epochs
    epochs, curve = int(view.meta["epochs"]), _best_so_far(view, trial)
    if trial.status not in (Status.STOPPED, Status.RUNNING) or not LEAST <= len(curve) < epochs:
        return None
    sign = 1.0 if view.maximize else -1.0
    known = [[sign * figure for figure in _best_so_far(view, other)] for other in view.trials]
    usual = usual_gain([each for each in known if each])
    found = extrapolate([[sign * figure for figure in curve]], epochs=epochs, usual=usual)
    low, high = (sign * float(end[0]) for end in found.interval(SHARE))
    return {
        "epochs": epochs,
        "expected": sign * float(found.quantile(0.5)[0]),
        "low": min(low, high),
        "high": max(low, high),
        "share": SHARE,
    }


def forecast_line(found: dict[str, Any]) -> str:
    """The same as a sentence."""
    return (
        f"trained for all {found['epochs']} epochs it would have come to about {found['expected']:.4g}; "
        f"with probability {found['share']:.0%} between {found['low']:.4g} and {found['high']:.4g}"
    )


def _best_so_far(view: StudyView, trial: TrialResult) -> list[float]:
    """The score after each epoch: the mean over lanes of each lane's best figure; empty without finite figures."""
    lanes: dict[int, list[float]] = {}
    for record in view.records.get(trial.number, ()):
        lanes.setdefault(record.lane.index, []).append(record.metrics[view.metric])
    if not lanes:
        return []
    shortest = min(map(len, lanes.values()))
    figures = np.array([figures[:shortest] for figures in lanes.values()])
    if not np.isfinite(figures).all():
        return []
    best = (np.maximum if view.maximize else np.minimum).accumulate(figures, axis=1).mean(axis=0)
    return [float(figure) for figure in best]
