"""What a search may still gain, by a Gaussian process over scores.

| symbol | meaning                                                              | shape     |
|--------|----------------------------------------------------------------------|-----------|
| X, y   | configurations in the unit cube, and their scores; larger is better  | [n, d], [n] |
| e      | variance of a score that was foretold, 0 of one that was seen         | [n]       |
| C      | configurations that a search might try, and the best so far, x*       | [m, d]    |
| f      | a function drawn from the posterior at C                              | [m]       |

    regret(f) = max f(C) − f(x*)

and the remaining regret is its 0.9 quantile over many f: nine times in ten there is less to be gained.

Makarova et al. bound it by the confidence bounds at each configuration alone, max upper − max lower. As neighbours
rise and fall together, draws over all of them at once say the same with less slack.

Source: Makarova et al., Automatic termination for hyperparameter optimization, AutoML 2022.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, cholesky
from scipy.stats import qmc

from cotune.search.gaussian.cube import Cube
from cotune.search.gaussian.process import Kernel, fit_kernel
from cotune.search.seeds import generator
from cotune.search.stop.foretold import Scores
from cotune.search.threads import one_thread
from cotune.space import Space

Array = NDArray[np.float64]

SOBOL, BEST, NEIGHBOURS, SPREAD = 512, 12, 24, 0.08
"""Configurations that might be tried: everywhere, and around the best."""

DRAWS, QUANTILE = 256, 0.9
POINTS = 200
"""Scores that the model holds: the best half of them, and an even choice of the others."""

BAD = 4.0
"""Whatever lies below the median by more than this many times what the best lies above it counts as that far."""

_JITTER = 1e-8


@dataclass(frozen=True)
class Regret:
    """What may be gained, and how much of the scores is chance, both in units of the score.

    Args:
        remaining: the 0.9 quantile of the regret.
        noise: deviation of a score about what the configuration explains, as the model has it; the spread of the best
            quarter of the scores, if that is less.
    """

    remaining: float
    noise: float


def remaining_regret(space: Space, scores: Scores, *, seed: int) -> Regret:
    """The regret that is left after `scores`.

    Args:
        scores: at least three that differ.
        seed: of the draws.
    """
    with one_thread():
        chosen = _chosen(scores)
        X = Cube(space).settle(np.array([space.to_unit(scores.params[i]) for i in chosen]))
        y, unit = _scaled(np.asarray(scores.values)[chosen])
        kernel = fit_kernel(X, y)
        extra = np.asarray(scores.variances)[chosen] / unit**2
        seen = [i for i in np.argsort(-y, kind="stable") if extra[i] == 0.0]
        C = np.concatenate([X[seen[:1]], _candidates(space, X[seen[:BEST]], seed)])
        f = _draws(kernel, X, y, extra, C, generator(seed, "regret"))
        regret = np.quantile(f.max(axis=0) - f[0], QUANTILE)
    best = np.sort(y[extra == 0.0])[::-1]
    spread = float(best[: max(3, len(best) // 4)].std(ddof=1))
    return Regret(float(regret) * unit, min(float(kernel.noise) ** 0.5, spread) * unit)


def _chosen(scores: Scores) -> NDArray[np.intp]:
    order = np.argsort(-np.asarray(scores.values), kind="stable")
    if len(order) <= POINTS:
        return np.sort(order)
    best, rest = order[: POINTS // 2], order[POINTS // 2 :]
    even = rest[np.linspace(0, len(rest) - 1, POINTS - len(best)).astype(int)]
    return np.sort(np.concatenate([best, even]))


def _scaled(y: Array) -> tuple[Array, float]:
    """Scores of mean 0 and deviation 1 without depths, and what 1 is in units of the score."""
    middle = float(np.median(y))
    y = np.maximum(y, middle - BAD * max(float(y.max()) - middle, 1e-12))
    unit = max(float(y.std()), 1e-12)
    return (y - y.mean()) / unit, unit


def _candidates(space: Space, best: Array, seed: int) -> Array:
    rng = generator(seed, "candidates")
    even = qmc.Sobol(best.shape[1], scramble=True, rng=rng).random(SOBOL)
    near = np.repeat(best, NEIGHBOURS, axis=0)
    near = near + SPREAD * rng.standard_normal(near.shape)
    return Cube(space).settle(np.concatenate([even, near]))


def _draws(kernel: Kernel, X: Array, y: Array, extra: Array, C: Array, rng: np.random.Generator) -> Array:
    """Functions from the posterior at C, shape [configuration, draw]."""
    K = kernel(X, X)
    K[np.diag_indices_from(K)] += kernel.noise + extra + _JITTER
    factor = cho_factor(K, lower=True)
    between = kernel(C, X)
    mean = between @ cho_solve(factor, y)
    covariance = kernel(C, C) - between @ cho_solve(factor, between.T)
    covariance[np.diag_indices_from(covariance)] += 1e-6 * kernel.variance
    drawn: Array = mean[:, None] + cholesky(covariance, lower=True) @ rng.standard_normal((len(C), DRAWS))
    return drawn
