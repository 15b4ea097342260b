"""Which lanes a trial begins with, and what a share of the rows is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotune.data import load
from cotune.recipe import make
from cotune.recipe.stages import FRESH, Stages
from cotune.study.shares import order, share
from cotune.study.slots import Lengths
from study.tiny import table

EVERY = st.builds(
    Stages,
    by=st.sampled_from(["epochs", "folds", "rows"]),
    folds=st.integers(1, 12),
    seeds=st.integers(1, 3),
    reduction=st.integers(2, 4),
    levels=st.integers(0, 2),
)


@given(EVERY)
def test_stages_cover_every_fold_and_seed_and_no_lane_is_named_twice(stages: Stages) -> None:
    if stages.by != "rows":
        stages = replace(stages, levels=0)
    named = [index for stage in range(stages.last + 1) for index in stages.lanes(stage)]
    assert len(named) == len(set(named))
    assert max(named) < FRESH * stages.whole
    final = stages.counted(stages.last)
    assert final == set(range(stages.whole))
    assert {stages.fold(index) for index in final} == set(range(stages.folds))
    assert {stages.level(index) for index in final} == {0}
    assert stages.share(len(final)) == 1
    assert list(stages.resources) == sorted(set(stages.resources))
    for stage in range(stages.last + 1):
        lanes = stages.lanes(stage)
        if stages.by == "rows":
            assert {stages.level(index) for index in lanes} == {stages.levels - stage}
            assert sorted({stages.fold(index) for index in lanes}) == list(range(stages.folds))
        if stages.by == "folds":
            assert len(stages.counted(stage)) == stages.resources[stage] * stages.seeds


def test_stages_of_five_folds() -> None:
    stages = Stages("folds", folds=5, seeds=2)
    assert stages.resources == (1, 3, 5)
    assert [list(stages.lanes(stage)) for stage in range(3)] == [[0, 1], [2, 3, 4, 5], [6, 7, 8, 9]]
    assert [stages.share(len(stages.counted(stage))) for stage in range(3)] == [0.2, 0.6, 1.0]
    assert stages.words(1) == "3 of 5 folds"
    assert stages.stretch(3) == (3, pytest.approx(1 + 2 / 3 + 2 / 9))


def test_stages_of_rows() -> None:
    stages = Stages("rows", folds=2, seeds=1, levels=2)
    assert stages.resources == (1, 3, 9)
    assert [list(stages.lanes(stage)) for stage in range(3)] == [[4, 5], [2, 3], [0, 1]]
    assert [stages.fold(index) for index in range(6)] == [0, 1] * 3
    assert stages.words(0) == "11% of the rows"
    assert stages.stretch(3) == (pytest.approx(1 / 9 + 1 / 3 + 1), pytest.approx(3 / 9))


def test_lengths_with_stages_are_in_epochs_of_all_rows() -> None:
    asked = make(epochs=20, trials=100, rungs="asha", rung_by="folds")
    found = Lengths.of(asked, Stages("folds", folds=5, seeds=1))
    assert (found.longest, found.mean) == (60, pytest.approx(20 * (1 + 2 / 3 + 2 / 9)))
    assert Lengths.of(asked, Stages("epochs", folds=5, seeds=1)) == Lengths.of(asked)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory):
    """Three classes, one of them rare, and groups of rows."""
    rng = np.random.default_rng(0)
    frame = table("multiclass", rows=600).to_pandas()
    frame["y"] = np.where(rng.random(600) < 0.02, "rare", frame["y"])
    frame["group"] = [f"g{n}" for n in rng.integers(0, 60, 600)]
    path = tmp_path_factory.mktemp("shares") / "t.csv"
    frame.to_csv(path, index=False)
    return load(path, target="y"), load(path, target="y", group="group")


@given(st.integers(0, 10**6), st.floats(0.05, 0.9), st.floats(0.05, 0.9))
@settings(max_examples=20, deadline=None)
def test_shares_are_nested_and_like_the_whole(data, seed: int, one: float, other: float) -> None:
    plain, _ = data
    rows = np.arange(0, 600, 2)
    ordered = order(plain, rows, by_time=False, seed=seed)
    small, large = (share(ordered, part) for part in sorted((one, other)))
    assert set(small) <= set(large) <= set(rows)
    assert len(large) == round(max(one, other) * 300)
    counts, whole = np.bincount(plain.y[large], minlength=4), np.bincount(plain.y[rows], minlength=4)
    assert (counts >= 1).all(), "every class is there, the rare one too"
    assert np.abs(counts - whole * max(one, other)).max() <= len(whole)
    assert (share(ordered, 1.0) == rows).all()


@given(st.integers(0, 10**6), st.floats(0.05, 0.9))
@settings(max_examples=20, deadline=None)
def test_groups_stay_whole(data, seed: int, part: float) -> None:
    _, grouped = data
    rows = np.arange(600)
    ordered = order(grouped, rows, by_time=False, seed=seed)
    taken = share(ordered, part)
    inside, outside = set(grouped.groups[taken]), set(grouped.groups[np.setdiff1d(rows, taken)])
    assert not inside & outside
    assert len(taken) >= round(part * 600)
    assert set(grouped.y[taken]) == set(grouped.y)
    assert set(taken) <= set(share(ordered, min(1.0, part + 0.1)))


def test_in_time_the_last_rows_are_taken(data) -> None:
    plain, _ = data
    times = np.random.default_rng(1).permutation(600).astype(float)
    timed = replace(plain, times=times)
    taken = share(order(timed, np.arange(600), by_time=True, seed=0), 1 / 3)
    assert len(taken) == 200
    assert times[taken].min() == 400
