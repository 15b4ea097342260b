"""Laws of the counter-based randomness, and SplitMix64 against its published numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

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


FINE = {"uniforms": rng.uniforms, "normals": rng.normals}
EACH_FINE = pytest.mark.parametrize("draw", FINE.values(), ids=FINE.keys())


@EACH_FINE
@settings(deadline=None)
@given(seeds=st.lists(SEEDS, min_size=2, max_size=6), step=st.integers(0, 10**6), count=st.integers(1, 99))
def test_fine_draws_depend_on_nothing_but_the_lane(draw, seeds: list[int], step: int, count: int) -> None:
    keys = rng.keys(torch.tensor(seeds), torch.full((len(seeds),), step))
    together = draw(keys, 150)
    for place in range(len(seeds)):
        assert torch.equal(together[place, :count], draw(keys[place : place + 1], count)[0])


def plain_hashes(key: int, count: int) -> list[int]:
    """In Python's whole numbers."""

    def mix(x: int) -> int:
        x %= 2**64
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
        return x ^ (x >> 31)

    return [mix(key + (i + 1) * 0x9E3779B97F4A7C15) for i in range(count)]


@settings(deadline=None)
@given(key=st.integers(-(2**63), 2**63 - 1))
def test_fine_draws_agree_with_whole_number_arithmetic(key: int) -> None:
    hashes = plain_hashes(key, 20)
    tensor = torch.tensor([key])
    assert unsigned(rng.hashes(tensor, 20)[0]) == hashes
    assert rng.uniforms(tensor, 20)[0].tolist() == [(h >> 40) / 2**24 for h in hashes]
    scale = np.float32(1 / 43690**0.5)
    sums = [np.float32(sum(h.to_bytes(8, "big")) - 1020) for h in hashes]
    assert rng.normals(tensor, 20)[0].tolist() == [float(s * scale) for s in sums]


def test_uniforms_are_uniform() -> None:
    """χ² of 1024 cells over a million draws within its 1e-6 quantiles; mean and variance within five deviations."""
    count = 2**20
    u = rng.uniforms(rng.keys(torch.tensor([5]), torch.tensor([3])), count)[0].double()
    assert 0 <= float(u.min()) < 1e-5
    assert 1 - 1e-5 < float(u.max()) < 1
    counts, expected = np.histogram(u.numpy(), 1024, (0, 1))[0], count / 1024
    assert 824 < ((counts - expected) ** 2 / expected).sum() < 1250
    assert abs(float(u.mean()) - 0.5) < 5 * (1 / 12 / count) ** 0.5
    assert abs(float(u.var()) - 1 / 12) < 5 * (1 / 180 / count) ** 0.5


def test_normals_are_nearly_normal() -> None:
    """Moments of Irwin-Hall's distribution: excess kurtosis −6/(5·8); and how far it is from the normal one."""
    count = 2**20
    z = rng.normals(rng.keys(torch.tensor([6]), torch.tensor([4])), count)[0].double()
    assert abs(float(z.mean())) < 5 / count**0.5
    assert abs(float(z.var()) - 1) < 5 * (2 / count) ** 0.5
    assert abs(float((z**3).mean())) < 5 * (15 / count) ** 0.5
    assert abs(float((z**4).mean()) - 2.85) < 5 * (96 / count) ** 0.5
    assert 4 < float(z.abs().max()) < 4.9
    assert 0.002 < stats.kstest(z.numpy(), "norm").statistic < 0.006


@EACH_FINE
@pytest.mark.parametrize("other", ["next draw", "next step", "next seed"])
def test_fine_draws_are_uncorrelated(draw, other: str) -> None:
    count = 2**16
    step, seed = (1 if other == "next step" else 0), (1 if other == "next seed" else 0)
    first, second = (
        draw(rng.keys(torch.tensor([9 + s]), torch.tensor([4 + t])), count)[0].double()
        for s, t in ((0, 0), (seed, step))
    )
    if other == "next draw":
        second = second.roll(1)
    assert abs(float(torch.corrcoef(torch.stack([first, second]))[0, 1])) < 5 / count**0.5
