"""A Gaussian process on the unit cube: its kernel, and how that is fitted.

| symbol  | meaning                                              | shape             |
|---------|------------------------------------------------------|-------------------|
| X, y    | configurations and their normal scores                | [n, d], [n]       |
| k       | Matérn-5/2 kernel, one length ℓ per parameter; s² its variance | –         |
| σ²      | variance of the noise                                 | –                 |

Source: Rasmussen & Williams 2006.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

Array = NDArray[np.float64]

_STEPS = 20
_VARIANCE, _LENGTH, _NOISE = (0.1, 10.0), (0.05, 20.0), (1e-4, 1.0)
JITTER = 1e-8
_SQRT5 = 5**0.5


@dataclass(frozen=True)
class Kernel:
    """Fitted hyperparameters: variance s², length ℓ per parameter, noise σ²."""

    variance: float
    lengths: Array
    noise: float

    def __call__(self, a: Array, b: Array) -> Array:
        """k(a, b), shape [point of a, point of b]."""
        r = _SQRT5 * cdist(a / self.lengths, b / self.lengths)
        values: Array = self.variance * (1.0 + r + r * r / 3.0) * np.exp(-r)
        return values


def fit_kernel(X: Array, y: Array) -> Kernel:
    """The hyperparameters under which the data are most likely, after a few steps."""
    apart = ((X.T[:, :, None] - X.T[:, None, :]) ** 2).reshape(X.shape[1], -1)
    bounds = np.log([_VARIANCE, *[_LENGTH] * X.shape[1], _NOISE])
    begin = np.log([1.0, *[0.5] * X.shape[1], 0.1])
    found = minimize(
        unlikelihood, begin, (apart, y), "L-BFGS-B", jac=True, bounds=bounds, options={"maxiter": _STEPS}
    )
    variance, *lengths, noise = np.exp(found.x)
    return Kernel(variance=float(variance), lengths=np.array(lengths), noise=float(noise))


def unlikelihood(logs: Array, apart: Array, y: Array) -> tuple[float, Array]:
    """−log p(y) and its gradient.

    ½ yᵀC⁻¹y + ½ log det C + ½ n log 2π, where C = K + σ²I; its derivative by a hyperparameter h is
    ½ tr((C⁻¹ − C⁻¹y yᵀC⁻¹) ∂C/∂h).

    Args:
        logs: logarithms of s², each ℓ, and σ².
        apart: squared distances along each parameter, [d, n·n].
        y: [n].

    Source: Rasmussen & Williams 2006, eq. 5.8 and 5.9.
    """
    variance, inverse, noise = np.exp(logs[0]), np.exp(-2.0 * logs[1:-1]), np.exp(logs[-1])
    n = len(y)
    r = np.sqrt(5.0 * (inverse @ apart)).reshape(n, n)
    decay = variance * np.exp(-r)
    K = decay * (1.0 + r + r * r / 3.0)
    C = K.copy()
    C[np.diag_indices(n)] += noise + JITTER
    factor = cho_factor(C, lower=True)
    both = cho_solve(factor, np.column_stack([y, np.eye(n)]))
    v, residual = both[:, 0], both[:, 1:] - np.outer(both[:, 0], both[:, 0])
    value = 0.5 * y @ v + np.log(np.diag(factor[0])).sum() + 0.5 * n * np.log(2.0 * np.pi)
    by_length = inverse * (apart @ (residual * decay * (1.0 + r)).ravel()) * (5.0 / 3.0)
    gradient = np.concatenate([[(residual * K).sum()], by_length, [noise * np.trace(residual)]])
    return float(value), 0.5 * gradient
