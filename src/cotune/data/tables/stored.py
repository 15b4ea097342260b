"""A typed table in files, column by column: read by column or by rows, and never in memory whole.

| typed column | in its file                                                          |
|--------------|----------------------------------------------------------------------|
| Float64      | numbers, in the source's own type where that is smaller; NaN missing |
| Boolean      | 1, 0, and -1 for missing                                             |
| Datetime     | microseconds since 1970; the least integer for missing               |
| String       | codes into the column's words; the last code for missing             |

What comes out is what went in.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cotune.data.arrays import Ints
from cotune.data.mapped import open_npy, write_npy
from cotune.files import replacing

SMALL: Mapping[type[pl.DataType], type[np.generic]] = {
    pl.Float32: np.float32,
    pl.Int8: np.int8,
    pl.Int16: np.int16,
    pl.Int32: np.int32,
    pl.UInt8: np.uint8,
    pl.UInt16: np.uint16,
    pl.UInt32: np.uint32,
}
"""Types of a source whose numbers need not be stored as 64-bit floats."""

CELLS = 1 << 20
"""Cells worked on at once: 8 MB as 64-bit floats, of which a preparation has several copies."""

GONE = np.iinfo(np.int64).min
KINDS: Mapping[str, pl.DataType] = {
    "numeric": pl.Float64(),
    "boolean": pl.Boolean(),
    "date": pl.Datetime("us"),
    "categorical": pl.String(),
}
"""Column kind → its type in a typed frame."""


@dataclass(frozen=True, eq=False)
class StoredColumn:
    """A column of the table above.

    Args:
        kind: key of `KINDS`.
        values: memory-mapped, shape [row].
        words: of a categorical column, missing last.
    """

    kind: str
    values: NDArray[Any]
    words: pl.Series | None = None

    def series(self, name: str, rows: slice | Ints) -> pl.Series:
        """Some cells as they were before they were stored."""
        found = np.array(self.values[rows])
        if self.words is not None:
            return self.words.gather(pl.Series(found).cast(pl.UInt32)).alias(name)
        if self.kind == "numeric":
            return pl.Series(name, found.astype(np.float64), nan_to_null=True)
        gone = found == (-1 if self.kind == "boolean" else GONE)
        plain = pl.Series(name, found == 1) if self.kind == "boolean" else pl.Series(name, found)
        return (plain.set(pl.Series(gone), None) if gone.any() else plain).cast(KINDS[self.kind])


@dataclass(frozen=True, eq=False)
class StoredFrame:
    """Typed columns of equal length.

    Args:
        stored: the columns by name.
        height: rows.
    """

    stored: Mapping[str, StoredColumn]
    height: int

    @property
    def columns(self) -> list[str]:
        """Names."""
        return list(self.stored)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.stored)

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Names and types."""
        return {name: KINDS[column.kind] for name, column in self.stored.items()}

    def __getitem__(self, rows: slice | Ints) -> pl.DataFrame:
        """Some rows, in memory."""
        return pl.DataFrame([column.series(name, rows) for name, column in self.stored.items()])


Frame = pl.DataFrame | StoredFrame
"""A typed table, wherever it lies."""


def cells(frame: Frame, name: str, rows: slice | Ints) -> pl.Series:
    """Some cells of one column."""
    if isinstance(frame, StoredFrame):
        return frame.stored[name].series(name, rows)
    return frame[name][rows]


def slices(rows: int, columns: int) -> Iterator[slice]:
    """All rows in order, some at a time, few enough for working on so many columns of them at once."""
    step = max(1, CELLS // max(1, columns))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def encode(series: pl.Series, source: pl.DataType) -> tuple[str, NDArray[Any], pl.Series | None]:
    """(kind, values, words) of a typed column whose cells had the type `source`."""
    kind = next(kind for kind, dtype in KINDS.items() if series.dtype == dtype)
    if kind == "numeric":
        small = SMALL.get(source.base_type(), np.float64)
        holds = small is np.float32 or not series.null_count()
        return kind, series.to_numpy().astype(small if holds else np.float64), None
    if kind == "boolean":
        return kind, series.cast(pl.Int8).fill_null(-1).to_numpy(), None
    if kind == "date":
        return kind, series.cast(pl.Int64).fill_null(GONE).to_numpy(), None
    words = series.drop_nulls().unique().sort()
    codes = series.cast(pl.Enum(words)).to_physical().cast(pl.UInt32).fill_null(words.len())
    size = next(t for t in (np.uint8, np.uint16, np.uint32) if words.len() <= np.iinfo(t).max)
    return kind, codes.to_numpy().astype(size), words.extend_constant(None, 1)


def store(folder: Path, number: int, series: pl.Series, source: pl.DataType) -> StoredColumn:
    """Write a typed column into a folder, under its number."""
    kind, values, words = encode(series, source)
    write_npy(folder / f"{number:06d}.npy", values)
    if words is not None:
        packed = io.BytesIO()
        words.to_frame("word").write_parquet(packed)
        with replacing(folder / f"{number:06d}.parquet") as partial:
            partial.write_bytes(packed.getbuffer())
    return reopen(folder, number, kind)


def reopen(folder: Path, number: int, kind: str) -> StoredColumn:
    """A column that `store` wrote.

    Raises:
        OSError, ValueError: its file is missing, or is cut.
    """
    words = None
    if kind == "categorical":
        words = pl.read_parquet(folder / f"{number:06d}.parquet")["word"]
    return StoredColumn(kind, open_npy(folder / f"{number:06d}.npy").array, words)
