"""Where series come from: .ts files, arrays with an axis of time, tables with a row for each time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import polars as pl

from cotune.data.arrays import Float32s, Ints
from cotune.data.series.ts import TsFile, counterpart, read_ts
from cotune.data.tables.frames import as_numpy, is_pandas
from cotune.data.tables.handed import labels_of
from cotune.data.tables.npy import is_array, read_members, shape_of
from cotune.errors import SourceError

KIND = "series"
MEMBERS = ("X", "y", "lengths", "kind", "x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True, eq=False)
class SeriesSource:
    """Series, and what is known of each.

    Args:
        rows: each [time channel]; NaN where a number is missing.
        labels: the target; `None` where there is none.
        name, words: what the study and messages call the source.
        test: numbers of the rows that the source gives for the test; `None` where it gives none.
        channels: names of the channels; () where they have none.
        names: what a listing calls each row.
        classes: whether labels are classes whatever they look like; `None` to tell it from them.
        from_text: whether labels were read from text.
    """

    rows: Sequence[Float32s]
    labels: pl.Series | None
    name: str
    words: str
    test: Ints | None = None
    channels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    classes: bool | None = None
    from_text: bool = False

    def place(self, row: int) -> str:
        """The words for a row in a message."""
        return f"row {row} (counted from 0) of {self.words}"


def find_series(source: object, target: str | None, *, kind: str = "auto") -> SeriesSource | None:
    """The series in a .ts file, in arrays, or in a file of arrays; `None` where `source` is something else.

    An array of 3 axes is one of images unless `kind` says that it is of series; lists of rows of unequal lengths can be
    nothing else.

    Args:
        target: name that the labels get; "target", or "class" where a file says that they are, by default.

    Raises:
        SourceError: they are series, but cannot be used as they are.
    """
    name = target or "target"
    if isinstance(source, str | PathLike):
        path = Path(source)
        if path.suffix.lower() == ".ts" and path.is_file():
            return _from_ts(path, target)
        return _from_file(path, name, kind) if path.exists() and is_array(path) else None
    X, y = source if isinstance(source, tuple) and len(source) == 2 else (source, None)
    if not (_is_ragged(X, kind == KIND) or (kind == KIND and _axes(X) == 3)):
        return None
    words = "X" if y is not None else "the array"
    labels = None if y is None else labels_of(y, name)
    return _checked(SeriesSource(_rows(X, words), labels, "table", words))


def _from_ts(path: Path, target: str | None) -> SeriesSource:
    first = read_ts(path)
    beside = counterpart(path)
    second = None if beside is None else read_ts(beside)
    files = [first] if second is None else [first, second]
    if second is not None and (second.rows[0].shape[1], second.labels is None) != (
        first.rows[0].shape[1],
        first.labels is None,
    ):
        raise SourceError(f"{path} and {beside} must have the same channels and labels, but differ")
    rows = [row for file in files for row in file.rows]
    test = None if second is None else np.arange(len(first.rows), len(rows))
    labels = (
        None
        if first.labels is None
        else _labels(files, target or ("target" if first.numbers else "class"), path)
    )
    name = path.stem.removesuffix("_TRAIN")
    return SeriesSource(
        rows, labels, name, str(path), test, classes=not first.numbers, from_text=not first.numbers
    )


def _labels(files: Sequence[TsFile], target: str, path: Path) -> pl.Series:
    cells = [label or None for file in files for label in file.labels or ()]
    if not files[0].numbers:
        return pl.Series(target, cells, dtype=pl.String)
    values: list[float | None] = []
    for line, cell in zip((line for file in files for line in file.lines), cells, strict=True):
        try:
            values.append(None if cell is None else float(cell))
        except ValueError:
            raise SourceError(
                f"@targetLabel asks for numbers, but line {line} of {path} ends with {cell!r}; say @classLabel"
            ) from None
    return pl.Series(target, values, dtype=pl.Float64)


def _from_file(path: Path, target: str, kind: str) -> SeriesSource | None:
    """Arrays in a file, whose member `kind` may say that they are series."""
    found: Mapping[str, Any] = {}
    if path.suffix == ".npz":
        found = read_members(path, ("kind",)) if _has(path, "kind") else {}
    if kind != KIND and str(found.get("kind", "")) != KIND:
        return None
    if len(shape_of(path)) != 3:
        raise SourceError(
            f"series must be an array [row time channel], but {path} has {len(shape_of(path))} axes"
        )
    found = read_members(path, MEMBERS)
    name, words = path.name.split(".")[0], str(path)
    if "X" in found:
        rows = _rows(found["X"], words)
        if "lengths" in found:
            rows = [row[:n] for row, n in zip(rows, found["lengths"].tolist(), strict=True)]
        labels = labels_of(found["y"], target) if "y" in found else None
        return _checked(SeriesSource(rows, labels, name, words))
    parts = [part for part in ("train", "test") if f"x_{part}" in found]
    rows = [row for part in parts for row in _rows(found[f"x_{part}"], words)]
    labelled = all(f"y_{part}" in found for part in parts)
    labels = pl.concat([labels_of(found[f"y_{part}"], target) for part in parts]) if labelled else None
    test = np.arange(len(found["x_train"]), len(rows)) if parts == ["train", "test"] else None
    return _checked(SeriesSource(rows, labels, name, words, test))


def _has(path: Path, member: str) -> bool:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return member in archive.files
    except (OSError, ValueError, BadZipFile):
        return False  # what is wrong with it is told by whoever reads it


def from_long(
    frame: pl.DataFrame,
    *,
    series: str,
    time: str | None,
    target: str | None,
    words: str,
    ignore: Sequence[str] = (),
) -> SeriesSource:
    """The series of a table with a row for each time.

    Args:
        series: the column whose equal cells make one series; series stand in the order of their first rows.
        time: the column to sort each by; as they stand without it.
        target: the column of labels, the same in all rows of a series; `None` where there is none.
        ignore: columns to leave out.

    Raises:
        SourceError: a column is missing, or holds what is no number; a series has several labels.
    """
    for role, column in (("series", series), ("time", time), ("target", target)):
        if column is not None and column not in frame.columns:
            raise SourceError(f"the {role} column '{column}' is missing in {words}")
    channels = tuple(c for c in frame.columns if c not in (series, time, target, *ignore))
    if not channels:
        raise SourceError(f"series need columns of numbers beside '{series}', but {words} has none")
    if frame[series].null_count():
        raise SourceError(
            f"every row must say its series, but '{series}' in {words} has empty cells; fill them in"
        )
    typed = frame.with_columns(pl.Series(c, _numbers(frame[c], words), dtype=pl.Float32) for c in channels)
    rows, labels, names = [], [], []
    for (name,), part in typed.group_by(series, maintain_order=True):
        ordered = part if time is None else part.sort(_sortable(part[time]), maintain_order=True)
        values: Float32s = ordered.select(channels).to_numpy().astype(np.float32)
        rows.append(values.reshape(len(part), len(channels)))
        names.append(str(name))
        labels.append(None if target is None else _only(part[target], str(name), words))
    made = None if target is None else pl.Series(target, labels, dtype=frame[target].dtype)
    return SeriesSource(rows, made, "table", words, channels=channels, names=tuple(names), from_text=True)


def _sortable(time: pl.Series) -> pl.Series:
    """Times as numbers where they all are, else as they stand, which orders ISO dates."""
    numbers = time.cast(pl.Float64, strict=False)
    return time if numbers.null_count() > time.null_count() else numbers


def _only(labels: pl.Series, name: str, words: str) -> Any:
    found = labels.drop_nulls().unique()
    if found.len() > 1:
        raise SourceError(
            f"a series must have one label, but '{name}' in {words} has {found.len()} in '{labels.name}'; for a value "
            "at each time, see task: forecast"
        )
    return found[0] if found.len() else None


def _numbers(column: pl.Series, words: str) -> pl.Series:
    numbers = column.cast(pl.Float32, strict=False)
    bad = (numbers.is_null() & column.is_not_null()).arg_true()
    if column.dtype == pl.String:
        bad = bad.filter(
            ~column.gather(bad).str.strip_chars().str.to_lowercase().is_in(["", "?", "nan", "na"])
        )
    if bad.len():
        row = int(bad[0])
        raise SourceError(
            f"column '{column.name}' of {words} must hold the numbers of a channel, but row {row} (counted from 0) has "
            f"{str(column[row])[:40]!r}; leave the column out with `--set 'columns={{{column.name}: ignore}}'`"
        )
    if numbers.is_infinite().any():
        raise SourceError(
            f"numbers must be finite, but column '{column.name}' of {words} has an infinite one"
        )
    return numbers


def _is_ragged(X: object, said: bool) -> bool:
    """Whether it is a list of rows of unequal lengths, each an array [time] or [time channel].

    Lists of bare numbers are a table with a row too short, unless it is `said` that they are series.
    """
    if not isinstance(X, list | tuple) and not (isinstance(X, np.ndarray) and X.dtype == object):
        return False
    least = 1 if said or all(isinstance(row, np.ndarray) for row in X) else 2
    shapes = {np.shape(row)[:1] for row in X if not isinstance(row, str) and least <= len(_shape(row)) <= 2}
    return len(shapes) > 1


def _shape(row: Any) -> tuple[int, ...]:
    try:
        return tuple(np.shape(row))
    except ValueError:
        return ()


def _axes(value: object) -> int:
    """Axes of an array or of nested lists; 0 of anything else."""
    if is_pandas(value) or isinstance(value, pl.DataFrame):
        return 0
    return len(_shape(value)) if isinstance(value, list) else len(getattr(value, "shape", ()))


def _rows(X: Any, words: str) -> list[Float32s]:
    """Each row [time channel]."""
    rows = []
    for place, row in enumerate(X if _is_ragged(X, True) else as_numpy(X, words)):
        try:
            values = np.asarray(row, dtype=np.float32)
        except (TypeError, ValueError):
            raise SourceError(
                f"row {place} (counted from 0) of {words} must hold numbers, but does not"
            ) from None
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or not len(values):
            raise SourceError(
                f"row {place} (counted from 0) of {words} must be an array [time] or [time channel] with at least one "
                f"time, but has shape {np.shape(row)}"
            )
        if np.isinf(values).any():
            raise SourceError(
                f"numbers must be finite, but row {place} (counted from 0) of {words} has an infinite one"
            )
        rows.append(values)
    if len({row.shape[1] for row in rows}) > 1:
        raise SourceError(f"all rows must have equally many channels, but those of {words} differ")
    return rows


def _checked(source: SeriesSource) -> SeriesSource:
    if source.labels is not None and source.labels.len() != len(source.rows):
        raise SourceError(
            f"X and y must have equally many rows, but {source.words} has {len(source.rows)} series and "
            f"{source.labels.len()} labels"
        )
    if not source.rows:
        raise SourceError(f"{source.words} must have rows, but has none")
    return source
