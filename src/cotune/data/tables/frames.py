"""Frames and arrays of other libraries as polars frames."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from cotune.errors import ColumnError, SourceError

_NUMBERS = (int, float, Decimal)
_FAMILIES: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("true/false", (bool, np.bool_)),
    ("numbers", (*_NUMBERS, np.integer, np.floating)),
    ("text", (str,)),
    ("dates", (date, datetime)),
    ("durations", (timedelta,)),
)


def is_pandas(value: object) -> bool:
    """Whether `value` is a frame or series of pandas, told without importing it."""
    return type(value).__module__.split(".")[0] == "pandas"


def from_pandas(frame: Any) -> pl.DataFrame:
    """A pandas frame column by column; the index is left out.

    Raises:
        SourceError: column names given twice.
        ColumnError: a column that mixes types.
    """
    names = [str(name) for name in frame.columns]
    check_names(names)
    return pl.DataFrame([series_from_pandas(frame.iloc[:, i], name) for i, name in enumerate(names)])


def series_from_pandas(series: Any, name: str) -> pl.Series:
    """One pandas column; its missing values become nulls, a `category` keeps being categorical."""
    kind = getattr(series.dtype, "kind", "O")
    if isinstance(series.dtype, np.dtype) and kind in "biuf":
        return pl.Series(name, series.to_numpy(), nan_to_null=True)
    if isinstance(series.dtype, np.dtype) and kind in "mM":
        return pl.Series(name, series.to_numpy())
    if isinstance(series.dtype, np.dtype) and kind == "c":
        raise ColumnError(_complex(f"column '{name}'"))
    missing = series.isna().to_numpy()
    values = [
        None if gone else value for gone, value in zip(missing, series.to_numpy(dtype=object), strict=True)
    ]
    if str(series.dtype) == "category":
        return pl.Series(name, [None if v is None else str(v) for v in values], dtype=pl.String).cast(
            pl.Categorical
        )
    return from_values(name, values)


def from_values(name: str, values: Sequence[Any]) -> pl.Series:
    """A column from Python values, which must be of one family (numbers, text, dates …).

    Raises:
        ColumnError: the first value of a second family, with its row.
    """
    family, first = "", 0
    clean: list[Any] = []
    for row, value in enumerate(values):
        if value is None or (isinstance(value, float) and value != value):
            clean.append(None)
            continue
        mine = next((words for words, types in _FAMILIES if isinstance(value, types)), "")
        if not mine:
            raise ColumnError(
                f"cells must be numbers, text, true/false or dates, but column '{name}' holds "
                f"a {type(value).__name__} in row {row} (counted from 0); {_flatten(name)}"
            )
        if family and mine != family:
            raise ColumnError(
                f"a column must hold one type, but column '{name}' holds {family} ({values[first]!r} in "
                f"row {first}, counted from 0) and {mine} ({value!r} in row {row}); convert it to one type"
            )
        if not family:
            family, first = mine, row
        clean.append(_plain(value))
    if family == "numbers":
        whole = all(value is None or isinstance(value, int) for value in clean)
        fits = whole and all(value is None or -(2**63) <= value < 2**63 for value in clean)
        return pl.Series(name, clean, dtype=pl.Int64 if fits else pl.Float64, strict=False)
    if family == "dates":
        return pl.Series(name, [_naive(value) for value in clean], dtype=pl.Datetime("us"))
    return pl.Series(name, clean)


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, str) else value


def _naive(value: date | datetime | None) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    offset = value.utcoffset()
    plain = value.replace(tzinfo=None) if offset is None else value.replace(tzinfo=None) - offset
    return datetime(*plain.timetuple()[:6], plain.microsecond)


def _flatten(name: str) -> str:
    return f"flatten it into plain columns, or leave it out with `--set 'columns={{{name}: ignore}}'`"


def from_array(array: Any, what: str = "the array") -> pl.DataFrame:
    """A 2-D array as a frame with columns x0, x1, …

    Raises:
        SourceError: not 2-D, empty, or of a type that holds no table (complex, records, ragged lists).
        ColumnError: an object column that mixes types.
    """
    data = as_numpy(array, what)
    if data.ndim != 2:
        remedy = (
            "reshape it with .reshape(-1, 1) if it is one column" if data.ndim == 1 else "flatten it per row"
        )
        raise SourceError(f"{what} must have 2 axes (rows, columns), but has shape {data.shape}; {remedy}")
    if data.shape[1] == 0:
        raise SourceError(f"{what} must have at least one column, but has shape {data.shape}")
    return pl.DataFrame([series_from_numpy(f"x{i}", data[:, i]) for i in range(data.shape[1])])


def as_numpy(array: Any, what: str) -> np.ndarray[Any, np.dtype[Any]]:
    """`array` as a dense numpy array of a type that can be learned from."""
    try:
        data = np.asarray(array)
    except (ValueError, TypeError) as error:
        raise SourceError(f"{what} must be a table of equal rows, but numpy refuses it: {error}") from None
    if data.dtype.kind == "c":
        raise SourceError(_complex(what))
    if data.ndim == 0 and hasattr(array, "toarray"):
        raise SourceError(
            f"{what} must be dense, but is a sparse {type(array).__name__}; pass its .toarray()"
        )
    if data.dtype.kind not in "biufUSOmM":
        raise SourceError(
            f"{what} must hold numbers or text, but has dtype {data.dtype}; pass one plain 2-D array"
        )
    return data


def series_from_numpy(name: str, values: np.ndarray[Any, np.dtype[Any]]) -> pl.Series:
    """One column of an array."""
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8")
    if values.dtype.kind in "OU":
        return from_values(name, values.tolist())
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    return pl.Series(name, np.ascontiguousarray(values), nan_to_null=values.dtype.kind == "f")


def _complex(what: str) -> str:
    return f"{what} must hold real numbers, but is complex; split it into real and imaginary columns"


def check_names(names: Sequence[str]) -> None:
    """Raise `SourceError` when two columns share a name."""
    seen: dict[str, int] = {}
    for place, name in enumerate(names):
        if name in seen:
            raise SourceError(
                f"column names must differ, but columns {seen[name]} and {place} (counted from 0) are "
                f"both named '{name}'; rename one of them"
            )
        seen[name] = place
