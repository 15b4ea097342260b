"""Products of matrices, and transposes, of every size against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotune.kernels.matmul import PANEL
from kernels.calling import call, normal


def product(a: np.ndarray, b: np.ndarray, *, start: int = 0, c: np.ndarray | None = None) -> np.ndarray:
    (m, k), n = a.shape, b.shape[1]
    c = np.full((m, n), np.nan, np.float32) if c is None else c.copy()
    bias = normal(n, seed=9)
    call("matmul", a, k, 1, b, n, c, n, m, n, k, start, bias, 0, 0)
    return c


@settings(deadline=None, max_examples=60, derandomize=True)
@given(m=st.integers(1, 30), n=st.integers(1, 12).map(lambda eighths: 8 * eighths), k=st.integers(1, 600))
def test_products_of_every_size(m: int, n: int, k: int) -> None:
    a, b, c = normal(m, k), normal(k, n), normal(m, n, seed=3)
    exact = a.astype(float) @ b.astype(float)
    near = {"rtol": 1e-5, "atol": 1e-5 * k}
    np.testing.assert_allclose(product(a, b), exact, **near)
    np.testing.assert_allclose(product(a, b, start=1, c=c), c + exact, **near)
    np.testing.assert_allclose(product(a, b, start=2), exact + normal(n, seed=9), **near)
    turned, found = np.ascontiguousarray(a.T), np.zeros((m, n), np.float32)
    call("matmul", turned, 1, m, b, n, found, n, m, n, k, 0, b, 0, 0)
    np.testing.assert_array_equal(found, product(a, b))


@pytest.mark.parametrize("n", [8, 16, 24, 64, 88])
def test_a_row_does_not_depend_on_how_many_there_are(n: int) -> None:
    a, b = normal(29, 300), normal(300, n)
    whole = product(a, b)
    for m in (1, 3, 8, 13, 28):
        np.testing.assert_array_equal(product(np.ascontiguousarray(a[:m]), b), whole[:m])
        np.testing.assert_array_equal(product(np.ascontiguousarray(a[-m:]), b), whole[-m:])


@pytest.mark.parametrize("m", [1, 5, 13])
def test_a_column_does_not_depend_on_how_many_there_are(m: int) -> None:
    """Whichever tiles they fall into."""
    a, b = normal(m, 300), normal(300, 152)
    whole = product(a, b)
    for first, last in ((0, 8), (8, 24), (16, 80), (80, 152), (144, 152)):
        np.testing.assert_array_equal(
            product(a, np.ascontiguousarray(b[:, first:last])), whole[:, first:last]
        )


@pytest.mark.parametrize("k", [PANEL - 1, PANEL, PANEL + 1, 2 * PANEL, 3 * PANEL + 5])
def test_panels_are_one_chain_of_sums(k: int) -> None:
    """Each number is added up in the order of k, by fused multiply-adds; float64 has room for each exact product."""
    a, b, bias = normal(3, k), normal(k, 24), normal(24, seed=9)
    expected = np.tile(bias, (3, 1))
    for step in range(k):
        expected = (expected + np.outer(a[:, step].astype(float), b[step].astype(float))).astype(np.float32)
    np.testing.assert_allclose(product(a, b, start=2), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("m", "n"), [(1, 8), (4, 64), (17, 88)])
def test_nothing_beside_the_result_is_touched(m: int, n: int) -> None:
    """Rows of A, B and C lie further apart than they are long."""
    a, b, c = normal(m, 40), normal(30, n + 8), np.full((m + 1, n + 5), 7, np.float32)
    call("matmul", a, 40, 1, b, n + 8, c, n + 5, m, n, 30, 0, b, 0, 0)
    np.testing.assert_array_equal(
        c[:m, :n], product(np.ascontiguousarray(a[:, :30]), np.ascontiguousarray(b[:, :n]))
    )
    assert (c[:, n:] == 7).all()
    assert (c[m] == 7).all()


@pytest.mark.parametrize(("run", "runs", "gap"), [(3, 4, 5), (1, 7, 0), (24, 13, 40)])
def test_columns_in_runs(run: int, runs: int, gap: int) -> None:
    """A's columns lie in pieces, with a gap behind each."""
    spread, b = normal(9, runs, run + gap), normal(run * runs, 24)
    a = np.ascontiguousarray(spread[:, :, :run]).reshape(9, -1)
    found = np.full((9, 24), np.nan, np.float32)
    call("matmul", spread, runs * (run + gap), 1, b, 24, found, 24, 9, 24, run * runs, 0, b, run, gap)
    np.testing.assert_allclose(found, product(a, b), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("m", "n"), [(8, 8), (1, 5), (13, 3), (20, 64), (64, 16), (9, 17)])
def test_transposes(m: int, n: int) -> None:
    source, target = normal(m, n), np.zeros((n, m), np.float32)
    call("transpose", source, n, target, m, m, n)
    np.testing.assert_array_equal(target, source.T)
