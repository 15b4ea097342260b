"""Lanes train on the rows that their preparation chose, and the folds of a trial take equally many steps."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from cotune.data import Dataset, Pipeline, load, split
from cotune.engine import plan
from cotune.recipe import Recipe
from cotune.recipe.reading import make
from cotune.space.reading import from_recipe
from cotune.study.lanes import LaneFactory
from cotune.types import LaneId
from study.tiny import lasting, table, tune

ROWS = 240


def uneven() -> pl.DataFrame:
    """Three classes of 160, 60 and 20 rows, and some numbers far from all others."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(["big"] * 160 + ["mid"] * 60 + ["few"] * 20)
    x = rng.uniform(size=(ROWS, 2)) + (labels == "mid")[:, None]
    x[rng.choice(ROWS, 9, replace=False), 0] = 1e6
    return pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": labels})


def parts(data: Dataset, **settings: Any) -> tuple[Recipe, LaneFactory]:
    asked = {
        "width": 8,
        "depth": 1,
        "activation": "relu",
        "scaling": "standard",
        "epochs": 2,
        "batch_size": 16,
    }
    recipe = make(loss="cross_entropy", family="mlp", **{**asked, **settings})
    space = from_recipe(recipe)
    splits = split(data, recipe.split, seed=recipe.search.seed)
    return recipe, LaneFactory(recipe, space, data, splits)


CHOSEN: dict[str, dict[str, Any]] = {
    "all": {},
    "removed": {"outliers": "remove"},
    "oversampled": {"balance": "oversample"},
    "undersampled": {"balance": "undersample"},
    "both": {"outliers": "remove", "balance": "undersample"},
}


@pytest.mark.parametrize("name", CHOSEN)
def test_folds_share_their_steps_and_use_the_chosen_rows(name: str) -> None:
    data = load(uneven(), target="y")
    recipe, factory = parts(data, method="kfold", folds=3, seeds=2, **CHOSEN[name])
    lanes = factory.lanes(0, {})
    assert len(lanes) == 6
    splits = split(data, recipe.split, seed=0)
    counts = []
    for lane in lanes:
        fold = splits.folds[lane.id.index // 2]
        rows = lane.train.numpy()
        assert set(rows.tolist()) <= set(fold.train.tolist())
        assert lane.validation.tolist() == fold.validation.tolist()
        counts.append(len(rows))
        pipeline = factory.pipeline(lane.id, {})
        assert pipeline == Pipeline.fit(data, fold.train, {"scaling": "standard", **CHOSEN[name]})
        if "balance" in CHOSEN[name]:
            assert len(set(np.bincount(data.y[rows]).tolist())) == 1
        if "outliers" in CHOSEN[name]:
            assert data.frame["a"].to_numpy()[rows].max() < 1e6
    assert {lane.structure.steps for lane in lanes} == {min(counts) // 16}
    assert (counts[0] == len(splits.folds[0].train)) == (name == "all")


@pytest.mark.parametrize("name", CHOSEN)
def test_lanes_of_a_fold_hold_the_same_tensor(name: str) -> None:
    data = load(uneven(), target="y")
    recipe, factory = parts(data, method="kfold", folds=2, seeds=2, **CHOSEN[name])
    first, second, other = (factory.lane(LaneId(0, index), {}) for index in (0, 1, 2))
    later = factory.with_recipe(recipe).lane(LaneId(7, 0), {})
    assert first.train is second.train
    assert first.train is later.train
    assert first.train is not other.train
    assert first.variant is second.variant
    again = parts(data, method="kfold", folds=2, seeds=2, **CHOSEN[name])[1].lane(LaneId(0, 0), {})
    assert torch.equal(again.train, first.train), "a study that is resumed trains on other rows"
    if name == "oversampled":
        moved = parts(data, method="kfold", folds=2, seeds=2, seed=1, **CHOSEN[name])[1]
        assert not torch.equal(moved.lane(LaneId(0, 0), {}).train, first.train)


def test_a_batch_is_no_larger_than_what_is_left() -> None:
    data = load(uneven(), target="y")
    _, factory = parts(data, balance="undersample", batch_size=64)
    structure = factory.lane(LaneId(0, 0), {}).structure
    assert (structure.batch_size, structure.steps) == (39, 1), "three classes of 13 rows"


CASES: dict[str, dict[str, Any]] = {
    "rows": {"outliers": ["none", "remove"], "balance": ["oversample", "undersample"], "cv": 2},
    "pieces": {"numbers": ["plain", "piecewise"], "bins": [3, 8], "scaling": "robust_clip"},
    "selection": {"select": ["l1", "importance"], "missing": ["most_frequent", "constant"]},
    "stratified": {"method": "stratified", "folds": 3, "scaling": "maxabs"},
}


@pytest.mark.parametrize("case", CASES)
def test_the_same_study_in_memory_and_in_files(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "MARGIN", math.inf)  # lanes step the same way however busy the machine is
    frame = table("multiclass", rows=200)
    frame = frame.with_columns(a=pl.when(pl.int_range(200) % 40 == 0).then(1e5).otherwise(pl.col("a")))
    frame.write_parquet(tmp_path / "t.parquet")
    found = [tune(tmp_path / "t.parquet", tmp_path / str(m), memory=m, **CASES[case]) for m in ("auto", 1)]
    assert lasting(found[0].path) == lasting(found[1].path)
    assert len(found[0].best.predict(frame.drop("y"))) == 200
