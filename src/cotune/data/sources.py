"""What a user may hand over as a table: a path, a frame, an array, or a pair (X, y)."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import polars as pl

from cotune.data.delimited import read_text
from cotune.data.frames import (
    as_numpy,
    from_array,
    from_pandas,
    is_pandas,
    series_from_numpy,
    series_from_pandas,
)
from cotune.data.origin import Origin
from cotune.errors import SourceError, TargetError, did_you_mean

TEXT = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
READABLE = (*TEXT, ".parquet")

_REMEDIES = {
    ".xlsx": "export the sheet as CSV",
    ".xls": "export the sheet as CSV",
    ".pkl": "load it in Python and pass the frame; cotune never unpickles",
    ".pickle": "load it in Python and pass the frame; cotune never unpickles",
    ".joblib": "load it in Python and pass the frame; cotune never unpickles",
    ".npy": "load it with numpy and pass the array",
    ".npz": "load it with numpy and pass (X, y)",
    ".zip": "unpack it first",
    ".txt": "rename it to .csv or .tsv if it is a table with column names in line 1",
}


@dataclass(frozen=True)
class Table:
    """A source as read: its frame, where the rows stand, and the target that the source itself brings."""

    frame: pl.DataFrame
    origin: Origin
    target: str | None = None


def read_frame(source: object) -> pl.DataFrame:
    """The columns of `source` as they are; text files give strings.

    Args:
        source: path of a .csv, .tsv (also .gz) or .parquet file, a polars or pandas frame, or a 2-D array.

    Raises:
        SourceError: it cannot be read; the message names line, cause and remedy.
        ColumnError: a column mixes types.

    Example:
        >>> read_frame(numpy.zeros((2, 3))).columns
        ['x0', 'x1', 'x2']
    """
    return open_source(source).frame


def open_source(source: object, target: str | None = None) -> Table:
    """`read_frame`, with what is needed to name rows; a pair (X, y) gets its y as the column `target`."""
    if isinstance(source, tuple):
        return _from_pair(source, target)
    table = _from_one(source)
    if table.frame.width == 0:
        raise SourceError(f"{table.origin.words} must have columns, but has none")
    if table.frame.height == 0:
        raise SourceError(
            f"{table.origin.words} must have rows, but holds only the names of {table.frame.width} columns"
        )
    return table


def _from_one(source: object, what: str = "table") -> Table:
    if isinstance(source, str | PathLike):
        return _from_path(source)
    words = "the array" if hasattr(source, "__array__") and not _is_frame(source) else f"the {what}"
    origin = Origin(name="table", words=words)
    if isinstance(source, pl.LazyFrame):
        source = source.collect()
    if isinstance(source, pl.DataFrame):
        return Table(source, origin)
    if is_pandas(source) and hasattr(source, "columns"):
        return Table(from_pandas(source), origin)
    if hasattr(source, "__array__") or hasattr(source, "toarray"):
        return Table(from_array(source), origin)
    raise SourceError(
        f"a source is a path, a polars or pandas frame, a 2-D array or a pair (X, y), "
        f"but got a {type(source).__name__}"
    )


def _is_frame(source: object) -> bool:
    return isinstance(source, pl.DataFrame | pl.LazyFrame) or is_pandas(source)


def _from_path(source: "str | PathLike[str]") -> Table:
    path = Path(source)
    if "://" in str(source):
        raise SourceError(
            f"a source must be a file of this machine, but got the address {source}; "
            "download it first, then name the file"
        )
    if path.is_dir():
        raise SourceError(f"{path} is a directory; name a file in it{_siblings(path, '')}")
    if not path.exists():
        raise SourceError(f"there is no file {path}{_siblings(path.parent, path.name)}")
    lowered = path.name.lower()
    if lowered.endswith(TEXT):
        return Table(*read_text(path))
    if lowered.endswith(".parquet"):
        return Table(_read_parquet(path), Origin(path.stem, str(path)))
    remedy = _REMEDIES.get(path.suffix.lower(), "export the table as CSV or Parquet")
    raise SourceError(f"a file must end with {', '.join(READABLE)}, but got {path}; {remedy}")


def _siblings(folder: Path, name: str) -> str:
    if not folder.is_dir():
        return f"; there is no directory {folder} either"
    names = [each.name for each in folder.iterdir() if each.name.lower().endswith(READABLE)]
    return did_you_mean(name, names)


def _read_parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        first = (str(error).splitlines() or [""])[0]
        raise SourceError(
            f"{path} must be a whole Parquet file, but reading fails: {first}; write or copy it again"
        ) from None


def _from_pair(pair: tuple[Any, ...], target: str | None) -> Table:
    if len(pair) != 2:
        raise SourceError(f"a tuple must be a pair (X, y), but has {len(pair)} members")
    X, y = pair
    name = target or "target"
    if isinstance(X, list):
        X = as_numpy(X, "X")
    if isinstance(X, str | PathLike):
        raise SourceError(
            "the X of a pair (X, y) must be an array or a frame, but is a path; "
            "pass the path alone, and the name of its target column"
        )
    frame = _from_one(X, "table X").frame if _is_frame(X) else from_array(X, "X")
    labels = _labels(y, name)
    if labels.len() != frame.height:
        raise SourceError(
            f"X and y must have equally many rows, but X has {frame.height} and y has {labels.len()}"
        )
    if frame.height == 0:
        raise SourceError("X and y must have rows, but have none")
    if name in frame.columns:
        raise SourceError(f"X has a column '{name}' already; name the target otherwise with target=…")
    return Table(frame.with_columns(labels), Origin(name="table", words="(X, y)"), name)


def _labels(y: Any, name: str) -> pl.Series:
    if isinstance(y, pl.DataFrame) or (is_pandas(y) and hasattr(y, "columns")):
        y = y[:, 0] if isinstance(y, pl.DataFrame) and y.width == 1 else y
        y = y.iloc[:, 0] if is_pandas(y) and y.shape[1] == 1 else y
    if isinstance(y, pl.Series):
        return y.alias(name)
    if is_pandas(y) and hasattr(y, "isna") and y.ndim == 1:
        return series_from_pandas(y, name)
    values = as_numpy(y, "y")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise TargetError(f"y must have one value per row, but has shape {values.shape}; pass one column")
    return series_from_numpy(name, values)
