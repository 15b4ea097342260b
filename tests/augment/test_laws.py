"""Laws of every augmentation: off is off to the last bit, and a lane depends on nothing but itself."""

import math

import pytest
import torch
from torch import Tensor

from augment.samples import IMAGES, TYPICAL, batch_for, full, keys, same
from cotune.engine.augment.compose import augment, augment_images, draws_of, key_of
from cotune.engine.augment.table import AUGMENTATIONS, MIXINGS

APPLY = {
    **{name: (augment, (name,)) for name in AUGMENTATIONS},
    "image: each": (augment, tuple(IMAGES)),
    "images": (augment_images, tuple(IMAGES)),
    "series": (augment, ("time_warp", "window", "amplitude", "jitter")),
    "text": (augment, ("word_swap", "word_dropout")),
}
ALL = pytest.mark.parametrize(("apply", "names"), APPLY.values(), ids=APPLY.keys())


def strengths(names: tuple[str, ...], lanes: int) -> dict[str, Tensor]:
    """A little different from lane to lane."""
    return {name: TYPICAL[name] * (1 - 0.05 * torch.arange(lanes)) for name in names}


@pytest.mark.parametrize(("name", "row"), (AUGMENTATIONS | MIXINGS).items())
def test_rows_are_in_order(name: str, row: object) -> None:
    assert row.name == name
    assert row.range[0] == 0 < row.range[1] < math.inf
    assert row.kinds
    assert row.source
    assert row.mixes == (name in MIXINGS)


@ALL
def test_strength_0_is_off_to_the_bit(apply, names) -> None:
    x = batch_for(names[0], 5)
    off = {name: full(5, 0.0) for name in names}
    assert same(apply(x, keys(5), off, full(5, 1.0)), x)


@ALL
def test_probability_0_is_off_to_the_bit(apply, names) -> None:
    x = batch_for(names[0], 5)
    assert same(apply(x, keys(5), strengths(names, 5), full(5, 0.0)), x)


@ALL
def test_a_lane_that_is_off_beside_others_keeps_its_bits(apply, names) -> None:
    x, on = batch_for(names[0], 5), torch.tensor([1.0, 0, 1, 0, 1])
    found = apply(x, keys(5), strengths(names, 5), on)
    for lane in range(5):
        assert same(found[lane], x[lane]) == (lane % 2 == 1)


@pytest.mark.parametrize("batch", [1, 7, 64])
@ALL
def test_a_lane_depends_on_nothing_but_itself(apply, names, batch) -> None:
    lanes = 5
    x, given, chance = batch_for(names[0], lanes, batch), strengths(names, lanes), full(lanes, 0.8)
    together = apply(x, keys(lanes), given, chance)
    for lane in range(lanes):
        own = slice(lane, lane + 1)
        alone = apply(x[own], keys(lanes)[own], {name: s[own] for name, s in given.items()}, chance[own])
        assert same(together[own], alone)


def test_a_large_image_alone_has_the_contrast_it_has_in_a_batch() -> None:
    """Large enough for PyTorch to split a sum over cores."""
    x, cores = torch.randn(1, 3, 200, 200, 3), torch.get_num_threads()
    torch.set_num_threads(2)
    row, u, strength = AUGMENTATIONS["contrast"], torch.tensor([[[0.9]]]), torch.ones(1, 1)
    together = row.apply(x, strength.expand(1, 3), u.expand(1, 3, 1))
    each = [row.apply(x[:, i : i + 1], strength, u) for i in range(3)]
    torch.set_num_threads(cores)
    assert same(together, torch.cat(each, 1))


@ALL
def test_what_it_is_given_stays_as_it_is(apply, names) -> None:
    x = batch_for(names[0], 3)
    before = x.clone()
    found = apply(x, keys(3), strengths(names, 3), full(3, 1.0))
    assert same(x, before)
    assert not same(found, before)
    assert found.dtype == x.dtype


