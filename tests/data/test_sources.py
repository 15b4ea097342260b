"""Every way to hand over a table gives the same columns."""

import gzip
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cotune.data import load, read_frame
from cotune.data.tables.delimited import _plain, is_regular, parsed, sniff
from cotune.types import Task

FRAME = pl.DataFrame(
    {
        "size": [1.5, None, 2.25, 4.0] * 5,
        "count": [3, 1, 2, 2] * 5,
        "city": ["Köln", "Łódź", None, "a, b"] * 5,
        "old": [True, False, True, None] * 5,
        "day": [f"2024-0{month}-28" for month in (1, 2, 3, 4)] * 5,
        "y": ["no", "yes", "no", "maybe"] * 5,
    }
)


def _csv(folder: Path, separator: str = ",", name: str = "t.csv") -> Path:
    FRAME.write_csv(folder / name, separator=separator)
    return folder / name


def _compressed(folder: Path) -> Path:
    path = folder / "t.csv.gz"
    path.write_bytes(gzip.compress(_csv(folder).read_bytes()))
    return path


def _rewritten(folder: Path, change: Callable[[bytes], bytes]) -> Path:
    path = _csv(folder)
    path.write_bytes(change(path.read_bytes()))
    return path


def _parquet(folder: Path) -> Path:
    FRAME.write_parquet(folder / "t.parquet")
    return folder / "t.parquet"


WAYS: dict[str, Callable[[Path], object]] = {
    "csv": _csv,
    "path as a word": lambda folder: str(_csv(folder)),
    "semicolons": lambda folder: _csv(folder, ";"),
    "tabs": lambda folder: _csv(folder, "\t", "t.tsv"),
    "bars": lambda folder: _csv(folder, "|"),
    "gzip": _compressed,
    "Windows line ends": lambda folder: _rewritten(folder, lambda b: b.replace(b"\n", b"\r\n")),
    "old Mac line ends": lambda folder: _rewritten(folder, lambda b: b.replace(b"\n", b"\r")),
    "byte order mark": lambda folder: _rewritten(folder, lambda b: b"\xef\xbb\xbf" + b),
    "blank lines": lambda folder: _rewritten(folder, lambda b: b.replace(b"\n", b"\n\n") + b"\n\n"),
    "no last line end": lambda folder: _rewritten(folder, lambda b: b.rstrip()),
    "blanks around cells": lambda folder: _rewritten(folder, lambda b: b.replace(b"yes", b" yes ")),
    "a missing word": lambda folder: _rewritten(folder, lambda b: b.replace(b",,", b", N/A ,")),
    "parquet": _parquet,
    "polars": lambda _: FRAME,
    "lazy polars": lambda _: FRAME.lazy(),
    "pandas": lambda _: FRAME.to_pandas(),
    "pandas objects": lambda _: FRAME.to_pandas().astype(object),
    "pandas nullable": lambda _: FRAME.to_pandas().convert_dtypes(),
    "X polars, y list": lambda _: (FRAME.drop("y"), FRAME["y"].to_list()),
    "X pandas, y series": lambda _: (FRAME.drop("y").to_pandas(), FRAME["y"].to_pandas()),
    "X object array": lambda _: (FRAME.drop("y"), FRAME["y"].to_numpy().reshape(-1, 1)),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_leads_to_the_same_data_set(way: str, tmp_path: Path) -> None:
    expected, found = load(FRAME, target="y"), load(WAYS[way](tmp_path), target="y")
    assert found.frame.equals(expected.frame), found.frame
    assert found.classes == ("maybe", "no", "yes")
    assert np.array_equal(found.y, expected.y)
    assert found.fingerprint == expected.fingerprint
    assert [c.kind for c in found.columns] == [
        "numeric",
        "numeric",
        "categorical",
        "boolean",
        "date",
        "target",
    ]


def test_arrays_name_their_columns() -> None:
    table = np.column_stack([np.linspace(0, 1, 20), np.arange(20) % 2]).astype(float)
    assert read_frame(table).columns == ["x0", "x1"]
    by_name, by_index = load(table, target="x1"), load(table, target="1")
    assert by_name.target == by_index.target == "x1"
    assert by_name.classes == ("0", "1")
    assert load((table, table[:, 1]), target=None).target == "target"
    assert load((table, table[:, 1]), target="label").columns[-1].name == "label"


def test_dtypes_of_arrays() -> None:
    y = np.arange(20) % 2
    for dtype in ("float16", "float32", "int8", "uint64", "bool", "U3", "S3"):
        x = (np.arange(40).reshape(20, 2) // 3 % 2).astype(dtype)
        assert load((x, y), target=None).frame.shape == (20, 2), dtype


CELL = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=5
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=6))
def test_both_readers_agree_and_invert_writing(cells: list[tuple[str, str, str]], tmp_path: Path) -> None:
    import csv
    import io

    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([("a", "b", "c"), *cells])
    text = out.getvalue().encode().rstrip(b"\n")
    plain = _plain(lambda: io.StringIO(text.decode(), newline=""), ",", ["a", "b", "c"], tmp_path)
    assert plain.rows() == cells
    if is_regular(text, ",", 3):
        fast = parsed(text, ",", ["a", "b", "c"])
        assert fast is None or fast.fill_null("").rows() == cells


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        (b"a,b\n1,2", ","),
        (b"a;b\n1,5;2,5", ";"),
        (b"a\tb, c\n1\t2", "\t"),
        (b'"a;b",c\n1,2\n"x;y",3', ","),
        (b"a|b\n1|2", "|"),
        (b"a\n1", ","),
    ],
)
def test_separator_is_sniffed(text: bytes, separator: str) -> None:
    assert sniff(text) == separator


def test_stray_quotes_are_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('pipe,n,y\n5" wide,1,a\n6" wide,2,b\n')
    assert read_frame(path)["pipe"].to_list() == ['5" wide', '6" wide']


def test_import_is_light() -> None:
    heavy = ("torch", "sklearn", "pandas", "scipy")
    code = f"import sys, cotune.data; print([m for m in {heavy} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )


def test_pandas_frames_do_not_need_pyarrow() -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None\nimport pandas as pd\nfrom cotune.data import read_frame\n"
        "print(read_frame(pd.DataFrame({'a': [1, 2], 'b': ['u', None]})).rows())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found == "[(1, 'u'), (2, None)]\n"


def test_adult(shared_data: Callable[[str], Path]) -> None:
    path = shared_data("adult.csv")
    start = time.perf_counter()
    adult = load(path, target="income")
    assert time.perf_counter() - start < 2
    assert (adult.rows, adult.task, adult.classes) == (32561, Task.BINARY, ("<=50K", ">50K"))
    assert {c.name: c.missing for c in adult.columns if c.missing} == {
        "workclass": 1836,
        "occupation": 1843,
        "native_country": 583,
    }
    assert sum(c.kind == "categorical" for c in adult.columns) == 8
    assert adult.fingerprint == load(pd.read_csv(path), target="income").fingerprint


def test_california(shared_data: Callable[[str], Path]) -> None:
    housing = load(shared_data("california_housing.csv"), target="median_house_value")
    assert (housing.rows, housing.task) == (20640, Task.REGRESSION)
    assert [(c.name, c.missing) for c in housing.columns if c.missing] == [("total_bedrooms", 207)]


def test_letter(shared_data: Callable[[str], Path]) -> None:
    letter = load(shared_data("letter.csv"), target="class")
    assert (letter.rows, letter.task, len(letter.classes)) == (20000, Task.MULTICLASS, 26)
