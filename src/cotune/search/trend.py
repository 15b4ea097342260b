"""What earlier studies would have a search expect, weighed by how well its own results bear that out.

| symbol | meaning                                                              | shape     |
|--------|----------------------------------------------------------------------|-----------|
| m_t    | posterior mean of a Gaussian process on the ranks of earlier study t | function  |
| X, y   | own configurations and their normal scores                           | [n, d], [n] |
| w_t    | how much of m_t is believed                                          | in [0, 1] |

    m = Σ w_t m_t / max(1, Σ w_t),    w_t = clip(cov(m_t(X), y) / var(m_t(X)), 0, 1)

The model of the search then has only y − m(X) to learn. A study whose ranks do not go with the own results, by more
than chance would have it (correlation 2/√n), has no weight: what misleads is dropped as soon as there are results.

Source: Feurer, Letham, Hutter & Bakshy, Practical transfer learning for Bayesian optimization, 2018 (an ensemble
weighted by ranks); Golovin et al., Google Vizier, KDD 2017 (each study's model explains what the one before has left).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import qmc

from cotune.search.gaussian.process import fit_kernel
from cotune.space import Space
from cotune.types import Params

Array = NDArray[np.float64]

Function = Callable[[Array], Array]
"""Points, shape [point, parameter] → values, shape [point]."""

LEAST = 8
"""Trials of an earlier study, all of whose parameters are known, that make a trend."""
FITTED = 96
"""Trials on which a kernel is fitted at most."""
_SURELY = 2.0
_EVEN, _KEPT, _NEIGHBOURS, _NEARER = 10, 16, 32, (0.1, 0.05, 0.02)


class Trend:
    """The trends of a space's earlier studies.

    Args:
        space: with what earlier studies say.
        place: brings points of the unit cube to where its model sees them.
    """

    def __init__(self, space: Space, place: Callable[[Array], Array]) -> None:
        studies = () if space.earlier is None else space.earlier.observed
        self._means: tuple[Function, ...] = tuple(
            _mean(
                place(np.array([space.to_unit(params) for params, _ in study])),
                np.array([y for _, y in study]),
            )
            for study in studies
            if len(study) >= LEAST and space.parameters
        )
        self._space = space

    def __bool__(self) -> bool:
        return bool(self._means)

    def peaks(self) -> list[Params]:
        """For each study the configuration of which it expects most, where it has an opinion."""
        return [
            self._space.from_unit(_peak(mean, len(self._space.parameters)).tolist()) for mean in self._means
        ]

    def weighed(self, X: Array, y: Array) -> Function:
        """m, from own results."""
        weights = [weight(mean(X), y) for mean in self._means]
        total = max(1.0, sum(weights))

        def m(points: Array) -> Array:
            value = np.zeros(len(points))
            for mean, w in zip(self._means, weights, strict=True):
                if w:
                    value += w / total * mean(points)
            return value

        return m


def weight(expected: Array, y: Array) -> float:
    """w of a study by what it expected of own results, shape [n], and what they are, shape [n]."""
    if len(y) < 3 or expected.std() < 1e-9 or y.std() < 1e-9:
        return 0.0
    if np.corrcoef(expected, y)[0, 1] < _SURELY / len(y) ** 0.5:
        return 0.0
    centred = expected - expected.mean()
    return float(np.clip(centred @ (y - y.mean()) / (centred @ centred), 0.0, 1.0))


def _peak(mean: Function, dimensions: int) -> Array:
    """Where the mean is largest: of even points, and then of ever nearer neighbours of the best of them."""
    rng = np.random.default_rng(0)
    points = qmc.Sobol(dimensions, scramble=True, rng=rng).random_base2(_EVEN)
    for spread in _NEARER:
        best = points[np.argsort(-mean(points), kind="stable")[:_KEPT]]
        near = np.repeat(best, _NEIGHBOURS, axis=0)
        near += spread * rng.standard_normal(near.shape) * (rng.random(near.shape) < 0.5)
        points = np.concatenate([best, np.clip(near, 0.0, 1.0)])
    found: Array = points[np.argmax(mean(points))]
    return found


def _mean(X: Array, y: Array) -> Function:
    some = slice(None, None, -(-len(X) // FITTED))
    kernel = fit_kernel(X[some], y[some])
    K = kernel(X, X)
    K[np.diag_indices_from(K)] += kernel.noise + 1e-8
    v = cho_solve(cho_factor(K, lower=True), y)

    def mean(points: Array) -> Array:
        value: Array = kernel(points, X) @ v
        return value

    return mean
