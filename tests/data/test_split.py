"""Laws of every division: nothing lost, nothing shared, the same again from the same seed."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from cotune.data import Dataset, Splits, load, split
from cotune.errors import SplitError
from cotune.recipe.schema import SplitSection

N = 120


def dataset(task: str = "multiclass") -> Dataset:
    rng = np.random.default_rng(3)
    frame = pl.DataFrame(
        {
            "x": rng.normal(size=N),
            "g": rng.integers(0, 17, N).astype(str),
            "t": rng.permutation(N) / 2,
            "y": ["a"] * 60 + ["b"] * 40 + ["c"] * 20 if task == "multiclass" else rng.normal(size=N),
        }
    )
    return load(frame, target="y", group="g", time="t")


DIVISIONS: dict[str, tuple[dict[str, Any], int]] = {
    "holdout": ({}, 1),
    "holdout thrice": ({"repeats": 3, "validation": 0.3}, 3),
    "kfold": ({"method": "kfold"}, 5),
    "kfold twice": ({"method": "kfold", "folds": 4, "repeats": 2}, 8),
    "stratified": ({"method": "stratified"}, 5),
    "stratified twice": ({"method": "stratified", "folds": 4, "repeats": 2}, 8),
    "leave one out": ({"method": "leave_one_out"}, 96),
    "group": ({"method": "group", "folds": 3}, 3),
    "group twice": ({"method": "group", "folds": 3, "repeats": 2}, 6),
    "time": ({"method": "time", "folds": 4}, 4),
}


def as_lists(splits: Splits) -> list[list[int]]:
    return [splits.test.tolist(), *(part.tolist() for f in splits.folds for part in (f.train, f.validation))]


@pytest.mark.parametrize("task", ["multiclass", "regression"])
@pytest.mark.parametrize("name", DIVISIONS)
def test_every_division(name: str, task: str) -> None:
    data = dataset(task)
    settings, folds = DIVISIONS[name]
    if task == "regression" and "stratified" in name:
        pytest.skip("numbers have no classes")
    section = SplitSection(**settings)
    splits = split(data, section, seed=5)
    assert len(splits.folds) == folds
    for fold in splits.folds:
        parts = (splits.test, fold.train, fold.validation)
        together = np.concatenate(parts)
        assert all(len(part) and part.dtype == np.int64 and (np.diff(part) > 0).all() for part in parts)
        assert len(np.unique(together)) == len(together), "a row stands in two parts"
        if section.method != "time":
            assert len(together) == N, "a row was lost"
    if section.method not in ("holdout", "time"):
        held = np.sort(np.concatenate([fold.validation for fold in splits.folds]))
        rest = np.setdiff1d(np.arange(N), splits.test)
        assert held.tolist() == np.repeat(rest, section.repeats).tolist(), (
            "each row is validated once per repeat"
        )
    assert as_lists(split(data, section, seed=5)) == as_lists(splits)
    if section.method != "time":
        assert as_lists(split(data, section, seed=6)) != as_lists(splits)
        assert abs(len(splits.test) - 0.2 * N) <= 6


@pytest.mark.parametrize("method", ["holdout", "kfold", "stratified"])
def test_classes_keep_their_shares(method: str) -> None:
    data = dataset()
    splits = split(data, SplitSection(method=method), seed=0)
    assert splits.notes == ()
    for part in (splits.test, *(part for f in splits.folds for part in (f.train, f.validation))):
        shares = np.bincount(data.y[part], minlength=3) / len(part)
        assert np.allclose(shares, [1 / 2, 1 / 3, 1 / 6], atol=0.06)


def test_stratified_folds_are_those_of_kfold_where_both_can() -> None:
    one, other = (split(dataset(), SplitSection(method=m), seed=0) for m in ("stratified", "kfold"))
    assert as_lists(one) == as_lists(other)


def test_what_cannot_be_stratified_is_refused() -> None:
    section = SplitSection(method="stratified", folds=5)
    with pytest.raises(SplitError, match=r"need classes.*task is a regression; use method: kfold"):
        split(dataset("regression"), section, seed=0)
    labels = ["a"] * 20 + ["b"] * 17 + ["c"] * 3
    data = load(pl.DataFrame({"x": np.linspace(0, 1, 40), "y": labels}), target="y")
    with pytest.raises(SplitError, match=r"at least folds=5 rows a class .*'c' has 2; lower folds"):
        split(data, section, seed=0)
    assert len(split(data, SplitSection(method="stratified", folds=2), seed=0).folds) == 2


def test_repeats_differ() -> None:
    for method in ("holdout", "kfold", "stratified", "group"):
        folds = split(dataset(), SplitSection(method=method, folds=3, repeats=2), seed=0).folds
        assert folds[0].validation.tolist() != folds[len(folds) // 2].validation.tolist(), method


def test_groups_stay_together() -> None:
    data = dataset()
    assert data.groups is not None
    splits = split(data, SplitSection(method="group", folds=3, repeats=2), seed=1)
    for fold in splits.folds:
        parts = [set(data.groups[part].tolist()) for part in (splits.test, fold.train, fold.validation)]
        assert not parts[0] & parts[1]
        assert not parts[0] & parts[2]
        assert not parts[1] & parts[2]


def test_the_future_is_not_trained_on() -> None:
    data = dataset()
    assert data.times is not None
    splits = split(data, SplitSection(method="time", folds=4), seed=0)
    assert data.times[splits.test].min() > max(data.times[f.validation].max() for f in splits.folds)
    sizes = [len(fold.train) for fold in splits.folds]
    assert sizes == sorted(sizes)
    for fold in splits.folds:
        assert data.times[fold.train].max() < data.times[fold.validation].min()


def test_what_could_not_be_done_is_noted() -> None:
    frame = pl.DataFrame({"x": np.linspace(0, 1, 40), "y": ["a"] * 20 + ["b"] * 17 + ["c"] * 3})
    data = load(frame, target="y")
    assert "not stratified" in split(data, SplitSection(method="kfold"), seed=0).notes[0]
    noted = split(dataset(), SplitSection(method="time", folds=3, repeats=2), seed=0).notes
    assert noted == ("repeats=2 has no effect: time divides the rows in one way only",)


def test_one_large_group_leaves_enough_for_the_folds() -> None:
    sizes = [60, 1, 1, 1]
    groups = np.repeat(np.arange(4), sizes)
    frame = pl.DataFrame({"x": np.linspace(0, 1, 63), "g": groups.astype(str), "y": ["a", "b", "c"] * 21})
    data = load(frame, target="y", group="g")
    for seed in range(20):
        splits = split(data, SplitSection(method="group", folds=3, test=0.9), seed=seed)
        assert len(np.unique(groups[splits.test])) == 1
        assert len(splits.folds) == 3
