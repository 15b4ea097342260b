"""Batch and layer normalisation against PyTorch's, in float64."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from kernels.calling import call, normal

SHAPES = [(2, 8), (7, 24), (64, 64), (33, 40)]
NEAR = {"rtol": 2e-5, "atol": 2e-5}


def double(x: np.ndarray) -> Tensor:
    return torch.from_numpy(x.astype(float)).requires_grad_()


def empty(*shape: int) -> np.ndarray:
    return np.full(shape, np.nan, np.float32)


@pytest.mark.parametrize(("rows", "units"), SHAPES)
@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_batch_norm(rows: int, units: int, offset: float) -> None:
    x, scale, shift = normal(rows, units) * 3 + offset, normal(units, seed=1), normal(units, seed=2)
    mean, variance, dy = normal(units, seed=3), normal(units, seed=4) ** 2, normal(rows, units, seed=5)
    inputs, scales, shifts = double(x), double(scale), double(shift)
    means, variances = (torch.from_numpy(part.astype(float)) for part in (mean, variance))
    expected = F.batch_norm(inputs, means, variances, scales, shifts, training=True, momentum=0.1)
    expected.backward(torch.from_numpy(dy))

    found, y, root, g = x.copy(), empty(rows, units), empty(units), dy.copy()
    call("batch_norm", found, y, scale, shift, mean, variance, root, empty(units), rows, units, 1)
    near = {"rtol": 2e-5, "atol": 2e-5 * max(1.0, offset)}
    np.testing.assert_allclose(y, expected.detach().numpy(), **near)
    np.testing.assert_allclose(mean, means.numpy(), **near)
    np.testing.assert_allclose(variance, variances.numpy(), rtol=1e-4)
    d_scale, d_shift = empty(units), empty(units)
    call("batch_norm_backward", found, g, scale, root, d_scale, d_shift, rows, units)
    near["atol"] *= math.sqrt(rows)
    np.testing.assert_allclose(g, inputs.grad.numpy(), **near)
    np.testing.assert_allclose(d_scale, scales.grad.numpy(), **near)
    np.testing.assert_allclose(d_shift, shifts.grad.numpy(), **near)


@pytest.mark.parametrize(("rows", "units"), SHAPES)
def test_batch_norm_evaluated(rows: int, units: int) -> None:
    """By the running moments, which stay as they are; a row's result depends on no other row."""
    x, scale, shift = normal(rows, units), normal(units, seed=1), normal(units, seed=2)
    mean, variance = normal(units, seed=3), normal(units, seed=4) ** 2
    before = mean.copy(), variance.copy()
    y = empty(rows, units)
    moments = (scale, shift, mean, variance, empty(units), empty(units))
    call("batch_norm", x.copy(), y, *moments, rows, units, 0)
    parts = [torch.from_numpy(part.astype(float)) for part in (x, mean, variance, scale, shift)]
    np.testing.assert_allclose(y, F.batch_norm(*parts, training=False).numpy(), **NEAR)
    np.testing.assert_array_equal((mean, variance), before)
    alone = empty(1, units)
    call("batch_norm", x[-1:].copy(), alone, *moments, 1, units, 0)
    np.testing.assert_array_equal(alone[0], y[-1])


def test_batch_norm_of_a_constant_is_its_shift() -> None:
    x, shift = np.full((6, 8), 3.0, np.float32), normal(8, seed=2)
    y = empty(6, 8)
    call("batch_norm", x, y, normal(8), shift, empty(8), empty(8), empty(8), empty(8), 6, 8, 1)
    np.testing.assert_array_equal(y, np.tile(shift, (6, 1)))


@pytest.mark.parametrize(
    ("rows", "units", "real"), [(1, 8, 8), (7, 24, 24), (64, 64, 50), (33, 40, 33), (5, 8, 1)]
)
@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_layer_norm(rows: int, units: int, real: int, offset: float) -> None:
    x, scale, shift = normal(rows, units) * 3 + offset, normal(units, seed=1), normal(units, seed=2)
    dy = normal(rows, units, seed=5)
    x[:, real:] = np.nan
    dy[:, real:] = 0
    inputs, scales, shifts = double(x[:, :real]), double(scale[:real]), double(shift[:real])
    expected = F.layer_norm(inputs, (real,), scales, shifts)
    expected.backward(torch.from_numpy(dy[:, :real]))

    found, y, root, g = x.copy(), empty(rows, units), empty(rows), dy.copy()
    call("layer_norm", found, y, scale, shift, root, rows, units, real)
    near = {"rtol": 2e-5, "atol": 2e-5 * max(1.0, offset)}
    np.testing.assert_allclose(y[:, :real], expected.detach().numpy(), **near)
    assert not y[:, real:].any()
    d_scale, d_shift = empty(units), empty(units)
    call("layer_norm_backward", found, g, scale, root, d_scale, d_shift, rows, units, real)
    near["atol"] *= math.sqrt(rows)
    np.testing.assert_allclose(g[:, :real], inputs.grad.numpy(), **near)
    np.testing.assert_allclose(d_scale[:real], scales.grad.numpy(), **near)
    np.testing.assert_allclose(d_shift[:real], shifts.grad.numpy(), **near)
    for padding in (g[:, real:], d_scale[real:], d_shift[real:]):
        assert not padding.any()


def test_a_row_of_layer_norm_depends_on_no_other() -> None:
    x, scale, shift = normal(9, 24), normal(24, seed=1), normal(24, seed=2)
    whole, alone = empty(9, 24), empty(1, 24)
    call("layer_norm", x.copy(), whole, scale, shift, empty(9), 9, 24, 24)
    call("layer_norm", x[4:5].copy(), alone, scale, shift, empty(1), 1, 24, 24)
    np.testing.assert_array_equal(alone[0], whole[4])


@pytest.mark.parametrize("name", ["batch_norm", "layer_norm"])
def test_nan_is_passed_on(name: str) -> None:
    """To its unit, or to its row."""
    x = normal(6, 8)
    x[2, 3] = np.nan
    y, ones = empty(6, 8), np.ones(8, np.float32)
    if name == "batch_norm":
        call(name, x, y, ones, ones, ones.copy(), ones.copy(), empty(8), empty(8), 6, 8, 1)
        expected = np.isnan(y[:, 3])
        others = np.delete(y, 3, axis=1)
    else:
        call(name, x, y, ones, ones, empty(6), 6, 8, 8)
        expected = np.isnan(y[2])
        others = np.delete(y, 2, axis=0)
    assert expected.all()
    assert np.isfinite(others).all()
