"""By how much a score would differ if nothing were changed but seeds.

| what there is                        | noise of a score                                               |
|--------------------------------------|----------------------------------------------------------------|
| several lanes a trial (folds, seeds) | deviation of a lane about its trial and its place, over √lanes |
| one lane a trial                     | what the model of the scores cannot explain                    |
| one lane, accuracy                   | the same, at least the standard error √(p(1 − p) / rows)       |

Under folds, what a fold adds to every trial alike is no noise: trials are compared on the same folds.
"""

import math
from collections.abc import Sequence

import numpy as np

from cotune.types import Status, TrialResult

LEADERS = 8
"""The best trials, whose lanes are looked at: far below, trials vary for other reasons."""


def lane_noise(results: Sequence[TrialResult], *, maximize: bool) -> float | None:
    """Deviation of a score that is a mean over lanes; `None` where trials have one lane each.

    With s[t, l] the score of lane l of trial t, the residual s[t, l] − s[t, ·] − s[·, l] + s[·, ·] has
    (trials − 1)(lanes − 1) degrees of freedom.
    """
    done = [r for r in results if r.status is Status.COMPLETE and r.score is not None and len(r.lanes) > 1]
    done.sort(key=lambda r: (-(r.score or 0.0) if maximize else (r.score or 0.0), r.number))
    best = done[:LEADERS]
    if len(best) < 2 or len({len(r.lanes) for r in best}) > 1:
        return None
    s = np.array([r.lanes for r in best])
    residual = s - s.mean(axis=1, keepdims=True) - s.mean(axis=0, keepdims=True) + s.mean()
    trials, lanes = s.shape
    return float(np.sqrt((residual**2).sum() / ((trials - 1) * (lanes - 1)) / lanes))


def standard_error(accuracy: float, rows: int) -> float:
    """Of a fraction of rows."""
    return math.sqrt(max(accuracy * (1.0 - accuracy), 0.0) / max(rows, 1))