@ALL
def test_nothing_looks_at_a_number_or_mixes_devices(apply, names) -> None:
    """PyTorch's `meta` device has no numbers to look at."""
    given = {name: s.to("meta") for name, s in strengths(names, 3).items()}
    x = batch_for(names[0], 3).to("meta")
    found = apply(x, keys(3).to("meta"), given, full(3, 0.5).to("meta"))
    assert found.shape == x.shape


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_the_strongest_leaves_finite_numbers(name: str) -> None:
    row, x = AUGMENTATIONS[name], batch_for(name, 2, 50)
    draws = draws_of(row, keys(2), x.shape)
    for u in (draws, torch.zeros_like(draws), torch.full_like(draws, 1 - 2.0**-24)):
        assert torch.isfinite(row.apply(x, torch.full(u.shape[:-1], float(row.range[1])), u)).all()


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_probability_is_how_often(name: str) -> None:
    """Per example, or per step where a step is drawn for; "brightness" and its like change every one they touch."""
    row, chance, steps = AUGMENTATIONS[name], 0.3, 400
    x = batch_for(name, 1, 40).expand(steps, *batch_for(name, 1, 40).shape[1:])
    key = torch.cat([keys(1, step) for step in range(steps)])
    unit = x.shape[:1] if row.for_step else x.shape[:2]

    def touched(probability: float) -> Tensor:
        found = augment(x, key, {name: full(steps, TYPICAL[name])}, full(steps, probability))
        return (found != x).reshape(*unit, -1).any(-1).float()

    always = float(touched(1.0).mean())
    spread = (chance / touched(1.0).numel()) ** 0.5
    assert abs(float(touched(chance).mean()) - chance * always) < 4 * spread
    assert always > 0.4


def test_steps_and_examples_differ() -> None:
    x = batch_for("brightness", 1).expand(2, -1, -1, -1, -1)[:, :1].expand(2, 5, -1, -1, -1)
    key = torch.cat([keys(1, 0), keys(1, 1)])
    found = augment(x, key, {"brightness": full(2, 1.0)}, full(2, 1.0))
    assert len(found.flatten(0, 1)[:, 0, 0, 0].unique()) == 10


def test_a_coin_says_nothing_of_what_follows() -> None:
    """Of the examples that are touched, as many grow brighter as darker."""
    x, key = torch.zeros(1, 9000, 1, 1, 1), keys(1)
    found = augment(x, key, {"brightness": full(1, 1.0)}, full(1, 0.3))
    shifts = found[found != 0]
    assert abs(len(shifts) - 2700) < 5 * 43
    assert abs(float(shifts.mean())) < 5 * (1 / 3 / 2700) ** 0.5


def test_every_technique_has_a_key_of_its_own() -> None:
    found = {name: int(key_of(keys(1), name)) for name in [*AUGMENTATIONS, *MIXINGS]}
    assert len(set(found.values())) == len(found)
    assert found["flip"] == int(key_of(keys(3), "flip")[0])


@pytest.mark.parametrize("beside", ["flip", "crop", "brightness", "contrast"])
def test_another_technique_beside_it_changes_no_draw(beside: str) -> None:
    """Erasing blots out the same pixels, whatever was done before."""
    x, key, always = batch_for("erase", 4) + 9, keys(4), full(4, 1.0)
    alone = augment_images(x, key, {"erase": full(4, 0.5)}, always)
    both = augment_images(x, key, {"erase": full(4, 0.5), beside: full(4, TYPICAL[beside])}, always)
    assert torch.equal(alone == 0, both == 0)
    assert not torch.equal(alone, both)


def test_techniques_that_nobody_knows() -> None:
    with pytest.raises(ValueError, match=r"must be among flip, rotate.* but got shake"):
        augment(torch.zeros(1, 2, 3), keys(1), {"shake": full(1, 1.0)}, full(1, 1.0))
