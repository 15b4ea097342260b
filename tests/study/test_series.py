"""Tables whose columns are the times of a series, for a recurrent network, with the augmentations of series."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import cotune
from cotune.errors import RecipeError
from cotune.product import Model

TIMES = 12


def waves(rows: int = 240) -> pl.DataFrame:
    """Two classes of waves, the second faster."""
    draw = np.random.default_rng(0)
    y = draw.integers(0, 2, rows)
    angle = np.arange(TIMES) * (0.4 + 0.5 * y[:, None]) + draw.uniform(0, 6, rows)[:, None]
    columns = {f"t{i}": np.sin(angle[:, i]) for i in range(TIMES)}
    return pl.DataFrame(columns).with_columns(y=pl.Series(["slow" if fast == 0 else "fast" for fast in y]))


def test_a_recurrent_network_learns_from_augmented_series(tmp_path: Path) -> None:
    settings = {"jitter": 0.05, "amplitude": 0.1, "time_warp": 0.1, "window": 0.1, "lr": 0.02, "width": 8}
    fixed = {"family": "gru", "scaling": "none", "epochs": 30, "trials": 1, "rungs": False}
    study = cotune.tune(waves(), target="y", out=tmp_path / "study", **fixed, **settings)
    assert study.show()["best"]["test_score"] > 0.8
    rows = waves().drop("y")
    said = Model.load(tmp_path / "study" / "best").predict_proba(rows)
    assert np.array_equal(said, study.best.predict_proba(rows))


REFUSED = {"norm": "batch", "dropout": 0.2, "activation": "gelu", "depth": 2}


@pytest.mark.parametrize("name", REFUSED)
def test_what_means_nothing_to_a_state_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=rf"network.{name} has no meaning"):
        cotune.tune(waves(), target="y", out=tmp_path / "study", family="gru", **{name: REFUSED[name]})


@pytest.mark.parametrize("asked", ["periodic", "piecewise", ["plain", "piecewise"]], ids=str)
def test_what_makes_several_numbers_of_a_time_is_refused(asked: str | list[str], tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"prepare.numbers must be plain for a recurrent network"):
        cotune.tune(waves(), target="y", out=tmp_path / "study", family="gru", numbers=asked)
    with pytest.raises(RecipeError, match=r"prepare.categories must be onehot for a recurrent network"):
        cotune.tune(waves(), target="y", out=tmp_path / "study", family="gru", categories="embedding")


def test_other_families_beside_it_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="family: gru alone"):
        cotune.tune(waves(), target="y", out=tmp_path / "study", family=["gru", "mlp"])
