"""eˣ and log(1 + t) over their whole ranges, in float32 against float64."""

import math

import numpy as np

from cotune.kernels.compiling import compiled
from cotune.kernels.exponential import HIGHEST, LOWEST, exponential, log1p


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


def test_edges_of_overflow_and_underflow() -> None:
    """The last number on each side that is finite and not zero, and the first beyond it."""
    inside, outside = np.array([LOWEST, HIGHEST]), np.array([-math.inf, math.inf], np.float32)
    x = np.concatenate([inside, np.nextafter(inside, outside), np.nextafter(inside, -outside)])
    y = np.empty_like(x)
    powers(x, y)
    np.testing.assert_array_equal(y[2:4], [0.0, math.inf])
    np.testing.assert_allclose(y[[0, 1, 4, 5]], np.exp(x[[0, 1, 4, 5]].astype(float)), rtol=2e-6)


def test_small_arguments_are_close_to_one() -> None:
    x = np.array([0.0, -0.0, 1e-45, -1e-45, 1e-10, -1e-10, 6e-8, -6e-8], np.float32)
    y = np.empty_like(x)
    powers(x, y)
    np.testing.assert_allclose(y, np.exp(x.astype(float)), rtol=1.2e-7)


def test_it_never_falls() -> None:
    """Over neighbouring arguments, but for a last bit."""
    x = np.sort(np.random.default_rng(0).uniform(-87, 88, 20_000).astype(np.float32))
    y = np.empty_like(x)
    powers(x, y)
    assert (np.diff(y) >= -3e-7 * y[1:]).all()


def test_a_power_does_not_depend_on_its_neighbours() -> None:
    x = np.linspace(-80, 80, 77).astype(np.float32)
    whole = np.empty_like(x)
    powers(x, whole)
    for start, stop in ((0, 1), (3, 20), (40, 77), (76, 77)):
        some = np.empty(stop - start, np.float32)
        powers(x[start:stop].copy(), some)
        np.testing.assert_array_equal(some, whole[start:stop])


@compiled
def logarithms(t: np.ndarray, y: np.ndarray) -> None:
    """y = log(1 + t)."""
    for i in range(len(t)):
        y[i] = log1p(t[i])


def test_log1p_over_its_whole_range() -> None:
    t = np.concatenate([np.linspace(0, 1, 200_001)[1:], 10.0 ** -np.arange(3, 38)]).astype(np.float32)
    y = np.empty_like(t)
    logarithms(t, y)
    assert np.max(np.abs(y / np.log1p(t.astype(float)) - 1)) < 2**-21
    edges = np.array([0.0, math.nan], np.float32)
    found = np.empty_like(edges)
    logarithms(edges, found)
    np.testing.assert_array_equal(found, edges)
