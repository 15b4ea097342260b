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

from cotune.kernels.losses import NAMES
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
