"""Mode collapse is noticed where there is one, and not where there is none; tables are compared column by column."""

import numpy as np
import polars as pl
import pytest
import torch

from cotune.study.generation.collapse import findings, lost, modes_of, spread
from cotune.study.generation.likeness import detectability, likeness
from cotune.study.generation.pictures import grid, png


def clusters(modes: int, rows: int, *, seed: int, scale: float = 1.0) -> torch.Tensor:
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((10, 5)) * 8
    place = random.integers(0, modes, rows)
    return torch.from_numpy(centres[place] + scale * random.standard_normal((rows, 5)))


def judged(f: torch.Tensor, y: torch.Tensor) -> list[str]:
    modes = modes_of(object(), f, None, torch.arange(0), f, y, names=(), seed=0)  # type: ignore[arg-type]
    assert sum(modes["real"]) == pytest.approx(1)
    assert sum(modes["made"]) == pytest.approx(1)
    return findings(modes, spread(f, y))


@pytest.mark.parametrize("seed", range(5))
def test_rows_of_the_same_kind_are_no_collapse(seed: int) -> None:
    assert judged(clusters(10, 500, seed=seed + 1), clusters(10, 500, seed=seed + 100)) == []


@pytest.mark.parametrize("modes", [1, 3, 7])
def test_lost_modes_are_noticed(modes: int) -> None:
    said = judged(clusters(modes, 500, seed=1), clusters(10, 500, seed=2))
    assert said[0].startswith("mode collapse: of 20 clusters of real rows")
    assert "another gan_loss" in said[-1]


def test_the_same_rows_again_and_again_are_noticed() -> None:
    said = judged(clusters(10, 500, seed=1, scale=0.01), clusters(10, 500, seed=2))
    assert any("too much alike" in sentence for sentence in said)


def test_a_mode_is_lost_below_a_tenth_of_its_share() -> None:
    shares = {"names": ["a", "b", "c"], "real": [0.5, 0.5, 0.0], "made": [0.951, 0.049, 0.0]}
    assert lost(shares) == ["b"]
    assert lost({**shares, "made": [0.949, 0.051, 0.0]}) == []


def test_detectability_is_half_of_equals_and_one_of_others() -> None:
    y, same = (clusters(10, 300, seed=seed).numpy() for seed in (1, 2))
    for forest in (False, True):
        assert detectability(y, same, forest=forest) == pytest.approx(0.5, abs=0.15)
        assert detectability(y, same + 30, forest=forest) > 0.99


def test_columns_are_compared_by_their_own_distance() -> None:
    real = pl.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "y": [3.0, 2.0, 1.0, 0.0], "c": ["a", "a", "b", None]})
    made = pl.DataFrame({"x": [0.0, 1.0, 12.0, 13.0], "y": [0.0, 1.0, 2.0, 3.0], "c": ["a", "b", "b", "b"]})
    other = np.random.default_rng(0).standard_normal((2, 4, 3))
    found = likeness(real, made, other[0], other[1])
    assert found["columns"] == {"x": pytest.approx(0.5), "y": pytest.approx(0.0), "c": pytest.approx(0.5)}
    assert found["detectability"] == {"linear": None, "forest": None}  # too few rows to say
    assert found["correlation"] == pytest.approx(1 + np.corrcoef(made["x"], made["y"])[0, 1])


def test_a_picture_is_what_pillow_reads() -> None:
    import base64
    import io

    from PIL import Image

    images = np.random.default_rng(0).uniform(size=(7, 5, 6, 3))
    uri = grid(images, across=4)
    read = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))
    assert read.shape == (10, 24, 3)
    assert (read[5:, 6:12] == (images[5] * 255).round()).all()
    assert (read[5:, 18:] == 0).all()
    grey = (images[0, :, :, 0] * 255).astype(np.uint8)
    assert (np.asarray(Image.open(io.BytesIO(png(grey[:, :, None])))) == grey).all()
