"""Rows of the data into the arena and embeddings in and out, against NumPy and PyTorch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.calling import call, normal

KNOWN = 40


def some_rows(rows: int) -> np.ndarray:
    """Row numbers, some of them more than once."""
    return np.random.default_rng(rows).integers(0, KNOWN, rows)


@pytest.mark.parametrize(("rows", "features", "pitch"), [(1, 1, 8), (9, 5, 8), (64, 24, 24), (3, 0, 8)])
def test_gathering_leaves_the_gaps_between_rows_alone(rows: int, features: int, pitch: int) -> None:
    data, chosen = normal(KNOWN, features), some_rows(rows)
    target = np.full((rows, pitch), 7, np.float32)
    call("gather", data, KNOWN, features, chosen, rows, target, pitch)
    np.testing.assert_array_equal(target[:, :features], data[chosen])
    assert (target[:, features:] == 7).all()


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    rows=st.integers(1, 30),
    cardinalities=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    width=st.integers(1, 9),
    first=st.integers(0, 5),
)
def test_embeddings(rows: int, cardinalities: list[int], width: int, first: int) -> None:
    starts = np.concatenate([[0], np.cumsum(cardinalities)])
    columns, entries = len(cardinalities), int(starts[-1])
    rng = np.random.default_rng(entries)
    codes = np.stack([rng.integers(0, n, KNOWN) for n in cardinalities], axis=1)
    table, chosen, pitch = normal(entries, width), some_rows(rows), first + columns * width + 3
    y = np.full((rows, pitch), 7, np.float32)
    places = (starts, columns, width, codes, KNOWN, chosen, rows)
    call("embed", table, *places, y, pitch, first)
    weights = torch.from_numpy(table).double().requires_grad_()
    twin = torch.nn.functional.embedding(torch.from_numpy(codes[chosen] + starts[:-1]), weights).flatten(1)
    inside = slice(first, first + columns * width)
    np.testing.assert_array_equal(y[:, inside], twin.detach().numpy().astype(np.float32))
    assert (np.delete(y, np.r_[inside], axis=1) == 7).all()

    dy, g = normal(rows, pitch, seed=1), np.full((entries, width), np.nan, np.float32)
    twin.backward(torch.from_numpy(dy[:, inside]).double())
    call("embed_backward", g, *places, dy, pitch, first)
    np.testing.assert_allclose(g, weights.grad.numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("rows", "units"), [(1, 8), (7, 40), (200, 16)])
def test_column_sums(rows: int, units: int) -> None:
    x, sums = normal(rows, units), np.full(units, np.nan, np.float32)
    call("column_sums", x, rows, units, sums)
    np.testing.assert_allclose(sums, x.astype(float).sum(0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n", [1, 7, 64, 1001])
def test_elementwise(n: int) -> None:
    x, y = normal(n), normal(n, seed=1)
    for name, expected in (("multiply", y * x), ("add", y + x), ("copy", x)):
        found = y.copy()
        call(name, found, x, n)
        np.testing.assert_array_equal(found, expected)


def test_taking_columns() -> None:
    x, target = normal(9, 16), np.empty((9, 3), np.float32)
    call("take_columns", x, 9, 16, target, 3)
    np.testing.assert_array_equal(target, x[:, :3])
