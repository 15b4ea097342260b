"""Which training rows an epoch goes through: extreme ones left out, classes balanced."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cotune.data import Dataset, Pipeline, load
from cotune.data.arrays import Ints
from cotune.data.prepare import balance
from cotune.data.prepare.settings import chooses_rows
from cotune.data.room import Room

N = 120
ROWS = np.arange(0, N, 2)
FAR = 1e6


def table(extreme: list[int], *, labels: list[str] | None = None) -> Dataset:
    """Numbers, dates and words; the rows `extreme` hold a number far beyond the fences."""
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(N, 2))
    x[extreme, 1] = FAR
    frame = pl.DataFrame(
        {
            "a": x[:, 0],
            "b": x[:, 1],
            "c": rng.choice(["u", "v"], N),
            "t": [f"2024-01-{1 + i % 28:02}" for i in range(N)],
            "y": labels or [("one", "two", "three")[i % 3] for i in range(N)],
        }
    )
    return load(frame, target="y")


def taken(data: Dataset, chosen: dict[str, Any], *, rows: Ints = ROWS, seed: int = 0) -> Ints:
    """The numbers of the rows that an epoch goes through."""
    places = Pipeline.fit(data, rows, chosen).training_rows(data, rows, seed=seed)
    return rows if places is None else rows[places]


def test_extreme_training_rows_are_left_out_and_teach_nothing() -> None:
    extreme = [4, 20, 21, 90]  # 21 is no training row
    data = table(extreme)
    expected = np.setdiff1d(ROWS, extreme)
    assert taken(data, {"outliers": "remove"}).tolist() == expected.tolist()
    pipeline = Pipeline.fit(data, ROWS, {"outliers": "remove"})
    apart = Pipeline.fit(data, expected, {"outliers": "none"})
    assert pipeline.encoder == apart.encoder
    assert np.array_equal(pipeline.transform(data.frame).numeric, apart.transform(data.frame).numeric)
    assert pipeline.transform(data.frame[[21]]).numeric.max() > 1000, "a new row is not clipped"
    said = " ".join(pipeline.describe())
    assert "3 of 60 training rows" in said
    assert "not trained on" in said
    assert "clipped" not in said


def test_target_and_class_weights_follow_from_the_rows_that_stay() -> None:
    data = table([0, 2, 6])
    weighted = Pipeline.fit(data, ROWS, {"outliers": "remove", "balance": "weights"})
    expected = balance.weights(data.y[np.setdiff1d(ROWS, [0, 2, 6])].astype(np.int64), 3)
    assert weighted.class_weights == expected
    frame = table([0, 2, 6]).frame[:].with_columns(y=np.arange(N) / 7)
    numbers = load(frame, target="y")
    fitted = Pipeline.fit(numbers, ROWS, {"outliers": "remove"})
    assert fitted.target_mean == numbers.y[np.setdiff1d(ROWS, [0, 2, 6])].mean()


@pytest.mark.parametrize(("extreme", "left_out"), [([0, 2, 4, 6, 8, 10], 6), ([0, 2, 4, 6, 8, 10, 12], 0)])
def test_at_most_a_tenth_is_left_out(extreme: list[int], left_out: int) -> None:
    data = table(extreme)
    assert len(taken(data, {"outliers": "remove"})) == 60 - left_out
    pipeline = Pipeline.fit(data, ROWS, {"outliers": "remove"})
    clipped = Pipeline.fit(data, ROWS, {"outliers": "clip"})
    assert (pipeline.encoder == clipped.encoder) == (left_out == 0)
    assert ("more than 10% of them, so they stayed" in " ".join(pipeline.describe())) == (left_out == 0)


def test_no_class_is_left_out_whole() -> None:
    labels = ["rare" if i in (4, 20, 21, 33) else ("one", "two")[i % 3 % 2] for i in range(N)]
    data = table([4, 20], labels=labels)
    assert taken(data, {"outliers": "remove"}).tolist() == ROWS.tolist()
    pipeline = Pipeline.fit(data, ROWS, {"outliers": "remove"})
    assert pipeline.encoder == Pipeline.fit(data, ROWS, {"outliers": "clip"}).encoder
    assert "among them all rows of a class, so they stayed" in " ".join(pipeline.describe())
    assert taken(table([4], labels=labels), {"outliers": "remove"}).tolist() == np.delete(ROWS, 2).tolist()


def test_nothing_extreme_is_nothing_done() -> None:
    data = table([])
    pipeline = Pipeline.fit(data, ROWS, {"outliers": "remove"})
    assert pipeline.training_rows(data, ROWS, seed=0) is None
    assert pipeline.encoder == Pipeline.fit(data, ROWS, {}).encoder
    assert "far fences" not in " ".join(pipeline.describe())


UNEVEN = ["big"] * 80 + ["mid"] * 30 + ["few"] * 10
"""Of the even rows 40, 15 and 5."""


@pytest.mark.parametrize(("method", "count"), [("oversample", 40), ("undersample", 5)])
def test_classes_come_equally_often(method: str, count: int) -> None:
    data = table([], labels=UNEVEN)
    rows = taken(data, {"balance": method})
    assert np.bincount(data.y[rows]).tolist() == [count] * 3
    assert set(rows.tolist()) <= set(ROWS.tolist())
    assert rows.dtype == np.int64
    times = np.bincount(rows, minlength=N)[ROWS]
    for label in range(3):
        each = times[data.y[ROWS] == label]
        assert each.max() - each.min() <= 1, "a row is preferred to another of its class"
    assert taken(data, {"balance": method}).tolist() == rows.tolist()
    assert taken(data, {"balance": method}, seed=1).tolist() != rows.tolist()
    said = Pipeline.fit(data, ROWS, {"balance": method}).describe()[-1]
    assert f"{count} training rows of each" in said


def test_a_removed_row_is_not_repeated() -> None:
    data = table([0, 2, 118], labels=UNEVEN)
    chosen = {"outliers": "remove", "balance": "oversample"}
    rows = taken(data, chosen)
    assert not {0, 2, 118} & set(rows.tolist())
    assert np.bincount(data.y[rows]).tolist() == [38] * 3
    state = Pipeline.fit(data, ROWS, chosen)
    assert state.encoder == Pipeline.fit(data, ROWS, {"outliers": "remove"}).encoder


@settings(max_examples=200, deadline=None)
@example(counts=[60, 0, *[1] * 10], seed=0)  # eleven classes of 60 would be more than nine times the rows
@example(counts=[60, 30, *[1] * 9], seed=0)
@given(counts=st.lists(st.integers(0, 60), min_size=2, max_size=12).filter(any), seed=st.integers(0, 2**64))
def test_laws_of_drawing(counts: list[int], seed: int) -> None:
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    there = [n for n in counts if n]
    for method in balance.TAKEN:
        asked = balance.class_rows(method, y, len(counts))
        assert all((n == 0) == (more == 0) for n, more in zip(counts, asked, strict=True))
        found = balance.places(asked, y, seed=seed)
        assert np.bincount(y[found], minlength=len(counts)).tolist() == list(asked)
        assert (np.diff(found) >= 0).all()
        if method == "undersample":
            assert {n for n in asked if n} == {min(there)}
            assert len(set(found.tolist())) == len(found)
        else:
            assert set(found.tolist()) == set(range(len(y))), "oversampling loses a row"
            assert len(found) <= balance.MOST * len(y)
            if max(there) * len(there) <= balance.MOST * len(y):
                assert {n for n in asked if n} == {max(there)}
            else:  # as far as it may go
                low = min(n for n in asked if n)
                assert sum(max(n, low + 1) for n in there) > balance.MOST * len(y)


@pytest.mark.parametrize("method", balance.TAKEN)
def test_numbers_have_no_classes_to_balance(method: str) -> None:
    data = load(table([]).frame[:].with_columns(y=np.arange(N) / 7), target="y")
    pipeline = Pipeline.fit(data, ROWS, {"balance": method})
    assert pipeline.training_rows(data, ROWS, seed=0) is None
    assert pipeline.class_rows == ()


@pytest.mark.parametrize(
    "chosen", [{"outliers": "remove"}, {"balance": "oversample"}, {"balance": "undersample"}]
)
def test_a_table_in_files_gives_the_same_rows(chosen: dict[str, Any], tmp_path: Path) -> None:
    whole = table([4, 20, 90], labels=UNEVEN)
    whole.frame[:].with_columns(y=pl.Series(UNEVEN)).write_parquet(tmp_path / "t.parquet")
    filed = load(tmp_path / "t.parquet", target="y", room=Room(1, tmp_path / "rows"))
    assert not isinstance(filed.frame, pl.DataFrame)
    assert taken(filed, chosen).tolist() == taken(whole, chosen).tolist()
    assert taken(whole, chosen).tolist() != ROWS.tolist()


@pytest.mark.parametrize("chosen", [{}, {"outliers": "clip"}, {"balance": "weights"}])
def test_nothing_else_chooses_rows(chosen: dict[str, Any]) -> None:
    assert not chooses_rows(chosen)
    data = table([4], labels=UNEVEN)
    assert Pipeline.fit(data, ROWS, chosen).training_rows(data, ROWS, seed=0) is None
