"""A typed frame as numeric blocks: columns to be scaled, columns that stay as they are, and their names."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from cotune.data.arrays import Floats
from cotune.data.origin import plain_place
from cotune.data.prepare import dates
from cotune.data.tables.cells import PARSERS
from cotune.data.tables.stored import KINDS, Frame
from cotune.errors import ColumnError, did_you_mean


@dataclass(frozen=True)
class Input:
    """A column that the pipeline reads."""

    name: str
    kind: str


def inputs_of(frame: Frame) -> tuple[Input, ...]:
    """The inputs in a data set's typed frame."""
    kinds = {dtype: kind for kind, dtype in KINDS.items()}
    return tuple(Input(name, kinds[dtype]) for name, dtype in frame.schema.items())


def typed(inputs: Sequence[Input], frame: pl.DataFrame) -> pl.DataFrame:
    """The input columns of a raw frame, each parsed as its kind.

    Raises:
        ColumnError: a column is missing, or a cell cannot be read as its column's kind.
    """
    absent = [each.name for each in inputs if each.name not in frame.columns]
    if absent:
        near = [
            f"'{name}'{hint if 'did you mean' in hint else ''}" for name, hint in _hints(absent[:5], frame)
        ]
        raise ColumnError(
            f"the model needs {len(inputs)} columns, but these are missing: "
            + ", ".join(near)
            + (f" and {len(absent) - 5} more" if len(absent) > 5 else "")
        )
    return pl.DataFrame([PARSERS[each.kind](frame[each.name], plain_place) for each in inputs])


def _hints(names: Sequence[str], frame: pl.DataFrame) -> list[tuple[str, str]]:
    return [(name, did_you_mean(name, frame.columns)) for name in names]


def named(inputs: Sequence[Input], kind: str) -> list[str]:
    """The names of the inputs of one kind."""
    return [each.name for each in inputs if each.kind == kind]


def scaled_block(inputs: Sequence[Input], frame: pl.DataFrame) -> tuple[Floats, list[str]]:
    """Numeric columns, then days and year of each date; NaN for missing. (Shape [row, column], names.)"""
    names = named(inputs, "numeric")
    blocks = [frame.select(pl.col(names).fill_null(float("nan"))).to_numpy()] if names else []
    names = list(names)
    for date in named(inputs, "date"):
        blocks.append(dates.linear(frame[date]))
        names += [f"{date}.{part}" for part in dates.LINEAR]
    return _join(blocks, frame.height), names


def plain_block(
    inputs: Sequence[Input], calendars: Sequence[dates.Calendar], frame: pl.DataFrame
) -> tuple[Floats, list[str]]:
    """Booleans as 0/1, then the circles of each date; NaN for missing. (Shape [row, column], names.)"""
    names = named(inputs, "boolean")
    blocks = []
    if names:
        blocks.append(frame.select(pl.col(names).cast(pl.Float64).fill_null(float("nan"))).to_numpy())
    for date, calendar in zip(named(inputs, "date"), calendars, strict=True):
        blocks.append(dates.circular(calendar, frame[date]))
        names += [
            f"{date}.{part}_{wave}" for part, _, _ in dates.circles(calendar) for wave in ("sin", "cos")
        ]
    return _join(blocks, frame.height), names


def _join(blocks: list[Floats], rows: int) -> Floats:
    return np.concatenate([np.zeros((rows, 0)), *blocks], axis=1)
