"""Orders of rows and dropout's draws: the hash in plain Python, and the batched step's."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cotune.engine import rng
from kernels.calling import call

PINNED = [3, 6, 7, 1, 8, 5, 0, 4, 9, 2]


def test_orders_are_permutations_that_do_not_change() -> None:
    """Pinned: another order would be another study from the same seed."""
    assert rng.permutation(7, 0, 10).tolist() == by_hand(rng.seed_of(7, "order"), 0, 10) == PINNED
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


def mask(seed: int, step: int, p: float, first: int, n: int) -> np.ndarray:
    """Dropout's factors as the batched step draws them."""
    key = rng.keys(torch.tensor([seed]), torch.tensor([step]))
    drawn = rng.draws(key, rng.counters(first + n))[:, first : first + n]
    levels = rng.drop_levels(key, torch.tensor([p])).unsqueeze(1)
    return rng.keep_mask(drawn, levels)[0].numpy()


def drop(seed: int, step: int, p: float, first: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The same from compiled loops, and twice as much."""
    y, d = np.ones(n, np.float32), np.full(n, 2.0, np.float32)
    call("drop", seed, step, p, first, np.zeros(n // 8 + 1, np.int64), y, d, n)
    return y, d


def test_draws_are_the_batched_ones() -> None:
    """And those of values and derivatives are the same."""
    y, d = drop(12345, 6, 0.3, 64, 200)
    np.testing.assert_array_equal(y, mask(12345, 6, 0.3, 64, 200))
    np.testing.assert_array_equal(d, 2 * y)
    assert 0.1 < (y == 0).mean() < 0.5


@pytest.mark.parametrize(("count", "need"), [(1, 1), (10, 3), (10, 10), (1000, 640)])
@pytest.mark.parametrize("seed", [0, 5, (1 << 63) - 1])
def test_shuffling_some_places(count: int, need: int, seed: int) -> None:
    """Of row numbers that are any: the first `need` places are drawn as if all were, the rest are what is left."""
    rows = np.random.default_rng(1).permutation(5000)[:count]
    target = np.full(count, -1)
    call("shuffle", rows, count, need, seed, 3, target)
    np.testing.assert_array_equal(target[:need], rows[by_hand(seed, 3, count)][:need])
    assert sorted(target) == sorted(rows)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    seed=st.integers(0, (1 << 63) - 1),
    step=st.integers(0, 1 << 40),
    p=st.floats(0.001, 0.999),
    hashes=st.integers(0, 1000),
    n=st.integers(1, 300),
)
def test_draws_of_any_lane_and_step(seed: int, step: int, p: float, hashes: int, n: int) -> None:
    np.testing.assert_array_equal(drop(seed, step, p, 8 * hashes, n)[0], mask(seed, step, p, 8 * hashes, n))


def test_dropping_keeps_nan() -> None:
    """Also where the unit is dropped: no 0 hides a NaN."""
    y, d = np.full(64, math.nan, np.float32), np.ones(64, np.float32)
    call("drop", 3, 0, 0.5, 0, np.zeros(8, np.int64), y, d, 64)
    assert np.isnan(y).all()
    assert set(d.tolist()) >= {0.0}
