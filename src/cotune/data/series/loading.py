"""From series to a data set: labels read, rows brought to one length."""

import hashlib
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cotune.data.dataset import Column, Dataset, fingerprint
from cotune.data.request import Request
from cotune.data.series.rows import Series, laid, said
from cotune.data.series.sources import KIND, SeriesSource, find_series, from_long
from cotune.data.tables.columns import Asked
from cotune.data.tables.sources import open_source
from cotune.data.target import label_type, read_target
from cotune.errors import ColumnError, SourceError, TargetError
from cotune.files import replacing

COLUMN = "series"
"""What a listing calls the series where no column of a table names them."""


def find(request: Request) -> Dataset | None:
    """The data set of a .ts file, of arrays, or of a table with a row for each time; `None` for anything else."""
    asked, kind = request.asked, str(request.options.get("kind", "auto"))
    named = request.options.get(COLUMN)
    if named is not None and asked.task != "forecast":
        found = _dataset(_long(request, str(named)), replace(asked, time=None, columns={}), request)
        assert isinstance(found.frame, Series)
        return replace(found, frame=replace(found.frame, column=str(named), time=asked.time or ""))
    source = find_series(request.source, asked.target if isinstance(asked.target, str) else None, kind=kind)
    if source is not None:
        return _dataset(source, asked, request)
    if kind == KIND:
        raise SourceError(
            "data.kind series asks for a .ts file, an array [row time channel], a list of arrays [time channel], or a "
            "table with data.series, the column that says which series a row belongs to; for a table whose columns are "
            "times leave data.kind out and set network.family: gru"
        )
    return None


def keep(source: object, target: str, path: Path) -> bool:
    """Write series that came from memory where `find` finds them again; `False` where they are a table of times."""
    found = None if isinstance(source, str | PathLike) else find_series(source, target, kind=KIND)
    if found is None:
        return False
    with replacing(path) as partial:
        save(found, partial)
    return True


def save(source: SeriesSource, path: Path) -> None:
    """Rows with a label, as an archive that `find_series` reads."""
    assert source.labels is not None
    kept = source.labels.is_not_null().to_numpy()
    rows = [row for row, has in zip(source.rows, kept, strict=True) if has]
    labels = source.labels.drop_nulls()
    whole = laid(rows, max(map(len, rows)))
    numbers = labels.dtype.is_numeric() or labels.dtype == pl.Boolean
    y = labels.to_numpy() if numbers else np.array(labels.cast(pl.String).to_list(), dtype=np.str_)
    with path.open("wb") as handle:
        np.savez(handle, X=whole.values, lengths=whole.lengths, y=y, kind=np.array(KIND))


def _target(asked: Asked) -> str | None:
    """The name of the label."""
    if isinstance(asked.target, tuple):
        raise TargetError(f"a series has one label, but the targets are {', '.join(asked.target)}; name one")
    return asked.target


def _long(request: Request, series: str) -> SeriesSource:
    """The series of a table with a row for each time."""
    source, asked = request.source, request.asked
    target = _target(asked)
    table = open_source(source, target)
    if target is None and table.target is None:
        raise TargetError(
            "the target must be named (--target COL): the column of labels, the same in all rows of a series"
        )
    ignored = [name for name, kind in asked.columns.items() if kind == "ignore"]
    made = from_long(
        table.frame,
        series=series,
        time=asked.time,
        target=table.target or target,
        words=table.origin.words,
        ignore=ignored,
    )
    return replace(made, name=table.origin.name, from_text=table.origin.records is not None)


def _dataset(source: SeriesSource, asked: Asked, request: Request) -> Dataset:
    for role, name in (
        ("group", asked.group),
        ("time", asked.time),
        ("columns", next(iter(asked.columns), None)),
    ):
        if name is not None:
            raise ColumnError(
                f"{role} names the column '{name}', but {source.words} has series, not columns; leave it out"
            )
    if source.labels is None:
        raise TargetError(
            f"series need labels to be learned, but {source.words} has none; pass a pair (X, y), save X and y in "
            "an .npz, or bring a .ts file with @classLabel or @targetLabel"
        )
    target = _target(asked)
    labels = source.labels if target is None else source.labels.alias(target)
    task = "multiclass" if source.classes and asked.task == "auto" else asked.task
    goal = read_target(labels, task, source.place)
    test = None if source.test is None else np.flatnonzero(np.isin(goal.kept, source.test))
    rows = [source.rows[row] for row in goal.kept.tolist()]
    given = set() if test is None else set(test.tolist())
    times = max(len(row) for place, row in enumerate(rows) if place not in given or len(given) == len(rows))
    names = tuple(source.names[row] for row in goal.kept.tolist()) if source.names else ()
    frame = laid(rows, times, channels=source.channels, names=names)
    if not np.isfinite(frame.values).any():
        raise SourceError(f"series must have numbers, but those of {source.words} are missing everywhere")
    about = Column(COLUMN, KIND, int(_missing(frame)), len(rows), True, said(frame.shape, equal=frame.equal))
    described = Column(labels.name, "target", 0, goal.distinct, True, f"to be predicted: {goal.task}")
    return Dataset(
        frame=frame,
        columns=(about, described),
        target=labels.name,
        task=goal.task,
        classes=goal.classes,
        y=goal.y,
        groups=None,
        times=None,
        name=source.name,
        fingerprint=_fingerprint(frame, labels.name, goal.classes, goal.y, test),
        notes=tuple(_notes(frame, labels.len() - len(goal.kept))),
        label_type=label_type(labels.dtype, goal.classes, from_text=source.from_text),
        room=request.room,
        test=test,
    )


def _missing(frame: Series) -> int:
    """Numbers that are missing in rows' own times."""
    used = np.arange(frame.shape[0]) < frame.lengths[:, None]
    return int((np.isnan(frame.values) & used[..., None]).sum())


def _notes(frame: Series, without_target: int) -> list[str]:
    notes = [f"series of {said(frame.shape, equal=frame.equal)}"]
    if not frame.equal:
        low, high = int(frame.lengths.min()), int(frame.lengths.max())
        notes.append(f"series have from {low} to {high} times: networks read each to its own end")
    if frame.cut:
        notes.append(
            f"{frame.cut} test rows are longer than all others, and are read up to {frame.shape[0]} times"
        )
    if missing := _missing(frame):
        notes.append(f"{missing:,} numbers are missing; see prepare.gaps")
    if without_target:
        notes.append(f"{without_target} rows without a target were left out")
    return notes


def _fingerprint(frame: Series, target: str, classes: tuple[str, ...], *arrays: Any) -> str:
    """SHA-256 of numbers and labels."""
    digest = hashlib.sha256(f"series{frame.values.shape}".encode())
    digest.update(np.ascontiguousarray(frame.values, dtype="<f4").data)
    digest.update(fingerprint((), target, classes, frame.lengths, *arrays).encode())
    return digest.hexdigest()
