"""The model against scikit-learn, and its acquisition against exact arithmetic."""

import mpmath
import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from cotune.search.gaussian.posterior import Posterior, log_h
from cotune.search.gaussian.process import Kernel, fit_kernel, unlikelihood

KERNEL = Kernel(variance=1.5, lengths=np.array([0.3, 0.8]), noise=0.05)


@pytest.fixture
def known() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.random((30, 2))
    return X, np.sin(6 * X[:, 0]) + 0.1 * rng.standard_normal(30)


def test_the_kernel_is_matern_five_halves(known: tuple[np.ndarray, np.ndarray]) -> None:
    plain = ConstantKernel(1.5) * Matern(length_scale=KERNEL.lengths, nu=2.5)
    np.testing.assert_allclose(KERNEL(known[0], known[0][:5]), plain(known[0], known[0][:5]), rtol=1e-12)


def exact(X: np.ndarray, y: np.ndarray) -> GaussianProcessRegressor:
    kernel = ConstantKernel(1.5) * Matern(length_scale=KERNEL.lengths, nu=2.5) + WhiteKernel(0.05)
    return GaussianProcessRegressor(kernel, optimizer=None).fit(X, y)


def variance_of(model: GaussianProcessRegressor, points: np.ndarray) -> np.ndarray:
    """Of the function, without the noise."""
    return model.predict(points, return_std=True)[1] ** 2 - 0.05


POINTS = np.random.default_rng(1).random((40, 2))


def test_the_posterior_against_scikit_learn(known: tuple[np.ndarray, np.ndarray]) -> None:
    belief = Posterior(KERNEL, *known).at(POINTS)
    model = exact(*known)
    np.testing.assert_allclose(belief.mean, model.predict(POINTS), atol=1e-6)
    np.testing.assert_allclose(belief.variance, variance_of(model, POINTS), atol=1e-6)


def test_trials_under_way_are_believed_to_end_as_expected(known: tuple[np.ndarray, np.ndarray]) -> None:
    """Awaited from the start, or chosen one after the other: as if they had been told with their own mean."""
    X, y = known
    under_way = np.random.default_rng(2).random((5, 2))
    expected = exact(X, y).predict(under_way)
    told = exact(np.concatenate([X, under_way]), np.concatenate([y, expected]))
    chosen = Posterior(KERNEL, X, y, under_way[:2])
    belief = chosen.at(np.concatenate([POINTS, under_way]))
    for place in range(42, 45):
        chosen.expect(belief, place)
    for found in (Posterior(KERNEL, X, y, under_way).at(POINTS), chosen.at(POINTS)):
        np.testing.assert_allclose(found.mean, told.predict(POINTS), atol=1e-6)
        np.testing.assert_allclose(found.variance, variance_of(told, POINTS), atol=1e-6)
    np.testing.assert_allclose(belief.variance[:40], variance_of(told, POINTS), atol=1e-6)


@pytest.mark.parametrize("z", [-200.0, -40.0, -25.1, -24.9, -10.0, -1.001, -0.999, 0.0, 3.0, 40.0])
def test_the_logarithm_of_a_gain_does_not_cancel(z: float) -> None:
    with mpmath.workdps(400):
        exactly = float(mpmath.log(mpmath.npdf(z) + z * mpmath.ncdf(z)))
    assert log_h(np.array([z]))[0] == pytest.approx(exactly, abs=0.005)


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
