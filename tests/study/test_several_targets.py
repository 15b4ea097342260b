"""Several columns of numbers, predicted together."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import r2_score

import cotune
from cotune.errors import CotuneError, RecipeError, TargetError
from cotune.product import Model
from study.tiny import FAST, command, lasting, table

SETTINGS: dict[str, Any] = {**FAST, "epochs": 15, "lr": [0.01, 0.03], "width": 16}


def two(rows: int = 240) -> pl.DataFrame:
    """A second target, of another size, with a value missing."""
    frame = table("regression", rows=rows)
    other = 100 * pl.col("y") - 50 * pl.col("a") + 1000
    return frame.with_columns(z=pl.when(pl.int_range(pl.len()) == 7).then(None).otherwise(other))


@pytest.mark.parametrize("ensemble", ["greedy", "stacking", "soup"])
def test_two_numbers_are_learned_together(ensemble: str, tmp_path: Path) -> None:
    study = cotune.tune(two(), target=["y", "z"], out=tmp_path / "s", ensemble=ensemble, **SETTINGS)
    said = study.best.predict(two())
    assert said.shape == (240, 2)
    truth = two().with_columns(pl.col("z").fill_null(strategy="forward"))
    assert r2_score(truth["y"], said[:, 0]) > 0.5
    assert r2_score(truth["z"], said[:, 1]) > 0.5
    result = study.view().meta["result"]
    assert result["test"]["r2"] > 0.4
    assert result["test"]["mse"] > 100, "in the targets' own units, the second one's are large"
    assert "1 rows without a target were left out" in study.view().meta["data"]["notes"]
    again = Model.load(study.path / "best")
    assert np.array_equal(again.predict(two()), said)
    assert again.table(two()).columns == ["prediction_y", "prediction_z"]


def test_the_command_line_takes_names_with_commas(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    two().write_csv(path)
    words = ["--epochs", "2", "--trials", "2", "--set", "width=8", "--set", "depth=1"]
    said = command("tune", path, "--target", "y, z", "--out", tmp_path / "s", *words)
    assert said.code == 0, said.err
    listed = command("predict", tmp_path / "s", path)
    assert listed.out.splitlines()[0] == "prediction_y,prediction_z"
    again = cotune.tune(path, target="y,z", out=tmp_path / "again", epochs=2, trials=2, width=8, depth=1)
    assert lasting(again.path)["result"]["test"] == lasting(tmp_path / "s")["result"]["test"]


REFUSED: dict[str, tuple[dict[str, Any], type[CotuneError], str]] = {
    "a word": ({"target": ["y", "colour"]}, TargetError, "several targets must all be numbers"),
    "a name twice": ({"target": "y,y"}, TargetError, "each target must be named once"),
    "a name that is not there": ({"target": "y,nobody"}, TargetError, "no target column 'nobody'"),
    "classes": ({"target": "y,z", "task": "binary"}, TargetError, "the task is regression, but is binary"),
    "counts": (
        {"target": "y,z", "loss": "poisson"},
        RecipeError,
        "training.loss poisson takes one number a row",
    ),
    "a selection": (
        {"target": "y,z", "select": "l1", "keep": 0.5},
        RecipeError,
        "prepare.select l1 takes one",
    ),
}


@pytest.mark.parametrize(("settings", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_knows_one_number_is_refused(
    settings: dict[str, Any], error: type[CotuneError], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        cotune.tune(two(), out=tmp_path / "s", **{**SETTINGS, **settings})
