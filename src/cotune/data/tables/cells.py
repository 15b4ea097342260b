"""Cells to values of one kind: numbers, true/false, dates, categories; a cell that fits none is named."""

from collections.abc import Callable

import polars as pl

from cotune.data.arrays import LARGEST
from cotune.data.origin import Place
from cotune.errors import ColumnError

_WORDS = ("NA", "N/A", "NaN", "null", "None", "<NA>")
MISSING = frozenset(
    {"", "?", "-", *_WORDS, *map(str.lower, _WORDS), *map(str.upper, _WORDS), *map(str.capitalize, _WORDS)}
)
"""Words that mean: no value here."""

TRUTH = {
    "true": True,
    "false": False,
    "yes": True,
    "no": False,
    "t": True,
    "f": False,
    "y": True,
    "n": False,
    "1": True,
    "0": False,
    "1.0": True,
    "0.0": False,
}
PAIRS = ({"true", "false"}, {"yes", "no"}, {"t", "f"}, {"y", "n"}, {"1", "0"})

ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$"
DECIMAL_COMMA = r"^[+-]?\d+(\.\d{3})*,\d+$|^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$"

_NESTED = (pl.List, pl.Array, pl.Struct, pl.Object, pl.Binary)


def check_flat(series: pl.Series) -> None:
    """Raise `ColumnError` for a column whose cells are lists, structs, objects or bytes."""
    if isinstance(series.dtype, _NESTED):
        raise ColumnError(
            f"cells must be numbers, text, true/false or dates, but column '{series.name}' has type "
            f"{series.dtype}; flatten it into plain columns, or drop it"
        )


def cleaned(series: pl.Series) -> pl.Series:
    """The column with nulls for missing values: words of `MISSING` in text (stripped), NaN in numbers."""
    if series.dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    if series.dtype == pl.String:
        stripped = series.str.strip_chars()
        gone = stripped.is_in(sorted(MISSING))
        return stripped.set(gone.fill_null(False), None) if gone.any() else stripped
    if series.dtype.is_float():
        return series.fill_nan(None)
    return series


def numbers(series: pl.Series, place: Place) -> pl.Series:
    """The column as 64-bit floats.

    Raises:
        ColumnError: a cell that is not a number, is infinite, or is too large for 32-bit floats.
    """
    clean = cleaned(series)
    if clean.dtype == pl.Duration:
        clean = clean.dt.total_microseconds() / 1e6
    elif clean.dtype == pl.Time:
        clean = clean.cast(pl.Int64) / 1e9
    elif clean.dtype in (pl.Date, pl.Datetime):
        _refuse(
            clean, 0 if clean.null_count() == 0 else _first(clean.is_not_null()), "a number", place, "date"
        )
    values = clean.cast(pl.Float64, strict=False).fill_nan(None)
    bad = values.is_null() & clean.is_not_null()
    if bad.any():
        _refuse(clean, _first(bad), "a number", place, "categorical")
    huge = values.abs() > LARGEST
    if huge.any():
        row = _first(huge)
        law = "finite" if values[row] in (float("inf"), -float("inf")) else f"at most {LARGEST:.2g} in size"
        raise ColumnError(
            f"numbers must be {law}, but column '{series.name}' has {clean[row]!s} in {place(row)}; "
            "leave the cell empty (missing) or correct it"
        )
    return values


def booleans(series: pl.Series, place: Place) -> pl.Series:
    """The column as true/false; true/false, yes/no, t/f, y/n and 1/0 are understood.

    Raises:
        ColumnError: a cell that is none of these.
    """
    clean = cleaned(series)
    if clean.dtype == pl.Boolean:
        return clean
    values = (
        clean.cast(pl.String).str.to_lowercase().replace_strict(TRUTH, default=None, return_dtype=pl.Boolean)
    )
    bad = values.is_null() & clean.is_not_null()
    if bad.any():
        _refuse(clean, _first(bad), "true/false, yes/no or 1/0", place, "categorical")
    return values


def dates(series: pl.Series, place: Place) -> pl.Series:
    """The column as moments without time zone (UTC where the cells name an offset).

    Raises:
        ColumnError: a cell that is not an ISO 8601 date, or one that no calendar has.
    """
    clean = cleaned(series)
    if clean.dtype == pl.Datetime:
        zone = getattr(clean.dtype, "time_zone", None)
        clean = clean.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zone else clean
        return clean.cast(pl.Datetime("us"))
    if clean.dtype == pl.Date:
        return clean.cast(pl.Datetime("us"))
    text = clean.cast(pl.String)
    values = _moments(text)
    bad = values.is_null() & text.is_not_null()
    if bad.any():
        _refuse(text, _first(bad), "a date such as 2024-12-31 or 2024-12-31T23:59:00", place, "categorical")
    return values


def _moments(text: pl.Series) -> pl.Series:
    iso = pl.col("t").str.replace(" ", "T", literal=True).str.replace(r"Z$", "+00:00")

    def moment(pattern: str, zone: str | None = None) -> pl.Expr:
        return iso.str.to_datetime(pattern, time_unit="us", time_zone=zone, strict=False)

    zoned = [
        moment(f"%Y-%m-%dT{clock}%z", "UTC").dt.replace_time_zone(None) for clock in ("%H:%M:%S%.f", "%H:%M")
    ]
    plain = [moment(f"%Y-%m-%d{clock}") for clock in ("", "T%H:%M:%S%.f", "T%H:%M")]
    return pl.DataFrame({"t": text}).select(pl.coalesce(*plain, *zoned)).to_series().alias(text.name)


def categories(series: pl.Series, place: Place) -> pl.Series:  # noqa: ARG001 - every parser takes the same
    """The column as text; whole numbers are written without a fraction, whatever type they came in."""
    clean = cleaned(series)
    if not clean.dtype.is_float():
        return clean.cast(pl.String)
    whole = (clean == clean.floor()) & (clean.abs() < 2.0**63)
    text, integers = clean.cast(pl.String), clean.cast(pl.Int64, strict=False).cast(pl.String)
    return text.zip_with(~whole.fill_null(False), integers)


PARSERS: dict[str, Callable[[pl.Series, Place], pl.Series]] = {
    "numeric": numbers,
    "boolean": booleans,
    "date": dates,
    "categorical": categories,
}


def _first(mask: pl.Series) -> int:
    row = mask.arg_max()
    assert row is not None
    return row


def _refuse(series: pl.Series, row: int, law: str, place: Place, kind: str) -> None:
    raise ColumnError(
        f"every cell of column '{series.name}' must be {law}, but {place(row)} holds '{series[row]}'; "
        f"fix the cell (or leave it empty), or set its kind: `--set 'columns={{{series.name}: {kind}}}'`"
    )


def is_number(word: str) -> bool:
    """Whether a word can be read as a number."""
    try:
        float(word)
    except ValueError:
        return False
    return True
