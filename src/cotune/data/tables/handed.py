"""Tables that are handed over in memory: frames, arrays, and pairs (X, y)."""

from os import PathLike
from typing import Any

import polars as pl

from cotune.data.origin import Origin
from cotune.data.tables.frames import (
    as_numpy,
    from_array,
    from_pandas,
    is_pandas,
    series_from_numpy,
    series_from_pandas,
)
from cotune.data.tables.table import Columns, Table
from cotune.errors import SourceError, TargetError


def from_one(source: object, what: str = "table") -> Table[pl.DataFrame]:
    """A frame or an array.

    Raises:
        SourceError: it is neither.
    """
    words = "the array" if hasattr(source, "__array__") and not _is_frame(source) else f"the {what}"
    origin = Origin(name="table", words=words)
    if isinstance(source, pl.DataFrame | pl.LazyFrame) or (is_pandas(source) and hasattr(source, "columns")):
        return Table(frame_of(source), origin)
    if hasattr(source, "__array__") or hasattr(source, "toarray"):
        return Table(from_array(source), origin, is_array=True)
    raise SourceError(
        f"a source is a path, a polars or pandas frame, an array, a pair (X, y), or a graph with edges or adjacency, "
        f"but got a {type(source).__name__}"
    )


def frame_of(source: Any) -> pl.DataFrame:
    """A frame of polars or pandas as one of polars, in memory."""
    if isinstance(source, pl.LazyFrame):
        return source.collect()
    return source if isinstance(source, pl.DataFrame) else from_pandas(source)


def _is_frame(source: object) -> bool:
    return isinstance(source, pl.DataFrame | pl.LazyFrame) or is_pandas(source)


def from_pair(pair: tuple[Any, ...], target: str | None) -> Table[pl.DataFrame]:
    """A pair (X, y); y becomes the column `target`.

    Raises:
        SourceError, TargetError: they are no such pair.
    """
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
    frame = frame_of(X) if _is_frame(X) else from_array(X, "X")
    labels = labels_of(y, name)
    check_pair(frame, labels)
    return Table(frame.with_columns(labels), Origin(name="table", words="(X, y)"), name)


def check_pair(frame: Columns, labels: pl.Series) -> None:
    """Raise `SourceError` unless a target can stand beside the columns."""
    if labels.len() != frame.height:
        raise SourceError(
            f"X and y must have equally many rows, but X has {frame.height} and y has {labels.len()}"
        )
    if frame.height == 0:
        raise SourceError("X and y must have rows, but have none")
    if labels.name in frame.columns:
        raise SourceError(f"X has a column '{labels.name}' already; name the target otherwise with target=…")


def labels_of(y: Any, name: str) -> pl.Series:
    """The labels as a column."""
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
