"""Where trials fit into memory.

A trial that ran out of memory has no score, and a bad one would be a lie: its neighbours that fit may be the best of
all. It says where not to look. So a Gaussian process of its own learns y = 1 where trials ran, y = −1 where they did
not fit:

    P(feasible at x) = Φ(μ(x) / √(s²(x) + σ²))

multiplies what a proposal promises. Lengths are fitted, so it finds that it was the width, say, and not the learning
rate.

Source: Gelbart, Snoek & Adams, Bayesian optimization with unknown constraints, 2014 (the product).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from cotune.search.gaussian.posterior import Posterior
from cotune.search.gaussian.process import fit_kernel
from cotune.search.history import OUT_OF_MEMORY, History
from cotune.space import Space
from cotune.types import Status

Array = NDArray[np.float64]

LIKELY = 0.5
"""Configurations that fit with a lower chance are proposed only where there are no others."""
_LAST = 1e3

MOST = 64
"""Trials of either kind that it learns from, the newest."""


def infeasible(history: History) -> list[int]:
    """The trials that did not fit into memory, by number."""
    return [r.number for r in history.ended(Status.FAILED) if OUT_OF_MEMORY in r.reason]


class Feasible:
    """How likely configurations fit.

    Args:
        fits, fails: points of the unit cube, shape [n, d] each; at least one that fails.
    """

    def __init__(self, fits: Array, fails: Array) -> None:
        X = np.concatenate([fits, fails])
        y = np.repeat([1.0, -1.0], [len(fits), len(fails)])
        self._kernel = fit_kernel(X, y)
        self._posterior = Posterior(self._kernel, X, y)

    def log_chance(self, points: Array) -> Array:
        """log P(feasible), shape [point]."""
        belief = self._posterior.at(points)
        chance: Array = log_ndtr(belief.mean / np.sqrt(belief.deviation**2 + self._kernel.noise))
        return chance

    def penalty(self, points: Array) -> Array:
        """What is added to the logarithm of a gain: log P; where P is below `LIKELY`, all others go first."""
        chance = self.log_chance(points)
        return np.where(chance < np.log(LIKELY), chance - _LAST, chance)


def feasible(history: History, space: Space) -> Feasible | None:
    """What a history teaches; `None` while everything fitted."""
    fails = infeasible(history)[-MOST:]
    if not fails or not space.parameters:
        return None
    ran = [r.number for s in (Status.COMPLETE, Status.STOPPED) for r in history.ended(s)]
    fits = sorted(ran)[-MOST:]
    fitting, failing = (
        np.array([space.to_unit(history.params(n) or {}) for n in numbers]).reshape(
            len(numbers), len(space.parameters)
        )
        for numbers in (fits, fails)
    )
    return Feasible(fitting, failing)
