"""Tables that do not fit into memory are what they would be in memory, to the last bit."""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cotune.data import Dataset, Pipeline, load, prepared
from cotune.data.room import Room
from cotune.data.tables import blocks, npy, stored
from cotune.data.tables.cells import cleaned
from cotune.data.tables.delimited import read_text
from cotune.data.tables.stored import StoredFrame
from cotune.errors import SourceError
from data.test_pipeline import every_setting, raw
from data.test_sources import FRAME, WAYS

ROWS = np.arange(100)
OF_FILES = ("csv", "semicolons", "tabs", "bars", "gzip", "Windows line ends", "old Mac line ends", "byte order mark",
            "blank lines", "no last line end", "blanks around cells", "a missing word", "parquet")  # fmt: skip


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few rows, so that small tables are read, and prepared, in many."""
    monkeypatch.setattr(blocks, "BLOCK", 37)
    monkeypatch.setattr(blocks, "ROWS", 3)
    monkeypatch.setattr(npy, "BLOCK", 64)
    monkeypatch.setattr(stored, "CELLS", 200)


def room(folder: Path, memory: int = 1) -> Room:
    return Room(memory, folder / "rows")


def both(source: object, folder: Path, **asked: Any) -> tuple[Dataset, Dataset]:
    """The data set in memory, and in files."""
    expected = load(source, **asked)
    found = load(source, **asked, room=room(folder))
    assert isinstance(expected.frame, pl.DataFrame)
    assert isinstance(found.frame, StoredFrame)
    return expected, found


def check_equal(found: Dataset, expected: Dataset) -> None:
    assert found.frame[:].equals(expected.frame[:])
    assert dict(found.frame.schema) == dict(expected.frame.schema)
    some = np.array([2, 0, 2])
    assert found.frame[some].equals(expected.frame[some])
    for name in ("y", "groups", "times"):
        mine, theirs = getattr(found, name), getattr(expected, name)
        assert (mine is None) == (theirs is None)
        assert mine is None or (mine.dtype == theirs.dtype and np.array_equal(mine, theirs))
    for name in ("columns", "target", "task", "classes", "fingerprint", "notes", "label_type", "name"):
        assert getattr(found, name) == getattr(expected, name), name


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("way", OF_FILES)
def test_a_file_gives_the_same_data_set(way: str, tmp_path: Path) -> None:
    expected, found = both(WAYS[way](tmp_path), tmp_path, target="y")
    check_equal(found, expected)
    assert found.fingerprint == load(FRAME, target="y").fingerprint
    assert [each.name for each in (tmp_path / "rows").iterdir()] == ["table"]


@pytest.mark.usefixtures("small")
def test_groups_times_and_rows_without_target(tmp_path: Path) -> None:
    n = 60
    frame = pl.DataFrame(
        {
            "x": [i / 7 for i in range(n)],
            "g": [f"g{i % 5}" for i in range(n)],
            "t": [f"2024-01-{1 + i % 28:02}" for i in range(n)],
            "y": [None if i % 9 == 0 else "ab"[i % 2] for i in range(n)],
        }
    )
    frame.write_csv(tmp_path / "t.csv")
    expected, found = both(tmp_path / "t.csv", tmp_path, target="y", group="g", time="t")
    check_equal(found, expected)
    assert found.rows == n - 7


@pytest.mark.parametrize(
    "dtype", ["float32", "float16", "int8", "uint8", "int16", "uint64", "float64", "bool"]
)
@pytest.mark.usefixtures("small")
def test_arrays_keep_their_numbers(dtype: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = (abs(rng.normal(size=(50, 3, 2, 1, 2))) * 50).astype("uint8" if dtype == "bool" else dtype)
    x = (x % 2).astype(dtype) if dtype == "bool" else x
    y = np.arange(50) % 3
    np.save(tmp_path / "X.npy", x)
    np.save(tmp_path / "y.npy", y)
    np.savez_compressed(tmp_path / "both.npz", X=x, y=y)
    table = np.column_stack([x.reshape(50, 12), y]).astype(dtype)
    np.save(tmp_path / "table.npy", table)
    for place, target in (
        (tmp_path, "kind"),
        (tmp_path / "both.npz", "kind"),
        (tmp_path / "table.npy", "12"),
    ):
        expected, found = both(place, tmp_path, target=target, task="multiclass")
        check_equal(found, expected)
    in_memory = load((x.reshape(50, 12), y), target="kind", task="multiclass")
    assert load(tmp_path, target="kind", task="multiclass").fingerprint == in_memory.fingerprint


@pytest.mark.usefixtures("small")
def test_a_frame_in_memory_is_typed_into_files(tmp_path: Path) -> None:
    expected, found = both(FRAME, tmp_path, target="y")
    check_equal(found, expected)


TEXT = st.lists(st.text(st.sampled_from('ab1",;\n\r é'), max_size=8), max_size=12).map("\n".join)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXT, size=st.integers(1, 40))
def test_blocks_and_the_whole_text_agree(
    text: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", size)
    path = tmp_path / "t.csv"
    path.write_bytes(("a,b\n" + text).encode())
    for old in tmp_path.glob("*.parquet"):
        old.unlink()
    said = outcome(lambda: (lambda frame, _: frame)(*read_text(path)))
    parts = outcome(lambda: blocks.stage_text(path, tmp_path)[0])
    if isinstance(said, str):
        assert parts == said
    else:
        found = pl.DataFrame([parts[name] for name in parts.columns])
        assert [cleaned(each).to_list() for each in found] == [cleaned(each).to_list() for each in said]


def outcome(read: Callable[[], Any]) -> Any:
    """What reading gives, or the words of its error."""
    try:
        return read()
    except SourceError as error:
        return str(error)


def test_lines_are_named_in_files_with_breaks_in_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 16)
    path = tmp_path / "t.csv"
    path.write_text('a,b\n1,"x\ny"\n' + "2,z\n" * 20 + "3,w\n")
    _, origin = blocks.stage_text(path, tmp_path)
    assert origin.place(0) == f"line 2 of {path}"
    assert origin.place(1) == f"line 4 of {path}"
    assert read_text(path)[1].place(21) == origin.place(21)


@pytest.fixture(params=["classes", "numbers"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Dataset, Dataset]:
    raw(request.param).write_parquet(tmp_path / "t.parquet")
    return both(tmp_path / "t.parquet", tmp_path, target="y")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("chosen", list(every_setting()), ids=str)
def test_every_preparation_is_the_same(chosen: Mapping[str, Any], pair: tuple[Dataset, Dataset]) -> None:
    expected, found = pair
    pipelines = [Pipeline.fit(dataset, ROWS, chosen) for dataset in pair]
    assert json.dumps(pipelines[0].to_json()) == json.dumps(pipelines[1].to_json())
    drawn = [p.training_rows(d, ROWS, seed=3) for p, d in zip(pipelines, pair, strict=True)]
    assert str(drawn[0]) == str(drawn[1])
    whole = pipelines[0].transform(expected.frame)
    for dataset, pipeline in zip(pair, pipelines, strict=True):
        features = prepared(pipeline, dataset)
        for mine, theirs in ((features.numeric, whole.numeric), (features.codes, whole.codes)):
            assert mine.dtype == theirs.dtype
            assert mine.shape == theirs.shape
            assert mine.tobytes() == theirs.tobytes()
        assert bool(features.mapped) == (dataset is found)


def test_what_fits_stays_in_memory_and_leaves_no_trace(tmp_path: Path) -> None:
    FRAME.write_csv(tmp_path / "t.csv")
    claimed: list[int] = []
    enough = Room(10_000, tmp_path / "rows", lambda: claimed.append(1))
    dataset = load(tmp_path / "t.csv", target="y", room=enough)
    features = prepared(Pipeline.fit(dataset, np.arange(20), {}), dataset)
    assert isinstance(dataset.frame, pl.DataFrame)
    assert not features.mapped
    assert not claimed
    assert not (tmp_path / "rows").exists()


def test_prepared_rows_go_to_files_once_memory_is_taken(tmp_path: Path) -> None:
    FRAME.write_csv(tmp_path / "t.csv")
    size = 6 * (tmp_path / "t.csv").stat().st_size
    whole = load(tmp_path / "t.csv", target="y")
    pipelines = [Pipeline.fit(whole, np.arange(n), {"categories": "embedding"}) for n in (20, 19)]
    first = prepared(pipelines[0], whole)
    size += first.numeric.nbytes + first.codes.nbytes
    dataset = load(tmp_path / "t.csv", target="y", room=room(tmp_path, size))
    assert isinstance(dataset.frame, pl.DataFrame)
    found = [prepared(pipeline, dataset) for pipeline in pipelines]
    assert [bool(features.mapped) for features in found] == [False, True]


def test_files_are_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    FRAME.write_csv(path)
    first = load(path, target="y", room=room(tmp_path))
    pipeline = Pipeline.fit(first, np.arange(20), {})
    features = prepared(pipeline, first)
    monkeypatch.setattr(blocks, "stage_text", None)
    monkeypatch.setattr("cotune.data.prepare.whole._blocks", None)
    check_equal(load(path, target="y", room=room(tmp_path)), first)
    assert np.array_equal(prepared(pipeline, first).numeric, features.numeric)


@pytest.mark.parametrize(
    "damage", ["source", "request", "cut column", "cut words", "cut description", "gone"]
)
def test_files_that_do_not_fit_are_made_again(damage: str, tmp_path: Path) -> None:
    path, table = tmp_path / "t.csv", tmp_path / "rows" / "table"
    FRAME.write_csv(path)
    load(path, target="y", room=room(tmp_path))
    (tmp_path / "rows" / "reading").mkdir()  # what a kill leaves
    asked: dict[str, Any] = {"target": "y"}
    if damage == "source":
        FRAME.with_columns(pl.col("size") * 2).write_csv(path)
    elif damage == "request":
        asked["columns"] = {"old": "categorical"}
    else:
        name = {"cut column": "000000.npy", "cut words": "000002.parquet"}.get(damage, "table.json")
        content = (table / name).read_bytes()
        (table / name).write_bytes(content[: len(content) // 2])
        if damage == "gone":
            (table / name).unlink()
    check_equal(load(path, **asked, room=room(tmp_path)), load(path, **asked))
    assert not (tmp_path / "rows" / "reading").exists()


@pytest.mark.parametrize("way", ["csv", "parquet", "npz"])
def test_a_full_disk_is_an_error_and_no_file_is_half(way: str, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        x, y = np.random.default_rng(0).normal(size=(5000, 20)), np.arange(5000) % 2
        path = tmp_path / f"t.{way}"
        if way == "npz":
            np.savez_compressed(path, X=x, y=y)
        else:
            frame = pl.DataFrame(x).with_columns(y=y)
            frame.write_csv(path) if way == "csv" else frame.write_parquet(path)
        with pytest.raises(OSError, match="No space left"):
            load(path, target="y", room=Room(1, disk / "rows"))
        assert not list(disk.rglob("*.partial"))
        assert not (disk / "rows" / "reading").exists()
        assert not (disk / "rows" / "table" / "table.json").exists()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("words", [1, 255, 256, 257, 65_535, 65_536, 65_537])
def test_words_of_every_count_come_back(words: int, tmp_path: Path) -> None:
    series = pl.Series("c", [None, *map(str, range(words)), None])
    column = stored.store(tmp_path, 0, series, pl.String())
    assert column.series("c", slice(None)).equals(series, null_equal=True)
    assert column.series("c", np.array([words, 0])).to_list() == [str(words - 1), None]
