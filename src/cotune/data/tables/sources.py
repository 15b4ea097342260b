"""What a user may hand over as a table: a path, a frame, an array, or a pair (X, y)."""

from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from pathlib import Path

import polars as pl

from cotune.data.origin import Origin
from cotune.data.room import Room
from cotune.data.tables.blocks import stage_text
from cotune.data.tables.delimited import read_text
from cotune.data.tables.frames import from_array
from cotune.data.tables.handed import check_pair, from_one, from_pair, labels_of
from cotune.data.tables.npy import by_column, is_array, read_arrays
from cotune.data.tables.parts import Parts, read_parquet
from cotune.data.tables.sizes import typed_bytes, working_bytes
from cotune.data.tables.table import Columns, Table
from cotune.errors import SourceError, did_you_mean

TEXT = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
READABLE = (*TEXT, ".parquet", ".npy", ".npz")

_REMEDIES = {
    ".xlsx": "export the sheet as CSV",
    ".xls": "export the sheet as CSV",
    ".pkl": "load it in Python and pass the frame; cotune never unpickles",
    ".pickle": "load it in Python and pass the frame; cotune never unpickles",
    ".joblib": "load it in Python and pass the frame; cotune never unpickles",
    ".zip": "unpack it first",
    ".txt": "rename it to .csv or .tsv if it is a table with column names in line 1",
}


def read_frame(source: object) -> pl.DataFrame:
    """The columns of `source` as they are; text files give strings.

    Args:
        source: path of a .csv, .tsv (also .gz), .parquet or NumPy file, a polars or pandas frame, or a 2-D array.

    Raises:
        SourceError: it cannot be read; the message names line, cause and remedy.
        ColumnError: a column mixes types.

    Example:
        >>> read_frame(numpy.zeros((2, 3))).columns
        ['x0', 'x1', 'x2']
    """
    return open_source(source).frame


def open_source(source: object, target: str | None = None) -> Table[pl.DataFrame]:
    """`read_frame`, with what is needed to name rows; a pair (X, y) gets its y as the column `target`."""
    if isinstance(source, str | PathLike):
        table = _from_path(_existing(source), target)
    else:
        table = from_pair(source, target) if isinstance(source, tuple) else from_one(source)
    _check_size(table)
    return table


def open_limited(
    source: object, target: str | None, room: Room, scratch: Callable[[], Path]
) -> Table[Columns]:
    """`open_source`, but a file that is too large for memory is read by column.

    Args:
        room: how much memory there is.
        scratch: makes a folder for what is of use only while the source is read.
    """
    if not isinstance(source, str | PathLike):
        table = open_source(source, target)
        return replace(table, fits=room.take(typed_bytes(table.frame.height, table.frame.width)))
    path = _existing(source)
    if room.take(working_bytes(path)):
        return open_source(source, target)
    large = _from_large(path, target, scratch())
    _check_size(large)
    return large


def _check_size(table: Table[Columns]) -> None:
    columns = len(table.frame.columns)
    if not columns:
        raise SourceError(f"{table.origin.words} must have columns, but has none")
    if table.frame.height == 0:
        raise SourceError(
            f"{table.origin.words} must have rows, but holds only the names of {columns} columns"
        )


def _existing(source: "str | PathLike[str]") -> Path:
    path = Path(source)
    if "://" in str(source):
        raise SourceError(
            f"a source must be a file of this machine, but got the address {source}; "
            "download it first, then name the file"
        )
    if path.is_dir() and not is_array(path):
        raise SourceError(
            f"{path} is a directory; name a file in it{_siblings(path, '')}; images must lie in one sub-folder "
            "for each class"
        )
    if not path.exists():
        raise SourceError(f"there is no file {path}{_siblings(path.parent, path.name)}")
    if not path.is_dir() and not path.name.lower().endswith(READABLE):
        remedy = _REMEDIES.get(path.suffix.lower(), "export the table as CSV or Parquet")
        raise SourceError(f"a file must end with {', '.join(READABLE)}, but got {path}; {remedy}")
    return path


def _siblings(folder: Path, name: str) -> str:
    if not folder.is_dir():
        return f"; there is no directory {folder} either"
    names = [each.name for each in folder.iterdir() if each.name.lower().endswith(READABLE)]
    return did_you_mean(name, names)


def _from_path(path: Path, target: str | None) -> Table[pl.DataFrame]:
    origin = Origin(path.stem, str(path))
    if is_array(path):
        x, y = read_arrays(path)
        frame = from_array(x, str(path))
        if y is None:
            return Table(frame, origin, is_array=True)
        labels = labels_of(y, target or "target")
        check_pair(frame, labels)
        return Table(frame.with_columns(labels), origin, labels.name)
    if path.name.lower().endswith(".parquet"):
        return Table(read_parquet(path), origin)
    return Table(*read_text(path))


def _from_large(path: Path, target: str | None, scratch: Path) -> Table[Columns]:
    """The same without having the table in memory."""
    origin = Origin(path.stem, str(path))
    if is_array(path):
        x, y = read_arrays(path, scratch)
        columns = by_column(x, scratch)
        if y is None:
            return Table(columns, origin, is_array=True, fits=False)
        labels = labels_of(y, target or "target")
        check_pair(columns, labels)
        return Table(replace(columns, labels=labels), origin, labels.name, fits=False)
    if path.name.lower().endswith(".parquet"):
        return Table(Parts.of(path), origin, fits=False)
    return Table(*stage_text(path, scratch), fits=False)
