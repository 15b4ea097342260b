"""Losses, their gradients and log-probabilities against PyTorch's, in float64."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from cotune.kernels.losses import GAUSSIAN, LOG_COSH, NAMES
from kernels.calling import call, normal

KNOWN = 50
"""Rows of the data, of which a batch takes some in any order."""

REGRESSIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "huber": F.huber_loss,
}


def cross_entropy(
    z: np.ndarray, truth: np.ndarray, chosen: np.ndarray, classes: int, smoothing: float, weights: object
) -> tuple[float, np.ndarray]:
    """Loss and gradient."""
    rows, head = z.shape
    g = np.full(z.shape, np.nan, np.float32)
    found = call(
        "cross_entropy", z.copy(), g, rows, head, truth, len(truth), chosen, classes, smoothing, weights
    )
    return found, g


@settings(deadline=None, max_examples=80, derandomize=True)
@given(
    rows=st.integers(1, 40),
    classes=st.integers(2, 20),
    padding=st.integers(0, 9),
    smoothing=st.sampled_from([0.0, 0.1, 0.5]),
    weighted=st.booleans(),
    spread=st.sampled_from([1.0, 10.0, 300.0, 1e4]),
)
def test_cross_entropy(
    rows: int, classes: int, padding: int, smoothing: float, weighted: bool, spread: float
) -> None:
    rng = np.random.default_rng(rows)
    truth, chosen = rng.integers(0, classes, KNOWN), rng.integers(0, KNOWN, rows)
    weights = rng.uniform(0.1, 3, classes).astype(np.float32) if weighted else None
    z = normal(rows, classes + padding) * np.float32(spread)
    logits = torch.from_numpy(z[:, :classes].astype(float)).requires_grad_()
    twin = F.cross_entropy(
        logits,
        torch.from_numpy(truth[chosen]),
        weight=None if weights is None else torch.from_numpy(weights).double(),
        label_smoothing=smoothing,
    )
    twin.backward()
    z[:, classes:] = np.nan
    loss, g = cross_entropy(z, truth, chosen, classes, smoothing, 0 if weights is None else weights)
    assert loss == pytest.approx(twin.item(), rel=1e-5, abs=1e-6)
    np.testing.assert_allclose(g[:, :classes], logits.grad.numpy(), rtol=1e-4, atol=2e-6)
    assert not g[:, classes:].any()


def test_a_class_without_weight_does_not_count() -> None:
    truth, chosen = np.array([0, 1, 2]), np.arange(3)
    weights = np.array([1, 1, 0], np.float32)
    loss, g = cross_entropy(normal(3, 8), truth, chosen, 3, 0.0, weights)
    some, _ = cross_entropy(normal(3, 8)[:2], truth, chosen[:2], 3, 0.0, 0)
    assert loss == pytest.approx(some, rel=1e-6)
    assert not g[2].any()


@pytest.mark.parametrize("place", [0, 1, 4])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_logit_that_is_not_finite_makes_a_loss_that_is_not(
    place: int, bad: float, smoothing: float
) -> None:
    """Wherever it is: a lane whose weights have run away must not seem to learn."""
    z = normal(6, 8)
    z[3, place] = bad
    loss, _ = cross_entropy(z, np.zeros(6, np.int64), np.arange(6), 5, smoothing, 0)
    assert not math.isfinite(loss)


@pytest.mark.parametrize("name", REGRESSIONS)
@pytest.mark.parametrize("rows", [1, 7, 64])
@pytest.mark.parametrize("spread", [0.3, 5.0, 1e6])
def test_regression(name: str, rows: int, spread: float) -> None:
    truth, chosen = normal(KNOWN, seed=1), np.random.default_rng(rows).integers(0, KNOWN, rows)
    z = normal(rows, 16) * np.float32(spread)
    values = torch.from_numpy(z[:, 0].astype(float)).requires_grad_()
    twin = REGRESSIONS[name](values, torch.from_numpy(truth[chosen]).double())
    twin.backward()
    z[:, 1:] = np.nan
    g = np.full(z.shape, np.nan, np.float32)
    loss = call("regression", NAMES.index(name), z, g, rows, 16, truth, KNOWN, chosen)
    assert loss == pytest.approx(twin.item(), rel=1e-5)
    np.testing.assert_allclose(g[:, 0], values.grad.numpy(), rtol=1e-5, atol=1e-7)
    assert not g[:, 1:].any()


@pytest.mark.parametrize("name", REGRESSIONS)
def test_edges_of_regression(name: str) -> None:
    """No error, and for Huber's loss an error of just 1, where its two halves meet."""
    truth, chosen = np.zeros(3, np.float32), np.arange(3)
    z = np.zeros((3, 8), np.float32)
    z[1:, 0] = 1, -1
    g = np.empty_like(z)
    loss = call("regression", NAMES.index(name), z, g, 3, 8, truth, 3, chosen)
    assert loss == pytest.approx(1 / 3 if name == "huber" else 2 / 3)
    np.testing.assert_allclose(g[:, 0], np.array([0, 1, -1]) * (2 / 3 if name == "mse" else 1 / 3), rtol=1e-6)


