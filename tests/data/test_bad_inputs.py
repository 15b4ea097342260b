"""Data that cannot be used: the right error, quickly, naming the place and the remedy."""

import gzip
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from cotune.data import load, split
from cotune.data.room import Room
from cotune.data.tables import blocks
from cotune.errors import ColumnError, DataError, SourceError, SplitError, TargetError
from cotune.recipe.schema import SplitSection

Build = Callable[[Path], Any]
"""Writes into the folder, and returns what the user would hand over."""


@dataclass(frozen=True)
class Bad:
    name: str
    build: Build
    error: type[DataError]
    words: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keywords of `load`, over target="y"."""
    division: Mapping[str, Any] | None = None
    """Settings of `split`, where loading succeeds."""


def text(content: str | bytes, name: str = "t.csv") -> Build:
    """A file with this content."""

    def build(folder: Path) -> Path:
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)
        return folder / name

    return build


def arrays(name: str, *one: Any, **several: Any) -> Build:
    """A file as NumPy saves it."""

    def build(folder: Path) -> Path:
        np.savez(folder / name, **several) if several else np.save(folder / name, *one, allow_pickle=True)
        return folder / name

    return build


def rows(**columns: Any) -> Build:
    """A CSV with these columns."""

    def build(folder: Path) -> Path:
        pl.DataFrame({name: list(map(str, values)) for name, values in columns.items()}).write_csv(
            folder / "t.csv"
        )
        return folder / "t.csv"

    return build


def given(value: Any) -> Build:
    return lambda _: value


def in_folder(name: str) -> Build:
    """A path that may not exist, next to a file income.csv."""

    def build(folder: Path) -> Path:
        (folder / "income.csv").write_text("a,y\n1,2\n")
        return folder / name

    return build


N = 40
X = [round(0.1 * i, 1) for i in range(N)]
AB = ["a", "b"] * (N // 2)
XY = np.random.default_rng(0).normal(size=(N, 3))
LABELS = np.array([0, 1] * (N // 2))


def frame(**columns: Any) -> pl.DataFrame:
    return pl.DataFrame({"x": X, "y": AB} | columns)


def numbers_but(row: int, word: str) -> list[Any]:
    return [word if i == row else value for i, value in enumerate(X)]


BAD = [
    # files
    Bad("missing file", in_folder("incom.csv"), SourceError, ("no file", "did you mean 'income.csv'?")),
    Bad("missing folder", in_folder("no/such.csv"), SourceError, ("no file", "there is no directory")),
    Bad("a directory", in_folder("."), SourceError, ("is a directory", "name a file")),
    Bad(
        "an address", given("https://x.org/t.csv"), SourceError, ("https://x.org/t.csv", "download it first")
    ),
    Bad("unknown ending", text("a,y\n1,2\n", "t.doc"), SourceError, (".csv", "t.doc", "export")),
    Bad("txt ending", text("a,y\n1,2\n", "t.txt"), SourceError, ("t.txt", "rename")),
    Bad("pickle by name", text(b"\x80\x04x", "t.pkl"), SourceError, ("t.pkl", "never unpickles")),
    Bad("joblib by name", text(b"\x80\x04x", "t.joblib"), SourceError, ("t.joblib", "never unpickles")),
    Bad("cut npy", text(b"\x93NUMPY", "t.npy"), SourceError, ("t.npy", "whole NumPy arrays", "numpy.save")),
    Bad(
        "npy of objects",
        arrays("t.npy", np.array([["a", 1]], dtype=object)),
        SourceError,
        ("t.npy", "objects"),
    ),
    Bad("npy of one axis", arrays("t.npy", np.arange(9)), SourceError, ("a row for each example", "(9,)")),
    Bad("npz of other names", arrays("t.npz", data=XY), SourceError, ("t.npz", "X and y", "numpy.savez")),
    Bad(
        "npz in which lengths differ",
        arrays("t.npz", X=XY, y=LABELS[1:]),
        SourceError,
        ("X has 40 and y has 39",),
    ),
    Bad("cut npz", text(b"PK\x03\x04", "t.npz"), SourceError, ("t.npz", "numpy.savez")),
    Bad(
        "workbook by name", text(b"PK\x03\x04", "t.xlsx"), SourceError, ("t.xlsx", "export the sheet as CSV")
    ),
    Bad("pickle in disguise", text(b"\x80\x05\x95"), SourceError, ("is a pickle", "pass the frame")),
    Bad("workbook in disguise", text(b"PK\x03\x04ab"), SourceError, ("Excel", "export the sheet as CSV")),
    Bad("array in disguise", text(b"\x93NUMPY\x01"), SourceError, ("NumPy array", "pass the array")),
    Bad(
        "parquet in disguise",
        text(b"PAR1....PAR1"),
        SourceError,
        ("Parquet", "rename it to end with .parquet"),
    ),
    Bad("gzip in disguise", text(gzip.compress(b"a,y\n1,2\n")), SourceError, ("gzip", "rename")),
    Bad(
        "cut gzip",
        text(gzip.compress(b"a,y\n1,2\n" * 99)[:30], "t.csv.gz"),
        SourceError,
        ("whole gzip", "copy it again"),
    ),
    Bad("corrupt parquet", text(b"PAR1 nothing PAR1", "t.parquet"), SourceError, ("whole Parquet", "again")),
    Bad("empty file", text(""), SourceError, ("is empty", "column names")),
    Bad("blank file", text("\n \n\n"), SourceError, ("is empty",)),
    Bad("header only", text("a,b,y\n"), SourceError, ("no rows", "add rows under line 1")),
    Bad(
        "Latin-1",
        text("a,y\n1,x\n2,caf\xe9\n".encode("latin-1")),
        SourceError,
        ("line 3", "0xe9", "offset 13", "UTF-8"),
    ),
    Bad("UTF-16", text("a,y\n1,2\n".encode("utf-16")), SourceError, ("UTF-16", "re-save it as UTF-8")),
    Bad("zero byte", text(b"a,y\n1,2\n\x00,3\n"), SourceError, ("line 3", "zero byte")),
    Bad("long line", text("a,y\n1,2\n3,4,5\n6,7\n"), SourceError, ("line 3", "(2)", "has 3", "quote cells")),
    Bad("short line", text("a,b,y\n1,2,3\n4,5,6\n7,8\n"), SourceError, ("line 4", "(3)", "has 2")),
    Bad("short after break in cell", text('a,b,y\n"1\n2",2,3\n4,5\n'), SourceError, ("line 4", "has 2")),
    Bad("open quote", text('a,y\n1,2\n"3,4\n5,6\n'), SourceError, ("line 3", "close the quote")),
    Bad("column twice", text("a,b,a,y\n1,2,3,4\n"), SourceError, ("columns 1 and 3", "'a'", "rename one")),
    Bad("no header", text("1,2,1\n" * 20), SourceError, ("'1'", "line of column names missing")),
    # arrays and frames
    Bad("number as source", given(7), SourceError, ("a path", "got a int")),
    Bad("three in a tuple", given((XY, LABELS, LABELS)), SourceError, ("pair (X, y)", "has 3")),
    Bad("array without target", given(XY), TargetError, ("pass a pair (X, y)",), {"target": None}),
    Bad("frame without target", given(frame()), TargetError, ("--target", "known: x, y"), {"target": None}),
    Bad("1-D X", given((LABELS, LABELS)), SourceError, ("2 axes", "(40,)", "reshape")),
    Bad(
        "5-D X",
        given((np.zeros((4, 2, 2, 2, 2)), LABELS[:4])),
        SourceError,
        ("2 axes", "(4, 2, 2, 2, 2)", "flatten"),
    ),
    Bad("lengths differ", given((XY, LABELS[:-1])), SourceError, ("X has 40 and y has 39",)),
    Bad("complex X", given((XY + 1j, LABELS)), SourceError, ("real numbers", "complex", "imaginary")),
    Bad("ragged X", given(([[1, 2], [3]], [0, 1])), SourceError, ("equal rows",)),
    Bad("two targets", given((XY, XY[:, :2])), TargetError, ("one value per row", "(40, 2)")),
    Bad("target name taken", given((frame(), LABELS)), SourceError, ("already", "name the target otherwise")),
    Bad("frame without rows", given(frame().clear()), SourceError, ("must have rows",)),
    Bad("frame without columns", given(pl.DataFrame()), SourceError, ("must have columns",)),
    Bad(
        "pandas columns twice",
        given(pd.DataFrame(XY, columns=["a", "y", "a"])),
        SourceError,
        ("0 and 2", "'a'"),
    ),
    Bad("list column", given(frame(l=[[1, 2]] * N)), ColumnError, ("column 'l'", "List", "flatten")),
    Bad("struct column", given(frame(s=[{"k": 1}] * N)), ColumnError, ("column 's'", "Struct")),
    Bad(
        "mixed pandas column",
        given(pd.DataFrame({"x": [*X[:-1], "many"], "y": AB})),
        ColumnError,
        ("one type", "'x'", "numbers", "'many' in row 39", "convert"),
    ),
    Bad(
        "objects in a column",
        given(pd.DataFrame({"x": [{1}] * N, "y": AB})),
        ColumnError,
        ("set in row 0", "ignore"),
    ),
    # columns
    Bad(
        "word among numbers",
        rows(x=numbers_but(5, "many"), y=AB),
        ColumnError,
        ("'x'", "line 7", "'many'", "fix the cell", "columns={x: categorical}"),
    ),
    Bad(
        "word after a break in a cell",
        text("x,n,y\n" + '0.5,"a\nb",0\n' + "1.5,c,1\n" * 40 + "oops,c,0\n"),
        ColumnError,
        ("'x'", "line 44", "'oops'"),
    ),
    Bad(
        "no such day",
        rows(x=[*["2024-02-28"] * 39, "2024-02-30"], y=AB),
        ColumnError,
        ("'x'", "line 41", "2024-02-30"),
    ),
    Bad("infinite cell", rows(x=numbers_but(3, "inf"), y=AB), ColumnError, ("finite", "'x'", "line 5")),
    Bad(
        "infinite in an array",
        given((np.where(XY[7, 1] == XY, np.inf, XY), LABELS)),
        ColumnError,
        ("finite", "'x1'", "row 7"),
    ),
    Bad("too large a number", rows(x=numbers_but(3, "1e300"), y=AB), ColumnError, ("'x'", "1e300", "line 5")),
    Bad(
        "decimal commas",
        text("x;y\n" + "1,5;a\n2,25;b\n" * 20),
        ColumnError,
        ("decimal point", "'1,5'", "line 2"),
    ),
    Bad("only an identifier", rows(id=range(7, 7 + N), y=AB), ColumnError, ("id (identifier)", "set a kind")),
    Bad("only the target", rows(y=AB), ColumnError, ("besides the target", "none")),
    Bad("only empty columns", rows(x=[""] * N, y=AB), ColumnError, ("x (constant)",)),
    Bad(
        "override of nothing",
        given(frame()),
        ColumnError,
        ("'xx'", "did you mean 'x'?"),
        {"columns": {"xx": "numeric"}},
    ),
    Bad(
        "unknown kind",
        given(frame()),
        ColumnError,
        ("'numerical'", "did you mean 'numeric'?"),
        {"columns": {"x": "numerical"}},
    ),
    Bad(
        "override of the target",
        given(frame()),
        ColumnError,
        ("target 'y'", "set task"),
        {"columns": {"y": "numeric"}},
    ),
    Bad(
        "override against the cells",
        given(frame(c=AB)),
        ColumnError,
        ("'c'", "row 0", "'a'"),
        {"columns": {"c": "numeric"}},
    ),
    Bad(
        "boolean override",
        given(frame()),
        ColumnError,
        ("'x'", "row 1", "yes/no"),
        {"columns": {"x": "boolean"}, "target": "y"},
    ),
    Bad(
        "no group column",
        given(frame()),
        ColumnError,
        ("group column 'who'", "known: x, y"),
        {"group": "who"},
    ),
    Bad("no time column", given(frame()), ColumnError, ("time column 'xs'",), {"time": "xs"}),
    Bad("group is the target", given(frame()), ColumnError, ("must not be the target",), {"group": "y"}),
    Bad(
        "hole in the group",
        given(frame(g=[None, *AB[1:]])),
        ColumnError,
        ("'g'", "row 0", "fill it in"),
        {"group": "g"},
    ),
    Bad("words as time", given(frame(t=AB)), ColumnError, ("'t'", "'a'", "row 0"), {"time": "t"}),
    # target
    Bad(
        "misspelt target",
        given(frame(income=X)),
        TargetError,
        ("'incme'", "did you mean 'income'?"),
        {"target": "incme"},
    ),
    Bad("target index out of range", given(XY), TargetError, ("'9'", "x0, x1, x2"), {"target": "9"}),
    Bad(
        "unknown task",
        given(frame()),
        TargetError,
        ("'regresion'", "did you mean 'regression'?"),
        {"task": "regresion"},
    ),
    Bad("empty target", rows(x=X, y=[""] * N), TargetError, ("all 40 rows", "name another column")),
    Bad("constant target", rows(x=X, y=["a"] * N), TargetError, ("must vary", "'a'")),
    Bad(
        "words in a regression",
        rows(x=X, y=numbers_but(2, "high")),
        TargetError,
        ("line 4", "'high'", "fix the cell"),
        {"task": "regression"},
    ),
    Bad(
        "a word among numbers of a target",
        rows(x=X, y=numbers_but(2, "high")),
        TargetError,
        ("line 4", "'high'"),
    ),
    Bad("infinite target", given((XY, np.r_[np.inf, XY[1:, 0]])), TargetError, ("finite", "row 0")),
    Bad(
        "class with one row", rows(x=X, y=["c", *AB[1:]]), TargetError, ("1 of the 3 classes", "'c'", "merge")
    ),
    Bad(
        "too many classes", rows(x=X, y=[f"n{i}" for i in range(N)]), TargetError, ("40 classes in 40 rows",)
    ),
    Bad(
        "three classes as binary",
        rows(x=X, y=["a", "b", "c", "d"] * 10),
        TargetError,
        ("2 classes", "has 4", "multiclass"),
        {"task": "binary"},
    ),
    Bad(
        "dates as target",
        given(frame(d=[datetime(2024, 1, day % 28 + 1) for day in range(N)])),
        TargetError,
        ("'d'", "Datetime"),
        {"target": "d"},
    ),
    Bad("list as target", given(frame(l=[[1, 2]] * N)), TargetError, ("'l'", "List"), {"target": "l"}),
    Bad("one row", rows(x=[1.5], y=["a"]), TargetError, ("at least 10 rows", "1 of 1", "more rows")),
    Bad("nine usable rows", rows(x=X, y=[*AB[:9], *[""] * 31]), TargetError, ("'y' has 9 of 40",)),
    # splits
    Bad(
        "group split without group",
        given(frame()),
        SplitError,
        ("group column", "--set group="),
        {},
        {"method": "group"},
    ),
    Bad(
        "time split without time",
        given(frame()),
        SplitError,
        ("time column", "--set time="),
        {},
        {"method": "time"},
    ),
    Bad(
        "too few groups",
        given(frame(g=AB)),
        SplitError,
        ("folds + 1 = 6", "there are 2", "lower folds"),
        {"group": "g"},
        {"method": "group"},
    ),
    Bad(
        "more folds than rows",
        given(frame()),
        SplitError,
        ("folds=33", "32 rows", "lower folds"),
        {},
        {"method": "kfold", "folds": 33},
    ),
    Bad(
        "folds in too short a time",
        given(frame(t=X)),
        SplitError,
        ("32 folds", "32 remain", "lower folds"),
        {"time": "t"},
        {"method": "time", "folds": 32},
    ),
    Bad(
        "leave one of many out",
        given((np.random.default_rng(0).normal(size=(3000, 1)), np.arange(3000) % 2)),
        SplitError,
        ("2400", "method: kfold"),
        {},
        {"method": "leave_one_out"},
    ),
    Bad(
        "empty test part",
        given(frame()),
        SplitError,
        ("test=0.01", "0 test rows", "another fraction"),
        {},
        {"test": 0.01},
    ),
    Bad(
        "empty validation part",
        given(frame()),
        SplitError,
        ("validation=0.01", "0 validation rows"),
        {},
        {"validation": 0.01},
    ),
    Bad("no training rows", given(frame()), SplitError, ("test=0.99", "leaves 0"), {}, {"test": 0.99}),
]


def use(source: Any, bad: Bad, room: Room | None = None) -> None:
    dataset = load(source, **{"target": "y", **bad.options}, room=room)
    assert bad.division is not None, "loading should have failed"
    split(dataset, SplitSection(**bad.division), seed=0)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_bad_input_is_named_and_answered(bad: Bad, tmp_path: Path) -> None:
    source = bad.build(tmp_path)
    start = time.perf_counter()
    with pytest.raises(bad.error) as caught:
        use(source, bad)
    message = str(caught.value)
    missing = [words for words in bad.words if words not in message]
    assert not missing, f"{missing} not in: {message}"
    assert type(caught.value) is bad.error
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_it_is_named_alike_where_the_table_is_too_large_for_memory(
    bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 7)
    with pytest.raises(bad.error) as in_memory:
        use(bad.build(tmp_path), bad)
    with pytest.raises(bad.error) as in_files:
        use(bad.build(tmp_path), bad, Room(1, tmp_path / "rows"))
    assert str(in_files.value) == str(in_memory.value)
    assert not list((tmp_path / "rows").glob("reading*"))


def test_enough_faults_and_no_name_twice() -> None:
    assert len(BAD) >= 45
    assert len({bad.name for bad in BAD}) == len(BAD)
