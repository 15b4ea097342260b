"""Each technique against its plain twin, and against what its description says."""

import numpy as np
import pytest
import torch

from augment import plain
from augment.samples import IMAGES, TYPICAL, batch_for, full, keys
from cotune.engine.augment.compose import augment_images, chosen, draws_of, key_of
from cotune.engine.augment.geometry import GEOMETRY, then, warp
from cotune.engine.augment.table import AUGMENTATIONS
from cotune.engine.augment.trigonometry import sine_and_cosine

LANES, BATCH = 3, 40
TOLERANCE = 2e-5  # of a place, in pixels or steps, times how much neighbours differ


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize("part", [1.0, 0.31])
def test_against_the_plain_twin(name: str, part: float) -> None:
    row, strength = AUGMENTATIONS[name], part * TYPICAL[name]
    x = batch_for(name, LANES, BATCH)
    draws = draws_of(row, keys(LANES), x.shape)
    found = row.apply(x, torch.full(draws.shape[:-1], strength), draws).numpy()
    for lane in range(LANES):
        if row.for_step:
            expected = plain.TWINS[name](x[lane].numpy(), strength, draws[lane].numpy())
        else:
            each = zip(x[lane].numpy(), draws[lane].numpy(), strict=True)
            expected = np.stack([plain.TWINS[name](one, strength, u) for one, u in each])
        np.testing.assert_allclose(found[lane], expected, atol=10 * TOLERANCE)
    assert not np.allclose(found, x.numpy(), atol=0.01)


def test_all_moves_at_once_are_one_sampling_of_their_product() -> None:
    x, key = batch_for("rotate", LANES, BATCH), keys(LANES)
    strengths = {name: full(LANES, TYPICAL[name]) for name in reversed(GEOMETRY)}
    found = augment_images(x, key, strengths, full(LANES, 1.0)).numpy()
    for lane in range(LANES):
        for i in range(BATCH):
            product = np.eye(3)
            for name in GEOMETRY:
                u = draws_of(AUGMENTATIONS[name], key_of(key, name), x.shape)[lane, i].numpy()
                product = product @ plain.matrix(name, TYPICAL[name], u, *x.shape[2:4])
            expected = plain.warp(x[lane, i].numpy(), product)
            np.testing.assert_allclose(found[lane, i], expected, atol=20 * TOLERANCE)


def test_images_undergo_colours_and_erasing_after_the_moves() -> None:
    x, key, always = batch_for("rotate", LANES), keys(LANES), full(LANES, 1.0)
    strengths = {name: full(LANES, TYPICAL[name]) for name in IMAGES}
    moved = augment_images(x, key, {name: strengths[name] for name in GEOMETRY}, always)
    for name in ("brightness", "contrast", "erase"):
        row, own = AUGMENTATIONS[name], key_of(key, name)
        moved = row.apply(moved, chosen(own, strengths[name], always, 7), draws_of(row, own, x.shape))
    assert torch.equal(augment_images(x, key, strengths, always), moved)


def test_a_quarter_turn_a_flip_and_a_shift() -> None:
    x = batch_for("rotate", 1)[:, :, :9, :9]
    one = torch.ones(1, 7)

    def of(name: str, strength: float, *u: float) -> torch.Tensor:
        draws = torch.tensor(u).expand(1, 7, len(u))
        return warp(x, GEOMETRY[name](one * strength, draws, 9, 9))

    def close(a: torch.Tensor, b: torch.Tensor) -> None:
        torch.testing.assert_close(a, b, atol=TOLERANCE, rtol=0)

    close(of("rotate", 180, 0.75), torch.rot90(x, 1, (2, 3)))
    close(of("flip", 1, 0.999), x.flip(3))
    close(of("flip", 0.5, 0.5), x)
    shifted = of("crop", 2, 0.999, 0.0)  # 2 to the right, 2 up
    close(shifted[:, :, 2:, :7], x[:, :, :7, 2:])
    close(shifted[:, :, :2, :7], x[:, :, :1, 2:].expand(-1, -1, 2, -1, -1))
    close(of("translate", 1 / 9, 0.5, 1.0)[:, :, :8], x[:, :, 1:])
    ramp = torch.arange(9.0).view(1, 1, 1, 9, 1).expand(1, 1, 9, 9, 1)
    x = ramp.expand(1, 7, 9, 9, 1)
    close(of("zoom", 0.5, 1.0), 4 + (x - 4) / 1.5)


def test_crops_reach_every_place_equally_often() -> None:
    u = draws_of(AUGMENTATIONS["crop"], keys(1), torch.Size((1, 9000, 9, 12, 3)))
    shifts = GEOMETRY["crop"](torch.full((1, 9000), 1.0), u, 9, 12)[0, :, :, 2]
    places, counts = shifts.unique(dim=0, return_counts=True)
    assert places.tolist() == [[x, y] for x in (-1, 0, 1) for y in (-1, 0, 1)]
    assert ((counts - 1000) ** 2 / 1000).sum() < 32  # 8 degrees of freedom, 99.99 %


def test_matrices_multiply() -> None:
    a, b = torch.randn(2, 5, 2, 3), torch.randn(2, 5, 2, 3)
    last = torch.tensor([0.0, 0.0, 1.0]).expand(2, 5, 1, 3)
    expected = torch.cat((a, last), 2) @ torch.cat((b, last), 2)
    torch.testing.assert_close(then(a, b), expected[..., :2, :])


def test_sines() -> None:
    angle = torch.linspace(-torch.pi, torch.pi, 10_001)
    sine, cosine = sine_and_cosine(angle)
    assert (sine.double() - angle.double().sin()).abs().max() < 1e-6
    assert (cosine.double() - angle.double().cos()).abs().max() < 1e-6
    assert [float(n) for n in sine_and_cosine(torch.zeros(()))] == [0, 1]


def test_erased_areas_are_uniform_up_to_the_strength() -> None:
    """But for rounding, and for rectangles longer than the image, which are cut."""
    x = torch.ones(1, 4000, 32, 32, 1)
    row = AUGMENTATIONS["erase"]
    erased = row.apply(x, torch.full((1, 4000), 0.25), draws_of(row, keys(1), x.shape))
    area = (erased == 0).float().mean((2, 3, 4))
    assert abs(float(area.mean()) - 0.125) < 0.005
    assert 0.24 < float(area.max()) < 0.27
    reached = (erased == 0).any(1).flatten()
    assert reached.all()


def test_time_never_runs_backwards() -> None:
    ramp = torch.arange(50.0).view(1, 1, 50, 1).expand(1, 300, 50, 1)
    for name in ("time_warp", "window"):
        row = AUGMENTATIONS[name]
        found = row.apply(ramp, torch.full((1, 300), row.range[1]), draws_of(row, keys(1), ramp.shape))
        steps = found[..., 0].diff(dim=2)
        assert (steps > 0).all()
        if name == "time_warp":
            torch.testing.assert_close(found[:, :, [0, -1]], ramp[:, :, [0, -1]])
            assert steps.amax(2).mean() > 1.4


def test_swaps_lose_no_word_and_move_the_share_asked_for() -> None:
    row = AUGMENTATIONS["word_swap"]
    x = torch.arange(1, 21).expand(1, 2000, 20).clone()
    x[..., 15:] = 0
    found = row.apply(x, torch.full((1, 2000), 0.4), draws_of(row, keys(1), x.shape))
    assert torch.equal(found.sort(dim=2).values, x.sort(dim=2).values)
    assert (found[..., 15:] == 0).all()
    assert abs(float((found != x)[..., :15].float().mean()) - 0.4 * 14 / 15) < 0.01
