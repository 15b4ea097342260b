"""Series as data: .ts files, arrays and long tables; what is refused, and how."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cotune.data import load
from cotune.data.prepare.fitting import fit, from_json
from cotune.data.series.rows import Series
from cotune.data.series.ts import read_ts
from cotune.errors import ColumnError, DataError, SourceError, TargetError

HEAD = """# made up
@problemName Made
@timeStamps false
@missing true
@univariate false
@dimensions 2
@equalLength false
@classLabel true up down
@data
"""


def ts(folder: Path, body: str, *, head: str = HEAD, name: str = "made.ts") -> Path:
    """A file of this name."""
    path = folder / name
    path.write_text(head + body)
    return path


def rows_of(labels: list[str], *, shortest: int = 3) -> str:
    """Rows of 3, 4, 5, 3, … times; the second channel is the first doubled."""
    lines = []
    for i, label in enumerate(labels):
        times = [str(i + 0.5 * t) for t in range(shortest + i % 3)]
        doubled = [str(2 * float(value)) for value in times]
        lines.append(f"{','.join(times)}:{','.join(doubled)}:{label}")
    return "\n".join(lines) + "\n"


LABELS = ["up", "down"] * 8


def test_a_ts_file(tmp_path: Path) -> None:
    dataset = load(ts(tmp_path, rows_of(LABELS)), target=None)
    frame = dataset.frame
    assert isinstance(frame, Series)
    assert (dataset.kind, dataset.target, dataset.classes, dataset.name) == (
        "series",
        "class",
        ("down", "up"),
        "made",
    )
    assert frame.shape == (5, 2)
    assert frame.lengths.tolist()[:4] == [3, 4, 5, 3]
    np.testing.assert_allclose(frame.values[1, :4, 1], [2, 3, 4, 5])
    assert np.isnan(frame.values[0, 3:]).all()
    assert dataset.y.tolist() == [1, 0] * 8
    assert load(tmp_path / "made.ts", target="gesture").target == "gesture"


def test_test_rows_beside_training_rows(tmp_path: Path) -> None:
    first = ts(tmp_path, rows_of(LABELS), name="Made_TRAIN.ts")
    assert load(first, target=None).test is None
    ts(tmp_path, "1,2,3,4,5,6,7:1,2,3,4,5,6,7:up\n1,2,3:0,0,0:down\n", name="Made_TEST.ts")
    dataset = load(first, target=None)
    assert dataset.test is not None
    assert dataset.test.tolist() == [16, 17]
    assert dataset.frame.shape == (5, 2), "the longest row of all that are not for the test"
    assert dataset.frame.lengths.tolist()[-2:] == [5, 3]
    assert any("1 test rows are longer" in note for note in dataset.notes)


def test_values_to_predict(tmp_path: Path) -> None:
    head = HEAD.replace("@classLabel true up down", "@targetLabel true")
    labels = [str(i / 4) for i in range(16)]
    dataset = load(ts(tmp_path, rows_of(labels), head=head), target=None)
    assert dataset.task.value == "regression"
    np.testing.assert_allclose(dataset.y, [float(label) for label in labels])


WRONG: dict[str, tuple[str, str, str]] = {
    "no data": (HEAD.replace("@data\n", ""), "", "must have a line @data"),
    "no rows": (HEAD, "", "must have rows after @data"),
    "channels": (HEAD, "1,2:up\n", "2 channels, divided by colons, but line 10"),
    "a word": (HEAD, "1,x:2,3:up\n", "channel 1 of line 10"),
    "an empty cell": (HEAD, "1,2:2,:up\n", "channel 2 of line 10"),
    "infinite": (HEAD, "1,inf:2,3:up\n", "must be finite"),
    "class": (HEAD, "1,2:2,3:left\n", "a class must be among up, down, but line 10"),
    "unequal channels": (HEAD, "1,2:2,3,4:up\n", "equally many times"),
    "unequal rows": (HEAD.replace("@equalLength false", "@equalLength true"), "1,2:2,3:up\n1:2:up\n", "line 11"),
    "another length": (
        HEAD.replace("@equalLength false", "@equalLength true\n@seriesLength 4"), "1,2:2,3:up\n", "must have 4 times",
    ),
    "stamps": (HEAD.replace("@timeStamps false", "@timeStamps true"), "", "time stamps"),
    "a flag": (HEAD.replace("@missing true\n", "@univariate perhaps\n").replace("@univariate false\n", ""), "",
               "must be true or false"),
    "a count": (HEAD.replace("@dimensions 2", "@dimensions two"), "", "whole number above 0"),
    "both labels": (HEAD.replace("@data", "@targetLabel true\n@data"), "", "but has both"),
    "text before data": ("hello\n" + HEAD, "", "must be a directive"),
}  # fmt: skip


@pytest.mark.parametrize(("head", "body", "says"), WRONG.values(), ids=WRONG.keys())
def test_what_breaks_the_format_is_told(head: str, body: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        read_ts(ts(tmp_path, body, head=head))
    assert says in str(caught.value)


def arrays(rows: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """[row time channel] with two gaps, and labels."""
    x = np.random.default_rng(0).normal(size=(rows, 6, 2)).astype(np.float32)
    x[1, 2, 0] = x[3, 0, 0] = np.nan
    return x, np.arange(rows) % 2


def long(x: np.ndarray, y: np.ndarray) -> pl.DataFrame:
    """The same as a table with a row for each time, the last times first."""
    rows, times, _ = x.shape
    return pl.DataFrame(
        {
            "who": [f"s{r}" for r in range(rows) for _ in range(times)],
            "at": [t for _ in range(rows) for t in reversed(range(times))],
            "a": [None if np.isnan(v) else float(v) for r in range(rows) for v in x[r, ::-1, 0]],
            "b": x[:, ::-1, 1].ravel(),
            "y": np.repeat(y, times),
        }
    )


def test_arrays_and_tables_say_the_same(tmp_path: Path) -> None:
    x, y = arrays()
    np.savez(tmp_path / "a.npz", X=x, y=y, kind=np.array("series"))
    np.savez(tmp_path / "b.npz", X=x, y=y)
    long(x, y).write_csv(tmp_path / "c.csv")
    wanted = {"kind": "series"}
    by_id = {"series": "who"}
    found = [
        load((x, y), target=None, options=wanted),
        load(tmp_path / "a.npz", target=None),
        load(tmp_path / "b.npz", target=None, options=wanted),
        load(long(x, y), target="y", time="at", options=by_id),
        load(tmp_path / "c.csv", target="y", time="at", options=by_id),
    ]
    for dataset in found:
        assert dataset.kind == "series"
        np.testing.assert_allclose(dataset.frame.values, x, rtol=1e-6)
        assert dataset.y.tolist() == y.tolist()
    assert found[-1].frame.channels == ("a", "b")
    assert found[-1].frame.names[:2] == ("s0", "s1")
    assert load((np.nan_to_num(x), y), target=None).kind == "image"


def test_rows_of_unequal_lengths_can_be_nothing_else() -> None:
    x, y = arrays()
    rows = [row[: 3 + i % 4] for i, row in enumerate(x)]
    dataset = load((rows, y), target=None)
    assert dataset.kind == "series"
    assert dataset.frame.lengths.tolist()[:5] == [3, 4, 5, 6, 3]
    assert load(([row[:, 0] for row in rows], y), target=None).frame.shape == (6, 1)


def test_what_is_no_series_is_told() -> None:
    x, y = arrays()
    with pytest.raises(SourceError, match=r"asks for a \.ts file"):
        load((x[:, 0], y), target=None, options={"kind": "series"})
    with pytest.raises(SourceError, match="equally many channels"):
        load(([row[:, : 1 + i % 2][: 2 + i % 3] for i, row in enumerate(x)], y), target=None)
    with pytest.raises(SourceError, match="equally many rows"):
        load((x, y[:-1]), target=None, options={"kind": "series"})
    with pytest.raises(TargetError, match="series need labels"):
        load(x, target=None, options={"kind": "series"})
    with pytest.raises(ColumnError, match="group names the column"):
        load((x, y), target=None, group="g", options={"kind": "series"})
    with pytest.raises(SourceError, match="must have one label, but 's1'"):
        load(long(x, y).with_columns(y=pl.int_range(pl.len()) // 9), target="y", options={"series": "who"})
    with pytest.raises(SourceError, match="must hold the numbers of a channel"):
        load(long(x, y).with_columns(b=pl.lit("red")), target="y", options={"series": "who"})
    with pytest.raises(SourceError, match="series column 'whom' is missing"):
        load(long(x, y), target="y", options={"series": "whom"})


def test_preparation_is_fitted_on_training_rows_alone() -> None:
    x, y = arrays()
    x[10:] *= 100
    dataset = load((x, y), target=None, options={"kind": "series"})
    for scaling, center, spread in (
        ("standard", np.nanmean, np.nanstd),
        ("minmax", np.nanmin, np.ptp),
        ("robust", np.nanmedian, None),
    ):
        made: Any = fit(dataset, np.arange(10), {"channel_scaling": scaling, "gap_channels": False})
        assert made.center[1] == pytest.approx(center(x[:10, :, 1].astype(np.float64)))
        if spread is not None:
            assert made.spread[1] == pytest.approx(spread(x[:10, :, 1].astype(np.float64)))
        found = made.encode(dataset.frame).numeric.reshape(20, 6, 2)
        np.testing.assert_allclose(found[:, :, 1], (x[:, :, 1] - made.center[1]) / made.spread[1], rtol=1e-5)
        assert from_json(json.loads(json.dumps(made.to_json()))) == made


def test_each_series_by_itself() -> None:
    x, y = arrays()
    dataset = load((x + 50 * np.arange(20)[:, None, None], y), target=None, options={"kind": "series"})
    made = fit(
        dataset, np.arange(10), {"each_series": True, "channel_scaling": "none", "gap_channels": False}
    )
    found = made.encode(dataset.frame).numeric.reshape(20, 6, 2)
    np.testing.assert_allclose(found[..., 1].mean(1), 0, atol=1e-4)
    np.testing.assert_allclose(found[..., 1].std(1), 1, atol=1e-3)


def test_gaps_are_filled_and_marked() -> None:
    x, y = arrays()
    dataset = load((x, y), target=None, options={"kind": "series"})
    made = fit(dataset, np.arange(10), {"channel_scaling": "none"})
    found = made.encode(dataset.frame).numeric.reshape(20, 6, 3)
    assert found[1, 2, 0] == pytest.approx((x[1, 1, 0] + x[1, 3, 0]) / 2)
    assert found[3, 0, 0] == x[3, 1, 0], "the nearest number where nothing stands before"
    assert found[..., 2].sum() == 2
    assert found[1, 2, 2] == found[3, 0, 2] == 1
    zero = fit(dataset, np.arange(10), {"gaps": "zero", "gap_channels": False})
    assert zero.encode(dataset.frame).numeric.reshape(20, 6, 2)[1, 2, 0] == 0


def test_new_series_are_cut_or_refused() -> None:
    x, y = arrays()
    rows = [row[: 3 + i % 4] for i, row in enumerate(x)]
    uneven = fit(load((rows, y), target=None), np.arange(10), {})
    assert uneven.read(np.zeros((2, 9, 2))).lengths.tolist() == [6, 6]
    assert uneven.read([np.zeros((2, 2)), np.zeros((4, 2))]).lengths.tolist() == [2, 4]
    even = fit(load((x, y), target=None, options={"kind": "series"}), np.arange(10), {})
    with pytest.raises(DataError, match="had 6 times, but a new one has 4"):
        even.read(np.zeros((2, 4, 2)))
    with pytest.raises(DataError, match="must have 2 channels as in the study"):
        even.read(np.zeros((2, 6, 3)))
    by_id = fit(load(long(x, y), target="y", time="at", options={"series": "who"}), np.arange(10), {})
    np.testing.assert_allclose(by_id.read(long(x, y).drop("y")).values, x, rtol=1e-6)
    with pytest.raises(DataError, match="column 'b' is missing"):
        by_id.read(long(x, y).drop("b"))


def test_several_targets_are_for_tables() -> None:
    x, y = arrays()
    with pytest.raises(TargetError, match="a series has one label, but the targets are a, b"):
        load((x, y), target=("a", "b"), options={"kind": "series"})
    table = pl.DataFrame({"a": np.arange(20.0), "b": np.arange(20.0) ** 2, "c": np.arange(20) % 7})
    assert load(table, target=("a", "b")).kind == "table"
