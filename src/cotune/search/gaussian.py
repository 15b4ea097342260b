"""A Gaussian process on the unit cube, and functions drawn from its posterior.

| symbol  | meaning                                              | shape             |
|---------|------------------------------------------------------|-------------------|
| X, y    | configurations and their normal scores                | [n, d], [n]       |
| k       | Matérn-5/2 kernel, one length ℓ per parameter; s² its variance | –         |
| σ²      | variance of the noise                                 | –                 |
| φ       | random Fourier features of k                          | [point, F]        |
| w       | weights of one draw from the prior, standard normal   | [F]               |

A draw from the posterior is a draw from the prior plus what the data correct about it:

    f(x) = φ(x)·w + k(x, X) (K + σ²I)⁻¹ (y − φ(X)·w − ε),   ε ~ N(0, σ²I)

so every draw is a function that can be asked anywhere, at the cost of one factorisation of K.

Source: Rasmussen & Williams 2006; Wilson et al., Efficiently sampling functions from Gaussian process
posteriors, 2020; Rahimi & Recht, Random features for large-scale kernel machines, 2007.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

Array = NDArray[np.float64]

FEATURES = 512
_STEPS = 20
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
    prior = ConstantKernel(1.0, (0.1, 10.0)) * Matern(
        length_scale=np.full(X.shape[1], 0.5), length_scale_bounds=(0.05, 20.0), nu=2.5
    ) + WhiteKernel(0.1, (1e-4, 1.0))
    with warnings.catch_warnings():
        # A length at its bound only says that a parameter does not matter.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = GaussianProcessRegressor(prior, optimizer=_few_steps, alpha=1e-8).fit(X, y).kernel_
    return Kernel(
        variance=float(fitted.k1.k1.constant_value),
        lengths=np.broadcast_to(fitted.k1.k2.length_scale, (X.shape[1],)).astype(float),
        noise=float(fitted.k2.noise_level),
    )


def _few_steps(objective: Callable[..., object], initial: Array, bounds: Array) -> tuple[Array, float]:
    found = minimize(
        objective, initial, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS}
    )
    return found.x, float(found.fun)


class Draws:
    """Functions drawn from the posterior, one per generator.

    Args:
        kernel: the hyperparameters.
        X, y: what is known, shapes [n, d] and [n].
        features: draws the Fourier features, which all functions share.
        weights: one generator per function.
    """

    def __init__(
        self,
        kernel: Kernel,
        X: Array,
        y: Array,
        *,
        features: np.random.Generator,
        weights: list[np.random.Generator],
    ) -> None:
        self._kernel, self._X = kernel, X
        # The spectrum of a Matérn-5/2 kernel is Student's t with 5 degrees of freedom.
        scale = np.sqrt(5.0 / features.chisquare(5, size=FEATURES))
        normal = features.standard_normal((FEATURES, X.shape[1]))
        self._frequencies = normal * scale[:, None] / kernel.lengths
        self._phases = features.uniform(0.0, 2.0 * np.pi, FEATURES)
        self._w = np.stack([rng.standard_normal(FEATURES) for rng in weights], axis=1)
        noise = np.stack([rng.standard_normal(len(X)) for rng in weights], axis=1) * kernel.noise**0.5
        K = kernel(X, X)
        K[np.diag_indices_from(K)] += kernel.noise + 1e-8
        missed = y[:, None] - self._phi(X) @ self._w - noise
        self._v: Array = cho_solve(cho_factor(K, lower=True), missed)

    def at(self, points: Array) -> Array:
        """Every function at `points`, shape [point, function]."""
        values: Array = self._phi(points) @ self._w + self._kernel(points, self._X) @ self._v
        return values

    def _phi(self, points: Array) -> Array:
        amplitude = (2.0 * self._kernel.variance / FEATURES) ** 0.5
        angles = points @ self._frequencies.T + self._phases
        # Most of the time goes into these cosines; single precision is 4 times faster and exact enough.
        values: Array = amplitude * np.cos(angles.astype(np.float32)).astype(np.float64)
        return values
