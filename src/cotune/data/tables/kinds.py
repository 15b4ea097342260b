"""The kind of a column, told from all of its cells."""

import re
from dataclasses import dataclass

import polars as pl

from cotune.data.origin import Place
from cotune.data.tables.cells import DECIMAL_COMMA, ISO, PAIRS, check_flat, cleaned, dates, numbers
from cotune.errors import ColumnError

MOSTLY = 0.95
"""From this share of numbers on, the other cells are taken for mistakes, not for categories."""

MOST_SPELLINGS = 8
"""Yes, yes, YES …: so many different cells may still mean two values."""

_ID_NAME = re.compile(
    r"(?i:^(.*[_\s.-])?(id|uuid|guid)$|^(index|unnamed: ?\d+|row[_ ]?(number|num|index|id))$)|[a-z](Id|ID)$"
)


@dataclass(frozen=True)
class Kind:
    """A column's kind and why; `missing` and `distinct` count its cells."""

    kind: str
    note: str
    missing: int
    distinct: int


def infer(series: pl.Series, place: Place) -> Kind:
    """The kind of `series`.

    Raises:
        ColumnError: nested cells; numbers (or dates) but for a few words; infinite numbers; decimal commas.
    """
    check_flat(series)
    clean = cleaned(series)
    present = clean.drop_nulls()
    unique = present.unique()
    missing, distinct = clean.len() - present.len(), unique.len()
    kind, note = _tell(clean, present, unique, place)
    return Kind(kind, note, missing, distinct)


def _tell(clean: pl.Series, present: pl.Series, unique: pl.Series, place: Place) -> tuple[str, str]:
    if present.is_empty():
        return "constant", "no row has a value"
    if unique.len() == 1 and present.len() == clean.len():
        return "constant", f"all rows hold '{unique[0]}'"
    if clean.dtype == pl.String:
        return _tell_text(clean, present, unique, place)
    if clean.dtype in (pl.Date, pl.Datetime):
        return "date", "dates"
    if clean.dtype == pl.Boolean:
        return "boolean", "true/false"
    numbers(clean, place)
    if clean.dtype.is_integer():
        return _tell_integers(clean, unique)
    return "numeric", "numbers"


def _tell_text(clean: pl.Series, present: pl.Series, unique: pl.Series, place: Place) -> tuple[str, str]:
    if unique.len() <= MOST_SPELLINGS and set(unique.str.to_lowercase()) in PAIRS:
        return "boolean", " and ".join(sorted(unique))
    values = unique.cast(pl.Float64, strict=False)
    if values.null_count() == 0:
        parsed = numbers(clean, place)
        if unique.str.contains(r"[.eEnN]").any():
            return "numeric", "numbers"
        return _tell_integers(parsed, unique)
    if values.null_count() < unique.len():
        _refuse_words_among_numbers(clean, present, place)
    dated = unique.str.contains(ISO)
    if dated.all() or present.str.contains(ISO).mean() >= MOSTLY:  # type: ignore[operator]
        dates(clean, place)
        return "date", "dates as ISO 8601"
    if unique.str.contains(DECIMAL_COMMA).all():
        row = clean.is_not_null().arg_max() or 0
        raise ColumnError(
            f"numbers must be written with a decimal point and no thousands separator, but column "
            f"'{clean.name}' holds '{clean[row]}' in {place(row)}; replace the commas, or set "
            f"`--set 'columns={{{clean.name}: categorical}}'`"
        )
    if unique.len() == clean.len():
        return "identifier", "all rows differ: identifier"
    return "categorical", f"text, {unique.len()} categories"


def _refuse_words_among_numbers(clean: pl.Series, present: pl.Series, place: Place) -> None:
    share = present.cast(pl.Float64, strict=False).is_not_null().mean()
    if isinstance(share, float) and MOSTLY <= share < 1:
        numbers(clean, place)


def _tell_integers(values: pl.Series, unique: pl.Series) -> tuple[str, str]:
    rows = values.len()
    if unique.len() == 2 and set(unique.cast(pl.String)) == {"0", "1"}:
        return "boolean", "0 and 1"
    if unique.len() == rows:
        if _ID_NAME.search(values.name):
            return "identifier", "all rows differ, and the name says so: identifier"
        start = values[0]
        if start in (0, 1) and bool(
            (values.cast(pl.Int64) == pl.int_range(start, start + rows, eager=True)).all()
        ):
            return "identifier", f"counts the rows from {start}: identifier"
    return "numeric", "whole numbers"
