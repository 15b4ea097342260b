"""A table that is ready to be split and prepared."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from cotune.data.arrays import Floats, Ints
from cotune.data.examples import Examples
from cotune.data.forecasts.windows import Windows
from cotune.data.room import Room
from cotune.data.tables.stored import Frame, StoredFrame
from cotune.types import Task

HASHED = 100_000
"""Words put together at once for a fingerprint."""


@dataclass(frozen=True)
class Column:
    """What a column of the source was taken for, and why."""

    name: str
    kind: str
    """One of `recipe.names.COLUMN_KINDS`, or "target", "group", "time"."""
    missing: int
    distinct: int
    inferred: bool
    """False where the user named the kind."""
    note: str

    @property
    def is_feature(self) -> bool:
        """Whether the network gets to see it."""
        return self.kind in ("numeric", "categorical", "boolean", "date", "image", "text")


@dataclass(frozen=True)
class Dataset:
    """The rows with a target.

    Args:
        frame: the feature columns in use, typed by kind: Float64, String, Boolean, Datetime; in memory or in files.
            Of a data set that is no table, its examples.
        columns: every column of the source, the target too.
        target: name of the column to predict.
        task: what is to be learned.
        classes: sorted labels; () for a regression.
        y: class index (int64) or value (float64), shape [row]; of several values [row value].
        groups: number of each row's group, shape [row]; None without a group column.
        times: sort key of each row, shape [row]; None without a time column.
        name: short name, from the file.
        fingerprint: SHA-256 of names, kinds and values.
        notes: what was left out, for the user to read.
        label_type: what a class label was in the source: "str", "int", "float" or "bool".
        room: what memory and files there are for the rows; `None` for no limit.
        targets: names of the values of a row, where there are several.
        test, validation: numbers of the rows that the source itself gives for these (sorted); `None` where it gives
            none.
    """

    frame: Frame | Examples
    columns: tuple[Column, ...]
    target: str
    task: Task
    classes: tuple[str, ...]
    y: Ints | Floats
    groups: Ints | None
    times: Floats | None
    name: str
    fingerprint: str
    notes: tuple[str, ...] = ()
    label_type: str = "str"
    room: Room | None = field(default=None, compare=False, repr=False)
    test: Ints | None = None
    targets: tuple[str, ...] = ()
    validation: Ints | None = None

    @property
    def table(self) -> Frame:
        """The frame of a data set that is a table."""
        assert isinstance(self.frame, pl.DataFrame | StoredFrame)
        return self.frame

    @property
    def examples(self) -> Examples | None:
        """The frame of a data set that is no table."""
        return None if isinstance(self.frame, pl.DataFrame | StoredFrame) else self.frame

    @property
    def kind(self) -> str:
        """What its rows are: "table", or a name among `cotune.data.forms.FORMS`."""
        return "table" if self.examples is None else self.examples.kind

    @property
    def rows(self) -> int:
        """Number of rows with a target; of series, of their times."""
        return int(self.frame.lengths.sum()) if isinstance(self.frame, Windows) else len(self.y)


def fingerprint(
    features: Iterable[pl.Series], target: str, classes: tuple[str, ...], *arrays: Ints | Floats | None
) -> str:
    """SHA-256 of a table's content, the same on every machine and in every run.

    Args:
        features: typed columns.
        target: name of the target.
        classes: its labels.
        arrays: further per-row values (target, groups, times).
    """
    digest = hashlib.sha256()
    for series in features:
        digest.update(f"{series.name}\0{series.dtype}\0{series.len()}\0".encode())
        digest.update(np.packbits(series.is_null().to_numpy()).tobytes())
        if series.dtype == pl.String:
            filled = series.fill_null("")
            digest.update(filled.str.len_bytes().to_numpy().astype("<u4").tobytes())
            for start in range(0, filled.len(), HASHED):
                digest.update("".join(filled[start : start + HASHED]).encode())
        else:
            physical = series.cast(pl.Int64) if series.dtype != pl.Float64 else series
            digest.update(
                physical.fill_null(0).to_numpy().astype(np.dtype(physical.to_numpy().dtype)).tobytes()
            )
    digest.update("\0".join((target, *classes)).encode())
    for array in arrays:
        digest.update(
            b"\0" if array is None else f"{array.dtype}\0".encode() + np.ascontiguousarray(array).tobytes()
        )
    return digest.hexdigest()


def describe_columns(dataset: Dataset) -> list[dict[str, object]]:
    """One row per column of the source, for a listing.

    Example:
        >>> describe_columns(dataset)[0]
        {'name': 'age', 'kind': 'numeric', 'missing': 0, 'distinct': 73, 'inferred': True, 'note': '…'}
    """
    return [
        {
            "name": c.name,
            "kind": c.kind,
            "missing": c.missing,
            "distinct": c.distinct,
            "inferred": c.inferred,
            "note": c.note,
        }
        for c in dataset.columns
    ]
