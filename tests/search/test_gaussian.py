"""Draws from the posterior have the posterior's mean and spread."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from cotune.search.gaussian.process import Draws, Kernel, fit_kernel, unlikelihood

KERNEL = Kernel(variance=1.5, lengths=np.array([0.3, 0.8]), noise=0.05)


@pytest.fixture
def known() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.random((30, 2))
    return X, np.sin(6 * X[:, 0]) + 0.1 * rng.standard_normal(30)


def test_the_kernel_is_matern_five_halves(known: tuple[np.ndarray, np.ndarray]) -> None:
    plain = ConstantKernel(1.5) * Matern(length_scale=KERNEL.lengths, nu=2.5)
    np.testing.assert_allclose(KERNEL(known[0], known[0][:5]), plain(known[0], known[0][:5]), rtol=1e-12)


def test_draws_against_the_exact_posterior(known: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = known
    kernel = ConstantKernel(1.5) * Matern(length_scale=KERNEL.lengths, nu=2.5) + WhiteKernel(0.05)
    exact = GaussianProcessRegressor(kernel, optimizer=None).fit(X, y)
    points = np.random.default_rng(1).random((40, 2))
    mean, deviation = exact.predict(points, return_std=True)
    deviation = np.sqrt(deviation**2 - 0.05)  # of the function, without the noise
    values = np.concatenate(
        [
            Draws(
                KERNEL,
                X,
                y,
                features=np.random.default_rng(seed),
                weights=[np.random.default_rng((seed, i)) for i in range(200)],
            ).at(points)
            for seed in range(5)
        ],
        axis=1,
    )
    np.testing.assert_allclose(values.mean(axis=1), mean, atol=0.05)
    np.testing.assert_allclose(values.std(axis=1), deviation, atol=0.06)


def test_the_fit_finds_which_parameter_matters(known: tuple[np.ndarray, np.ndarray]) -> None:
    fitted = fit_kernel(*known)
    assert fitted.lengths[0] < 0.5 * fitted.lengths[1]
    assert fitted.noise < 0.3


def test_the_likelihood_and_its_gradient_against_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    X, y = rng.random((25, 3)), rng.standard_normal(25)
    prior = ConstantKernel(1.0) * Matern(length_scale=np.ones(3), nu=2.5) + WhiteKernel(0.1)
    exact = GaussianProcessRegressor(prior, optimizer=None, alpha=1e-8).fit(X, y)
    apart = ((X.T[:, :, None] - X.T[:, None, :]) ** 2).reshape(3, -1)
    for logs in rng.uniform(-1.5, 1.5, (5, 5)):
        value, gradient = exact.log_marginal_likelihood(logs, eval_gradient=True)
        found = unlikelihood(logs, apart, y)
        np.testing.assert_allclose(found[0], -value, rtol=1e-9)
        np.testing.assert_allclose(found[1], -gradient, rtol=1e-7, atol=1e-9)
