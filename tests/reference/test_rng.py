"""Laws of the counter-based randomness, and SplitMix64 against its published numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cotune.engine import rng

PUBLISHED = (  # the first outputs of Vigna's splitmix64.c from state 1234567
    6457827717110365317,
    3203168211198807973,
    9817491932198370423,
    4593380528125082431,
    16408922859458223821,
)
SEEDS = st.integers(0, 2**63 - 1)


def unsigned(x: torch.Tensor) -> list[int]:
    return [int(n) % 2**64 for n in x]


def test_splitmix64_known_answers() -> None:
    key = torch.tensor([1234567])
    bits = rng.draws(key, rng.counters(8 * len(PUBLISHED)))
    assert unsigned(bits.view(torch.int64)[0]) == list(PUBLISHED)
    states = key + torch.arange(1, 6) * rng._signed(rng._GOLDEN)
    assert unsigned(rng.mix(states)) == list(PUBLISHED)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20))
def test_mix_agrees_with_whole_number_arithmetic(numbers: list[int]) -> None:
    def plain(x: int) -> int:
        x %= 2**64
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
        return x ^ (x >> 31)

    assert unsigned(rng.mix(torch.tensor(numbers))) == [plain(n) for n in numbers]


@given(seeds=st.lists(SEEDS, min_size=2, max_size=6), step=st.integers(0, 10**6), count=st.integers(1, 99))
def test_a_lanes_draws_depend_on_nothing_but_itself(seeds: list[int], step: int, count: int) -> None:
    """Not on the lanes beside it, nor on how many numbers are drawn."""
    steps = torch.full((len(seeds),), step)
    together = rng.draws(rng.keys(torch.tensor(seeds), steps), rng.counters(800))
    for place, seed in enumerate(seeds):
        one = rng.draws(rng.keys(torch.tensor([seed]), steps[:1]), rng.counters(count))[0, :count]
        assert torch.equal(together[place, :count], one)


def test_draws_are_uniform() -> None:
    """χ² of 256 levels over a million draws stays within its 1e-6 quantiles."""
    key = rng.keys(torch.tensor([5]), torch.tensor([3]))
    counts = np.bincount(rng.draws(key, rng.counters(2**20))[0].numpy().astype(int) + 128, minlength=256)
    expected = 2**20 / 256
    assert 153 < ((counts - expected) ** 2 / expected).sum() < 376


@pytest.mark.parametrize("other", ["next draw", "next step", "next seed"])
def test_draws_are_uncorrelated(other: str) -> None:
    count = 2**16
    step, seed = (1 if other == "next step" else 0), (1 if other == "next seed" else 0)
    draws = [
        rng.draws(rng.keys(torch.tensor([9 + s]), torch.tensor([4 + t])), rng.counters(count))[0].double()
        for s, t in ((0, 0), (seed, step))
    ]
    second = draws[1].roll(1) if other == "next draw" else draws[1]
    correlation = float(torch.corrcoef(torch.stack([draws[0], second]))[0, 1])
    assert abs(correlation) < 5 / count**0.5


@pytest.mark.parametrize("p", [0.0, 0.001, 0.1, 0.5, 0.77, 0.999, 0.9999999])
def test_masks_have_mean_one_and_drop_by_p(p: float) -> None:
    """Over many steps, since a step has one of the two probabilities beside p."""
    steps, count = 4000, 512
    key = rng.keys(torch.full((steps,), 11), torch.arange(steps))
    level = rng.drop_levels(key, torch.full((steps,), p)).unsqueeze(1)
    masks = rng.keep_mask(rng.draws(key, rng.counters(count)), level)
    assert torch.isfinite(masks).all()
    assert abs(float(masks.mean()) - 1) < 5 * (256 / (steps * count)) ** 0.5
    assert abs(float((masks == 0).double().mean()) - min(p, 255 / 256)) < 0.002
    assert bool((masks == 1).all()) == (p == 0)


def test_masks_are_zero_or_the_inverse_of_keeping() -> None:
    draw = torch.arange(-128, 128, dtype=torch.int8).unsqueeze(0)
    for level in (0, 1, 128, 255):
        mask = rng.keep_mask(draw, torch.tensor([[float(level)]]))[0]
        assert int((mask == 0).sum()) == level
        assert (mask[level:] == 256 / (256 - level)).all()


@given(seed=SEEDS, epoch=st.integers(0, 1000), count=st.integers(1, 300))
def test_permutations_are_permutations(seed: int, epoch: int, count: int) -> None:
    found = rng.permutation(seed, epoch, count)
    assert sorted(found.tolist()) == list(range(count))
    assert torch.equal(found, rng.permutation(seed, epoch, count))


def test_permutations_change_with_epoch_and_seed() -> None:
    orders = {tuple(rng.permutation(seed, epoch, 20).tolist()) for seed in range(10) for epoch in range(10)}
    assert len(orders) == 100


def test_permutations_leave_global_randomness_alone() -> None:
    before = torch.get_rng_state()
    rng.permutation(1, 2, 30)
    assert torch.equal(before, torch.get_rng_state())


def test_seeds_are_the_same_on_every_machine() -> None:
    assert rng.seed_of(0, "trial", 3) == 716242136745878604
    assert 0 <= rng.seed_of("x", [1, 2], None) < 2**63
    assert len({rng.seed_of(n) for n in range(1000)}) == 1000
