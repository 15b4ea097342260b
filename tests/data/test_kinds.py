"""What columns and targets are taken for."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from cotune.data import describe_columns, load
from cotune.types import Task

N = 60
Y = ["a", "b"] * (N // 2)
ROWS = range(N)

KINDS: list[tuple[str, list[Any], str]] = [
    ("x", [str(i * 0.5) for i in ROWS], "numeric"),
    ("x", [f"{i % 7}" for i in ROWS], "numeric"),
    ("x", [i / 7 for i in ROWS], "numeric"),
    ("x", [f"1e{i % 9}" for i in ROWS], "numeric"),
    ("x", [i * 3 % 61 for i in ROWS], "numeric"),
    ("user_id", [i * 3 % 61 for i in ROWS], "identifier"),
    ("PassengerId", [i * 3 % 61 for i in ROWS], "identifier"),
    ("id", [i % 3 for i in ROWS], "numeric"),
    ("paid", [i * 3 % 61 for i in ROWS], "numeric"),
    ("id", [i / 7 for i in ROWS], "numeric"),
    ("x", list(ROWS), "identifier"),
    ("x", [str(i + 1) for i in ROWS], "identifier"),
    ("x", [i + 2 for i in ROWS], "numeric"),
    ("x", [f"n{i}" for i in ROWS], "identifier"),
    ("x", [f"n{i // 2}" for i in ROWS], "categorical"),
    ("x", ["7" if i % 10 else "word" for i in ROWS], "categorical"),
    ("x", ["Yes", "no"] * 30, "boolean"),
    ("x", ["TRUE", "false"] * 30, "boolean"),
    ("x", ["Yes", "no", "YES", "NO"] * 15, "boolean"),
    ("x", ["0", "1"] * 30, "boolean"),
    ("x", [0, 1] * 30, "boolean"),
    ("x", [True, False] * 30, "boolean"),
    ("x", ["yes", "true"] * 30, "categorical"),
    ("x", [0.0, 1.0] * 30, "numeric"),
    ("x", [f"2024-01-{i % 28 + 1:02}" for i in ROWS], "date"),
    ("x", [f"2024-01-{i % 28 + 1:02} 10:{i:02}" for i in ROWS], "date"),
    ("x", [f"2024-01-{i % 28 + 1:02}T10:{i:02}:01.5+02:00" for i in ROWS], "date"),
    ("x", ["only"] * N, "constant"),
    ("x", [3] * N, "constant"),
    ("x", ["NA", "?", "-", "null", "", " NaN "] * 10, "constant"),
    ("x", [None] * N, "constant"),
    ("x", ["only", ""] * 30, "categorical"),
]


@pytest.mark.parametrize(("name", "cells", "kind"), KINDS)
def test_kind(name: str, cells: list[Any], kind: str) -> None:
    data = load(pl.DataFrame({name: cells, "other": [i / 7 for i in ROWS], "y": Y}), target="y")
    assert data.columns[0].kind == kind, data.columns[0]
    assert (name in data.frame.columns) == (kind in ("numeric", "categorical", "boolean", "date"))
    left_out = [note for note in data.notes if f"'{name}'" in note]
    assert bool(left_out) == (kind in ("identifier", "constant"))


def test_moments_are_in_utc() -> None:
    cells = ["2024-01-01T01:30:00+02:00", "2024-01-01T01:30Z", "2024-01-01", "2024-01-01 01:30"]
    data = load(pl.DataFrame({"t": cells * 10, "y": ["a", "b"] * 20}), target="y")
    assert [str(moment) for moment in data.frame["t"][:4]] == [
        "2023-12-31 23:30:00",
        "2024-01-01 01:30:00",
        "2024-01-01 00:00:00",
        "2024-01-01 01:30:00",
    ]


def test_the_user_has_the_last_word() -> None:
    frame = pl.DataFrame({"code": [i % 5 for i in ROWS], "junk": [[1]] * N, "n": list(ROWS), "y": Y})
    data = load(frame, target="y", columns={"code": "categorical", "junk": "ignore", "n": "numeric"})
    assert data.frame.schema == {"code": pl.String, "n": pl.Float64}
    assert [(c.kind, c.inferred) for c in data.columns[:3]] == [
        ("categorical", False),
        ("ignore", False),
        ("numeric", False),
    ]
    assert describe_columns(data)[0]["note"] == "set by you"


def test_categories_are_named_alike_whatever_type_they_came_in() -> None:
    for cells in ([1, 2, 3], [1.0, 2.0, 3.0], ["1", "2", "3"]):
        data = load(pl.DataFrame({"c": cells * 20, "y": Y}), target="y", columns={"c": "categorical"})
        assert data.frame["c"][:3].to_list() == ["1", "2", "3"]


TASKS: list[tuple[str, list[Any], str, Task, tuple[str, ...]]] = [
    ("words", Y, "auto", Task.BINARY, ("a", "b")),
    ("booleans", [True, False] * 30, "auto", Task.BINARY, ("false", "true")),
    ("0 and 1", [1, 0] * 30, "auto", Task.BINARY, ("0", "1")),
    ("0.0 and 1.0", [1.0, 0.0] * 30, "auto", Task.BINARY, ("0", "1")),
    ("three numbers", ["10", "9", "2"] * 20, "auto", Task.MULTICLASS, ("2", "9", "10")),
    ("twelve numbers", [i % 12 for i in ROWS], "auto", Task.MULTICLASS, tuple(map(str, range(12)))),
    ("thirteen numbers in 60 rows", [i % 13 for i in ROWS], "auto", Task.REGRESSION, ()),
    ("fractions", [i % 3 / 2 for i in ROWS], "auto", Task.REGRESSION, ()),
    ("numbers as classes", [i % 13 for i in ROWS], "multiclass", Task.MULTICLASS, tuple(map(str, range(13)))),
    ("classes as numbers", ["1", "2", "3"] * 20, "regression", Task.REGRESSION, ()),
    ("two as multiclass", Y, "multiclass", Task.BINARY, ("a", "b")),
]


@pytest.mark.parametrize(("name", "cells", "task", "expected", "classes"), TASKS, ids=[t[0] for t in TASKS])
def test_task(name: str, cells: list[Any], task: str, expected: Task, classes: tuple[str, ...]) -> None:
    data = load(pl.DataFrame({"x": [i / 7 for i in ROWS], "y": cells}), target="y", task=task)
    assert (data.task, data.classes) == (expected, classes), name
    if expected is Task.REGRESSION:
        assert data.y.dtype == np.float64
        assert data.y.tolist() == [float(cell) for cell in cells]
    else:
        assert data.y.dtype == np.int64
        assert [classes[i] for i in data.y] == [str(cell).lower().removesuffix(".0") for cell in cells]


def test_rows_without_a_target_are_left_out_and_said_so() -> None:
    frame = pl.DataFrame({"x": [i / 7 for i in ROWS], "g": list("pqr") * 20, "y": [None, "?", *Y[2:]]})
    data = load(frame, target="y", group="g")
    assert data.rows == data.frame.height == len(data.groups) == N - 2
    assert data.frame["x"][0] == 2 / 7
    assert data.groups[:4].tolist() == [2, 0, 1, 2]
    assert data.notes == ("2 rows without a target were left out",)
    assert "g" not in data.frame.columns


def test_fingerprint_sees_every_change_and_nothing_else() -> None:
    frame = pl.DataFrame({"x": [i / 7 for i in ROWS], "c": list("pqr") * 20, "y": Y})

    def print_of(changed: pl.DataFrame, **options: Any) -> str:
        return load(changed, target="y", **options).fingerprint

    same = print_of(frame)
    assert print_of(frame.clone()) == same
    assert same == "51b3fd7ead26e4c5f9d8b5cda9e34cc4c7d150f994ab7e9820f51836483e6401"
    changed = [
        print_of(frame.with_columns(x=pl.col("x").replace(1 / 7, 1.0))),
        print_of(frame.with_columns(c=pl.col("c").replace("p", "P"))),
        print_of(frame.with_columns(c=pl.Series([None, *list("qr"), *list("pqr") * 19]))),
        print_of(frame.rename({"x": "z"})),
        print_of(frame.reverse()),
        print_of(frame, columns={"x": "categorical"}),
        print_of(frame, group="c"),
    ]
    assert len({same, *changed}) == len(changed) + 1