@pytest.mark.parametrize("name", REGRESSIONS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_makes_a_loss_that_is_not(name: str, bad: float) -> None:
    z = np.zeros((4, 8), np.float32)
    z[2, 0] = bad
    loss = call(
        "regression", NAMES.index(name), z, np.empty_like(z), 4, 8, np.zeros(4, np.float32), 4, np.arange(4)
    )
    assert not math.isfinite(loss)


@pytest.mark.parametrize(("rows", "classes", "head"), [(1, 2, 16), (9, 3, 8), (64, 16, 16), (13, 100, 112)])
@pytest.mark.parametrize("spread", [1.0, 1e4])
def test_log_probabilities(rows: int, classes: int, head: int, spread: float) -> None:
    z = normal(rows, head) * np.float32(spread)
    twin = F.log_softmax(torch.from_numpy(z[:, :classes].astype(float)), dim=1).numpy()
    z[:, classes:] = np.nan
    found = np.full((rows, classes), np.nan, np.float32)
    call("log_probabilities", z.copy(), rows, head, found, classes)
    np.testing.assert_allclose(found, twin, rtol=1e-5, atol=1e-5)
    alone = np.empty((1, classes), np.float32)
    call("log_probabilities", z[-1:].copy(), 1, head, alone, classes)
    np.testing.assert_array_equal(alone[0], found[-1])


Twin = Callable[[Tensor, Tensor, float, Tensor | None], Tensor]
"""From logits [row output], truth, number and class weights to the loss."""


def weighted(each: Tensor, y: Tensor, weights: Tensor | None) -> Tensor:
    """Mean over rows, by class."""
    w = torch.ones_like(each) if weights is None else weights[y]
    return (w * each).sum() / w.sum()


def binary(z: Tensor, y: Tensor, smoothing: float, weights: Tensor | None) -> Tensor:
    t = F.one_hot(y, z.shape[1]).double() * (1 - smoothing) + smoothing / z.shape[1]
    return weighted(F.binary_cross_entropy_with_logits(z, t, reduction="none").mean(1), y, weights)


def focal(z: Tensor, y: Tensor, gamma: float, weights: Tensor | None) -> Tensor:
    log_p = F.log_softmax(z, 1).gather(1, y.unsqueeze(1)).squeeze(1)
    q = 1 - F.one_hot(y, z.shape[1]).mul(F.softmax(z, 1)).sum(1)
    return weighted(-(q.clamp(min=1e-300) ** gamma) * log_p, y, weights)


def hinge(z: Tensor, y: Tensor, _: float, weights: Tensor | None) -> Tensor:
    own = F.one_hot(y, z.shape[1]).bool()
    return weighted(F.relu(1 + z.masked_fill(own, -math.inf).amax(1) - z[own]), y, weights)


MORE: dict[str, Twin] = {
    "log_cosh": lambda z, y, _, __: (torch.logaddexp(z[:, 0] - y, y - z[:, 0]) - math.log(2)).mean(),
    "quantile": lambda z, y, q, _: torch.maximum(q * (y - z[:, 0]), (q - 1) * (y - z[:, 0])).mean(),
    "poisson": lambda z, y, k, _: F.poisson_nll_loss(z[:, 0], 1 + k * y),
    "gaussian": lambda z, y, _, __: F.gaussian_nll_loss(z[:, 0], y, z[:, 1].exp()),
    "binary_cross_entropy": binary,
    "focal": focal,
    "hinge": hinge,
}
SPREADS = {"poisson": (0.3, 5.0, 20.0), "gaussian": (0.3, 3.0, 6.0)}
"""Of logits; beyond them a rate, or a variance, is no number of float32."""


def measure(
    name: str,
    z: np.ndarray,
    truth: np.ndarray,
    chosen: np.ndarray,
    outputs: int,
    number: float,
    weights: object = 0,
) -> tuple[float, np.ndarray]:
    """Loss and gradient of a loss in `MORE`; what lies beyond the outputs is NaN, and must not be read."""
    z, code, (rows, head) = z.copy(), NAMES.index(name), z.shape
    z[:, outputs:] = math.nan
    g = np.full(z.shape, np.nan, np.float32)
    place = (code, z, g, rows, head, truth, len(truth), chosen)
    if code <= GAUSSIAN:
        return call("likelihood", *place, number), g
    return call("classification", *place, outputs, number, weights), g


def test_every_loss_has_a_twin() -> None:
    assert {*REGRESSIONS, *MORE, "cross_entropy"} == set(NAMES)


@pytest.mark.parametrize("name", MORE)
@pytest.mark.parametrize("number", [0.0, 0.2, 0.5, 0.9])
@pytest.mark.parametrize(("rows", "classes"), [(1, 2), (7, 3), (64, 2), (33, 19)])
@pytest.mark.parametrize("size", [0, 1, 2])
def test_more_losses(name: str, number: float, rows: int, classes: int, size: int) -> None:
    values = LOG_COSH <= NAMES.index(name) <= GAUSSIAN
    rng, outputs = np.random.default_rng(rows), (2 if values else classes)
    truth = normal(KNOWN, seed=1) if values else rng.integers(0, classes, KNOWN)
    chosen, weights = rng.integers(0, KNOWN, rows), None
    if name == "focal":
        number *= 4
    if not values and size:
        weights = rng.uniform(0.1, 3, classes).astype(np.float32)
    z = normal(rows, outputs + 5) * np.float32(SPREADS.get(name, (0.3, 5.0, 300.0))[size])
    logits = torch.from_numpy(z[:, :outputs].astype(float)).requires_grad_()
    y = torch.from_numpy(truth[chosen])
    twin = MORE[name](
        logits,
        y.double() if values else y,
        number,
        None if weights is None else torch.from_numpy(weights).double(),
    )
    twin.backward()
    loss, g = measure(name, z, truth, chosen, outputs, number, 0 if weights is None else weights)
    assert loss == pytest.approx(twin.item(), rel=1e-5, abs=1e-6)
    np.testing.assert_allclose(g[:, :outputs], logits.grad.numpy(), rtol=2e-5, atol=2e-6)
    assert not g[:, outputs:].any()


HUGE = {
    "log_cosh": (1e4, 1e4), "quantile": (1e4, 1e4), "poisson": (-1e4,), "gaussian": (1e4, -1e4),
    "binary_cross_entropy": (1e4, -1e4), "focal": (1e4, -1e4), "hinge": (1e4, -1e4),
}  # fmt: skip
"""Logits whose loss is a finite number."""


@pytest.mark.parametrize("name", HUGE)
@pytest.mark.parametrize("place", [0, 1])
def test_huge_logits_have_a_finite_loss_and_gradient(name: str, place: int) -> None:
    values = NAMES.index(name) <= GAUSSIAN
    truth = np.zeros(4, np.float32) if values else np.array([0, 1, 0, 1])
    for huge in HUGE[name]:
        z = np.zeros((4, 8), np.float32)
        z[:, 0 if name == "poisson" else place] = huge
        loss, g = measure(name, z, truth, np.arange(4), 2, 0.5)
        assert math.isfinite(loss)
        assert np.isfinite(g).all()


@pytest.mark.parametrize("name", MORE)
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_no_loss_hides_a_logit_that_is_not_finite(name: str, place: int, bad: float) -> None:
    values = NAMES.index(name) <= GAUSSIAN
    if values and place and name != "gaussian":
        pytest.skip("reads one logit")
    truth = np.zeros(6, np.float32) if values else np.zeros(6, np.int64)
    z = normal(6, 8)
    z[3, place] = bad
    loss, _ = measure(name, z, truth, np.arange(6), 2, 0.5)
    # Softmax takes −∞ for a class that cannot be, which for a class that is not there is sound.
    assert math.isfinite(loss) == (name in ("focal",) and bad == -math.inf and place == 1)


def test_focal_without_gamma_is_the_cross_entropy() -> None:
    truth, chosen, z = np.array([0, 1, 2, 1]), np.arange(4), normal(4, 8)
    weights = np.array([1, 2, 0.5], np.float32)
    focal_loss, focal_g = measure("focal", z, truth, chosen, 3, 0.0, weights)
    z[:, 3:] = math.nan
    loss, g = cross_entropy(z, truth, chosen, 3, 0.0, weights)
    assert focal_loss == pytest.approx(loss, rel=1e-6)
    np.testing.assert_allclose(focal_g, g, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("gamma", [0.1, 0.5, 2.0, 5.0])
def test_focal_near_certainty(gamma: float) -> None:
    """q from 1e-7 to 1e-2: log p / q is 0 / 0 at the end, and takes another way before."""
    gaps = np.linspace(4.5, 17, 200).astype(np.float32)
    z = np.zeros((200, 8), np.float32)
    z[:, 0] = gaps
    truth, chosen = np.zeros(200, np.int64), np.arange(200)
    _, g = measure("focal", z, truth, chosen, 2, gamma)
    logits = torch.from_numpy(z[:, :2].astype(float)).requires_grad_()
    log_p = -F.softplus(logits[:, 1] - logits[:, 0])
    (-(torch.sigmoid(logits[:, 1] - logits[:, 0]) ** gamma) * log_p).mean().backward()
    np.testing.assert_allclose(g[:, :2], logits.grad.numpy(), rtol=1e-5, atol=1e-14)


def test_log_sigmoids() -> None:
    z = normal(9, 16) * np.float32(50)
    z[0, :3] = 1e4, -1e4, 0
    found = z.copy()
    call("log_sigmoids", found, 9, 16, 3)
    twin = F.logsigmoid(torch.from_numpy(z[:, :3].astype(float))).numpy()
    np.testing.assert_allclose(found[:, :3], twin, rtol=2e-6, atol=1e-30)
    np.testing.assert_array_equal(found[:, 3:], z[:, 3:])


def test_rate_values() -> None:
    z = np.array([0.0, 1e-8, -1e-3, 2.0, -1e4, 1e4], np.float32)
    found = z.copy()
    call("rate_values", found, 6, 0.8)
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(found, np.expm1(z.astype(float)) / 0.8, rtol=1e-6)
