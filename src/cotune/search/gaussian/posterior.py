"""What a Gaussian process expects at points, with trials under way in sight.

| symbol | meaning                                                             | shape  |
|--------|---------------------------------------------------------------------|--------|
| X      | what is known, and where trials are under way                       | [n, d] |
| L      | Cholesky factor of K + σ²I over X                                   | [n, n] |
| P      | points that are asked about                                         | [m, d] |
| V      | L⁻¹ k(X, P)                                                         | [n, m] |
| μ      | k(P, X) (K + σ²I)⁻¹ y, the mean                                     | [m]    |
| s²     | k(P, P) − Σ V², the variance                                        | [m]    |

A trial under way has no figure. The model believes that it will have the one it expects: then the mean stays as it is
everywhere, and the variance falls around the trial. So a batch is chosen one by one at the cost of a row of V each.

    log EI(x) = log s + log h((μ − best) / s),   h(z) = φ(z) + z Φ(z)

Source: Rasmussen & Williams 2006; Ginsbourger, Le Riche & Carraro, Kriging is well-suited to parallelize optimization,
2010; Ament et al., Unexpected improvements to expected improvement, 2023 (the logarithm).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.special import erfcx, log_ndtr

from cotune.search.gaussian.process import JITTER, Kernel

Array = NDArray[np.float64]

_LEAST = 1e-10
_FAR = -25.0
"""Below, h(z) is φ(z) / z² to within half a per cent; the closed form would cancel."""


class Posterior:
    """A Gaussian process given results, and given that some trials are under way.

    Args:
        kernel: the hyperparameters.
        X, y: what is known, shapes [n, d] and [n].
        awaited: where trials are under way, shape [a, d].
        trend: what is expected of points where nothing is known; 0 if `None`.
    """

    def __init__(
        self,
        kernel: Kernel,
        X: Array,
        y: Array,
        awaited: Array | None = None,
        trend: Callable[[Array], Array] | None = None,
    ) -> None:
        self._trend = trend
        y = y if trend is None else y - trend(X)
        n = len(X)
        self._kernel = kernel
        self._X = X if awaited is None or not len(awaited) else np.concatenate([X, awaited])
        K = kernel(self._X, self._X)
        K[np.diag_indices_from(K)] += kernel.noise + JITTER
        self._factor: Array = cholesky(K, lower=True, check_finite=False)
        # The mean is of the results alone, whose factor is the upper left of the whole.
        self._v: Array = cho_solve((self._factor[:n, :n], True), y, check_finite=False)
        self._chosen: list[tuple[Array, Array, float]] = []

    def at(self, points: Array) -> "Belief":
        """Mean and variance at `points`, shape [m, d]."""
        k = self._kernel(self._X, points)
        V = solve_triangular(self._factor, k, lower=True, check_finite=False)
        mean = k[: len(self._v)].T @ self._v
        mean = mean if self._trend is None else mean + self._trend(points)
        belief = Belief(points, mean, self._kernel.variance - np.einsum("nm,nm->m", V, V), V)
        for point, column, deviation in self._chosen:
            belief.take(self._row(belief, point, column, deviation))
        return belief

    def expect(self, belief: "Belief", place: int) -> None:
        """A trial will be under way at point `place` of `belief`, which is kept up to date; other beliefs are not."""
        point, column = belief.points[place : place + 1], belief.rows[:, place].copy()
        deviation = float(np.sqrt(max(belief.variance[place], 0.0) + self._kernel.noise + JITTER))
        belief.take(self._row(belief, point, column, deviation))
        self._chosen.append((point, column, deviation))

    def _row(self, belief: "Belief", point: Array, column: Array, deviation: float) -> Array:
        k = self._kernel(point, belief.points)[0]
        row: Array = (k - column @ belief.rows) / deviation
        return row


class Belief:
    """Mean and variance at some points; V grows by a row for each trial that is chosen."""

    def __init__(self, points: Array, mean: Array, variance: Array, V: Array) -> None:
        self.points, self.mean, self.variance = points, mean, variance
        self._rows, self._count = V, len(V)

    @property
    def rows(self) -> Array:
        """V of the table above, [n, m]."""
        return self._rows[: self._count]

    def take(self, row: Array) -> None:
        """One more row of V."""
        if self._count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty((16, len(row)))])
        self._rows[self._count] = row
        self._count += 1
        self.variance = self.variance - row * row

    def joined(self, other: "Belief") -> "Belief":
        """Both together, while they know of the same trials."""
        return Belief(
            np.concatenate([self.points, other.points]),
            np.concatenate([self.mean, other.mean]),
            np.concatenate([self.variance, other.variance]),
            np.concatenate([self.rows, other.rows], axis=1),
        )

    @property
    def deviation(self) -> Array:
        """s, at least a trace."""
        return np.sqrt(np.maximum(self.variance, _LEAST))

    def log_gain(self, best: float) -> Array:
        """log EI over `best`, shape [m]."""
        s = self.deviation
        gain: Array = np.log(s) + log_h((self.mean - best) / s)
        return gain


def log_h(z: Array) -> Array:
    """log(φ(z) + z Φ(z)), also where both terms cancel.

    Source: Ament et al. 2023, eq. 9.
    """
    z = np.asarray(z, dtype=float)
    log_phi = -0.5 * z * z - 0.5 * np.log(2.0 * np.pi)
    above = np.maximum(z, -1.0)
    plain = np.log(np.exp(-0.5 * above * above) / np.sqrt(2.0 * np.pi) + above * np.exp(log_ndtr(above)))
    middle = np.clip(z, _FAR, -1.0)
    ratio = -middle * np.sqrt(0.5 * np.pi) * erfcx(-middle / np.sqrt(2.0))  # −z Φ(z) / φ(z)
    below = log_phi + np.log1p(-np.minimum(ratio, 1.0 - 1e-12))
    far = log_phi - 2.0 * np.log(np.maximum(-z, 1.0))
    found: Array = np.where(z > -1.0, plain, np.where(z > _FAR, below, far))
    return found
