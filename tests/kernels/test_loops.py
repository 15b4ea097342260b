"""Compiled loops by themselves: products of any size, eˣ over its whole range, orders of rows, convolution, pooling."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cotune.engine import rng
from cotune.kernels import convolution
from cotune.kernels.compiling import compiled
from cotune.kernels.exponential import exponential
from kernels.calling import call


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


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


@pytest.mark.parametrize(("m", "n"), [(8, 8), (1, 5), (13, 3), (20, 64), (64, 16), (9, 17)])
def test_transposes(m: int, n: int) -> None:
    source, target = normal(m, n), np.zeros((n, m), np.float32)
    call("transpose", source, n, target, m, m, n)
    np.testing.assert_array_equal(target, source.T)


@compiled
def powers(x: np.ndarray, y: np.ndarray) -> None:
    """y = eˣ."""
    for i in range(len(x)):
        y[i] = exponential(x[i])


def test_exponential_over_its_whole_range() -> None:
    x = np.linspace(-87.2, 88.7, 200_001).astype(np.float32)
    y = np.empty_like(x)
    powers(x, y)
    exact = np.exp(x.astype(float))
    assert np.max(np.abs(y / exact - 1)) < 2**-20
    edges = np.array([math.nan, math.inf, -math.inf, 89.0, -88.0, 0.0], np.float32)
    found = np.empty_like(edges)
    powers(edges, found)
    np.testing.assert_array_equal(found, np.array([math.nan, math.inf, 0.0, math.inf, 0.0, 1.0], np.float32))


def test_orders_are_permutations_that_do_not_change() -> None:
    """Pinned: another order would be another study from the same seed."""
    assert rng.permutation(7, 0, 10).tolist() == by_hand(rng.seed_of(7, "order"), 0, 10)
    for count in (1, 2, 3, 100, 1000):
        assert sorted(rng.permutation(3, 1, count).tolist()) == list(range(count))
    assert not torch.equal(rng.permutation(7, 0, 50), rng.permutation(7, 1, 50))
    assert not torch.equal(rng.permutation(7, 0, 50), rng.permutation(8, 0, 50))


def by_hand(seed: int, epoch: int, count: int) -> list[int]:
    """The same shuffle in plain Python."""
    mask, golden = (1 << 64) - 1, 0x9E3779B97F4A7C15

    def mix(x: int) -> int:
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
        return x ^ (x >> 31)

    key, found = mix((seed + golden * (epoch + 1)) & mask), list(range(count))
    for i in range(count - 1):
        draw = mix((key + golden * (i + 1)) & mask) >> 32
        j = i + (draw * (count - i) >> 32)
        found[i], found[j] = found[j], found[i]
    return found


def test_every_place_is_as_likely() -> None:
    """Chi-square of where each of 8 rows comes to lie in 4000 orders: 49 degrees of freedom, 99.99 % below 95."""
    counts = np.zeros((8, 8))
    for seed in range(4000):
        counts[np.arange(8), rng.permutation(seed, 0, 8).numpy()] += 1
    assert ((counts - 500) ** 2 / 500).sum() < 95


def test_draws_are_the_batched_ones() -> None:
    seed, step, n, first = 12345, 6, 200, 64
    key = rng.keys(torch.tensor([seed]), torch.tensor([step]))
    drawn = rng.draws(key, rng.counters(first + n))[:, first : first + n]
    expected = rng.keep_mask(drawn, rng.drop_levels(key, torch.tensor([0.3])).unsqueeze(1))[0].numpy()
    y, d = np.ones(n, np.float32), np.full(n, 2.0, np.float32)
    call("drop", seed, step, 0.3, first, np.zeros(n // 8 + 1, np.int64), y, d, n)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(d, 2 * expected)


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 5), (7, 3), (20, 20)])
@pytest.mark.parametrize(("channels", "units"), [(1, 8), (3, 16), (8, 8), (16, 24)])
def test_convolution_and_its_gradients(
    height: int, width: int, channels: int, units: int, kernel: int
) -> None:
    images = 37
    x, w = normal(images, height, width, channels), normal(kernel, kernel, channels, units)
    b, dy = normal(units), normal(images, height, width, units, seed=2)
    scratch = np.full(convolution.room(height, width, channels, units, kernel), np.nan, np.float32)
    y, dw, dx = np.empty_like(dy), np.empty_like(w), np.empty_like(x)
    shape = (images, height, width, channels, units, kernel, scratch)
    call("convolve", x, w, b, y, *shape)
    scratch[:] = np.nan
    call("convolve_backward", x, w, dy, dw, dx if channels >= 8 else 0, *shape)
    tx, tw = (torch.from_numpy(part).double().requires_grad_() for part in (x, w))
    ty = torch.nn.functional.conv2d(
        tx.permute(0, 3, 1, 2), tw.permute(3, 2, 0, 1), torch.from_numpy(b).double(), padding=kernel // 2
    ).permute(0, 2, 3, 1)
    ty.backward(torch.from_numpy(dy).double())
    near = {"rtol": 1e-4, "atol": 1e-4 * math.sqrt(images * height * width)}
    np.testing.assert_allclose(y, ty.detach().numpy(), **near)
    np.testing.assert_allclose(dw, tw.grad.numpy(), **near)
    if channels >= 8:
        np.testing.assert_allclose(dx, tx.grad.numpy(), **near)


@pytest.mark.parametrize(("height", "width"), [(2, 2), (5, 4), (6, 7)])
def test_pooling_and_its_gradient(height: int, width: int) -> None:
    x = np.maximum(normal(5, height, width, 16), 0)  # ties among zeros
    y = np.empty((5, height // 2, width // 2, 16), np.float32)
    dy, dx = normal(*y.shape, seed=4), np.empty_like(x)
    call("max_pool", x, y, 5, height, width, 16)
    call("max_pool_backward", x, y, dx, dy, 5, height, width, 16)
    tx = torch.from_numpy(x).requires_grad_()
    ty = torch.nn.functional.max_pool2d(tx.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
    ty.backward(torch.from_numpy(dy))
    np.testing.assert_array_equal(y, ty.detach().numpy())
    np.testing.assert_array_equal(dx, tx.grad.numpy())
