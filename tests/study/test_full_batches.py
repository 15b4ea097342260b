"""`batch_size: full` is batch gradient descent: all training rows of a fold make one step."""

from pathlib import Path
from typing import Any

import pytest

from cotune.errors import RecipeError
from cotune.recipe import make
from study.tiny import lasting, table, tune, view_of

FULL: dict[str, Any] = {"batch_size": "full", "trials": 2, "rungs": False}


def records(study: Path) -> list[Any]:
    return [record for some in view_of(study).records.values() for record in some]


@pytest.mark.parametrize(
    "division",
    [{}, {"cv": 3}, {"method": "time", "time": "when", "folds": 3}],
    ids=["holdout", "folds", "time"],
)
def test_an_epoch_is_one_step(division: dict[str, Any], tmp_path: Path) -> None:
    tune(table(rows=61), tmp_path / "s", **FULL, **division)
    found = records(tmp_path / "s")
    assert len({record.lane for record in found}) == 2 * division.get("cv", division.get("folds", 1))
    assert all(record.step == record.epoch for record in found)


def test_it_is_the_number_of_training_rows(tmp_path: Path) -> None:
    """Of 60 rows 12 are tested and 10 judge: a batch of 38, to the last bit; one of 37 is another."""
    tune(table(rows=60), tmp_path / "full", **FULL)
    for size, same in ((38, True), (37, False)):
        tune(table(rows=60), tmp_path / str(size), **{**FULL, "batch_size": size})
        assert (lasting(tmp_path / "full")["records"] == lasting(tmp_path / str(size))["records"]) is same


def test_it_follows_the_rows_that_the_preparation_chose(tmp_path: Path) -> None:
    tune(table(rows=60), tmp_path / "s", **FULL, balance="oversample")
    assert all(record.step == record.epoch for record in records(tmp_path / "s"))


def test_it_is_fixed_or_a_number_is_searched() -> None:
    assert make(batch_size="full").training.batch_size == "full"
    with pytest.raises(RecipeError, match="batch_size"):
        make(batch_size=["full", 32])
