"""mixup and cutmix against their plain twins; shares against scipy's Beta; targets that sum to one."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from augment import plain
from augment.samples import batch_for, full, keys, same
from cotune.engine import rng
from cotune.engine.augment.compose import key_of, mix_examples
from cotune.engine.augment.mixing import CELLS, partners, quantiles, shares
from cotune.engine.augment.table import MIXINGS, Mixing

BOTH = {"mixup": ("mixup",), "cutmix": ("cutmix",), "both": ("mixup", "cutmix")}
EACH = pytest.mark.parametrize("names", BOTH.values(), ids=BOTH.keys())
LANES = 40


def tables(names: tuple[str, ...], alphas: list[float]) -> dict[str, Tensor]:
    return {name: quantiles(alphas) for name in names}


@pytest.mark.parametrize("alpha", [0.1, 0.2, 1.0, 2.5, 8.0])
def test_shares_are_drawn_from_beta(alpha: float) -> None:
    """Kolmogorov and Smirnov's distance of 200,000 draws, at shares that float32 can tell from 0 and 1.

    It may be the draws' own, by its 99.9 % quantile, and what straight lines between quantiles cost.
    """
    u = rng.uniforms(keys(1), 200_000)[0]
    drawn = shares(quantiles([alpha]).expand(len(u), -1), u).double().numpy()
    assert ((drawn >= 0) & (drawn <= 1)).all()
    at = np.linspace(0.0005, 0.9995, 2000)
    below = np.searchsorted(np.sort(drawn), at, side="right") / len(drawn)
    assert np.abs(below - stats.beta(alpha, alpha).cdf(at)).max() < 1.95 / len(u) ** 0.5 + 0.5 / CELLS


def test_whole_shares_where_alpha_is_0() -> None:
    u = rng.uniforms(keys(1), 100)[0]
    assert (shares(quantiles([0.0]).expand(100, -1), u) == 1).all()


def test_mixup_against_the_plain_twin() -> None:
    x, key = batch_for("mixup", LANES), keys(LANES)
    u = rng.uniforms(key, MIXINGS["mixup"].draws(x.shape))
    table = quantiles([0.4] * LANES)
    mixed = MIXINGS["mixup"].apply(x, table, torch.ones(LANES, dtype=torch.bool), u)
    for lane in range(LANES):
        share = np.interp(u[lane, 0], np.arange(CELLS + 1) / CELLS, table[lane].numpy())
        order = np.argsort(u[lane, 1:].numpy(), kind="stable")
        np.testing.assert_array_equal(mixed.partner[lane], order)
        np.testing.assert_allclose(mixed.share[lane], share, atol=1e-6)
        np.testing.assert_allclose(mixed.x[lane], plain.mixup(x[lane].numpy(), share, order), atol=1e-5)


def test_cutmix_against_the_plain_twin() -> None:
    x, key = batch_for("cutmix", LANES), keys(LANES)
    u = rng.uniforms(key, MIXINGS["cutmix"].draws(x.shape))
    table = quantiles([1.0] * LANES)
    mixed = MIXINGS["cutmix"].apply(x, table, torch.ones(LANES, dtype=torch.bool), u)
    drawn = shares(table, u[:, 0])
    for lane in range(LANES):
        order = np.argsort(u[lane, 3:].numpy(), kind="stable")
        expected, left = plain.cutmix(x[lane].numpy(), drawn[lane].numpy(), u[lane, 1:3].numpy(), order)
        np.testing.assert_array_equal(mixed.x[lane], expected)
        np.testing.assert_allclose(mixed.share[lane], left, atol=1e-6)
    assert len(mixed.share[:, 0].unique()) > 10


@EACH
def test_mixed_targets_sum_to_one(names: tuple[str, ...]) -> None:
    """Images of one colour per class tell by their mean how much of each class is in them."""
    lanes, batch, classes = LANES, 6, 6
    x = torch.eye(classes).view(1, batch, 1, 1, classes).expand(lanes, batch, 8, 8, classes).clone()
    mixed = mix_examples(x, keys(lanes), tables(names, [1.0] * lanes), full(lanes, 1.0))
    own, others = torch.eye(classes).expand(lanes, -1, -1), torch.eye(classes)[mixed.partner]
    share = mixed.share.unsqueeze(2)
    targets = share * own + (1 - share) * others
    torch.testing.assert_close(targets.sum(2), torch.ones(lanes, batch))
    assert ((mixed.share >= 0) & (mixed.share <= 1)).all()
    torch.testing.assert_close(mixed.x.mean((2, 3)), targets)


@EACH
def test_off_is_off_to_the_bit(names: tuple[str, ...]) -> None:
    x = batch_for("mixup", 4)
    for alpha, chance in ((0.0, 1.0), (1.0, 0.0)):
        mixed = mix_examples(x, keys(4), tables(names, [alpha] * 4), full(4, chance))
        assert same(mixed.x, x)
        assert (mixed.share == 1).all()
        assert torch.equal(mixed.partner, torch.arange(7).expand(4, 7))


@pytest.mark.parametrize(("name", "row"), MIXINGS.items())
def test_lanes_that_mix_leave_those_that_do_not_alone(name: str, row: Mixing) -> None:
    x, on = batch_for(name, 4), torch.tensor([True, False, True, False])
    mixed = row.apply(x, quantiles([1.0] * 4), on, rng.uniforms(keys(4), row.draws(x.shape)))
    for lane in range(4):
        assert same(mixed.x[lane], x[lane]) == (lane % 2 == 1)
        assert bool((mixed.share[lane] == 1).all()) == (lane % 2 == 1)
        assert torch.equal(mixed.partner[lane], torch.arange(7)) == (lane % 2 == 1)


@EACH
@pytest.mark.parametrize("batch", [1, 7, 64])
def test_a_lane_depends_on_nothing_but_itself(names: tuple[str, ...], batch: int) -> None:
    alphas = [0.3, 0.0, 1.0, 5.0]
    x, key, chance = batch_for("mixup", 4, batch), keys(4), full(4, 0.7)
    made = tables(names, alphas)
    together = mix_examples(x, key, made, chance)
    for i in range(4):
        own = slice(i, i + 1)
        alone = mix_examples(x[own], key[own], {n: t[own] for n, t in made.items()}, chance[own])
        for found, expected in ((together.x, alone.x), (together.share, alone.share)):
            assert same(found[own], expected)
        assert torch.equal(together.partner[own], alone.partner)


@EACH
def test_nothing_looks_at_a_number_or_mixes_devices(names: tuple[str, ...]) -> None:
    made = {name: t.to("meta") for name, t in tables(names, [1.0] * 3).items()}
    mixed = mix_examples(batch_for("mixup", 3).to("meta"), keys(3).to("meta"), made, full(3, 1.0).to("meta"))
    assert mixed.x.shape == (3, 7, 9, 12, 3)


def test_a_lane_with_both_takes_turns() -> None:
    """Each as likely; a lane that has only one of them takes that one in every step."""
    steps = 2000
    x = torch.rand(4, 1, 1, 1).expand(steps, 4, 3, 3, 1)
    key = torch.cat([keys(1, step) for step in range(steps)])
    made = {
        "mixup": quantiles([1.0]).expand(steps, -1),
        "cutmix": quantiles([1.0, 0.0]).repeat_interleave(steps // 2, 0),
    }
    mixed = mix_examples(x, key, made, full(steps, 1.0))
    own = rng.uniforms(key_of(key, "mixup"), 1)[:, 0]
    by_mixup = mixed.share[:, 0] == shares(made["mixup"], own)
    assert by_mixup[steps // 2 :].all()
    assert abs(float(by_mixup[: steps // 2].float().mean()) - 0.5) < 4 * 0.5 / (steps / 2) ** 0.5


def test_every_partner_is_as_likely() -> None:
    lanes = 4000
    order = partners(torch.ones(lanes, dtype=torch.bool), rng.uniforms(keys(lanes), 5))
    assert torch.equal(order.sort(dim=1).values, torch.arange(5).expand(lanes, 5))
    counts = torch.stack([(order == place).sum(0) for place in range(5)]).double()
    assert ((counts - lanes / 5) ** 2 / (lanes / 5)).sum() < 46  # 16 degrees of freedom, 99.99 %
