"""The gated recurrent unit against torch.nn.GRU, in float64."""

import numpy as np
import pytest
import torch

from cotune.kernels import recurrent
from kernels.calling import call, normal


def twin_of(wx: np.ndarray, wh: np.ndarray, bx: np.ndarray, bh: np.ndarray) -> torch.nn.GRU:
    inputs, units = wx.shape[0], wh.shape[0]
    twin = torch.nn.GRU(inputs, units, batch_first=True).double()
    with torch.no_grad():
        for parameter, own in zip(twin.parameters(), (wx.T, wh.T, bx, bh), strict=True):
            parameter.copy_(torch.from_numpy(own.astype(float)))
    return twin


@pytest.mark.parametrize(
    ("rows", "times", "inputs", "units"), [(1, 1, 1, 8), (5, 3, 2, 8), (16, 9, 5, 24), (33, 4, 17, 40)]
)
def test_states_and_gradients(rows: int, times: int, inputs: int, units: int) -> None:
    x, dy = normal(rows, times, inputs), normal(rows, units, seed=1)
    wx, wh = normal(inputs, 3 * units, seed=2) * 0.5, normal(units, 3 * units, seed=3) * 0.3
    bx, bh = normal(3 * units, seed=4), normal(3 * units, seed=5)
    twin = twin_of(wx, wh, bx, bh)
    expected = twin(torch.from_numpy(x.astype(float)))[1][0]
    expected.backward(torch.from_numpy(dy))

    scratch = np.full(recurrent.room(rows, times, inputs, units), np.nan, np.float32)
    y = np.full((rows, units), np.nan, np.float32)
    call("gru", x, wx, wh, bx, bh, y, rows, times, inputs, units, scratch)
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-5, atol=1e-5)
    found = [np.full_like(part, np.nan) for part in (wx, wh, bx, bh)]
    dwx, dwh, dbx, dbh = found
    call("gru_backward", wh, dy, dwx, dwh, dbx, dbh, rows, times, inputs, units, scratch)
    for own, parameter in zip((dwx.T, dwh.T, dbx, dbh), twin.parameters(), strict=True):
        np.testing.assert_allclose(own, parameter.grad.numpy(), rtol=1e-4, atol=1e-4)


def test_large_inputs_saturate() -> None:
    """Gates of 0 and 1, and no NaN from e to a high power."""
    x = np.array([[[1e4], [-1e4], [1e4]]], np.float32)
    wx, wh = np.ones((1, 24), np.float32), np.ones((8, 24), np.float32)
    zero, y = np.zeros(24, np.float32), np.empty((1, 8), np.float32)
    scratch = np.zeros(recurrent.room(1, 3, 1, 8), np.float32)
    call("gru", x, wx, wh, zero, zero, y, 1, 3, 1, 8, scratch)
    expected = twin_of(wx, wh, zero, zero)(torch.from_numpy(x.astype(float)))[1][0]
    np.testing.assert_allclose(y, expected.detach().numpy(), atol=1e-6)


def test_a_row_depends_on_no_other() -> None:
    x, wx, wh, b = normal(13, 4, 3), normal(3, 48), normal(16, 48), normal(48)

    def last(part: np.ndarray) -> np.ndarray:
        rows = len(part)
        y = np.empty((rows, 16), np.float32)
        call(
            "gru", part, wx, wh, b, b, y, rows, 4, 3, 16, np.empty(recurrent.room(rows, 4, 3, 16), np.float32)
        )
        return y

    np.testing.assert_array_equal(last(x[5:9].copy()), last(x)[5:9])
