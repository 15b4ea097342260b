"""Several targets at once: numbers that a network predicts together."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from cotune.data.arrays import Floats
from cotune.data.origin import Place
from cotune.data.tables.cells import is_number
from cotune.data.tables.table import Columns, Table
from cotune.data.target import Target, read_target
from cotune.errors import TargetError, did_you_mean
from cotune.types import Task


def targets_of(asked: "str | Sequence[str] | None", known: Sequence[str]) -> tuple[str, ...]:
    """The names in a request: a list of them, or one text with commas unless a column has just that name.

    Raises:
        TargetError: a name is there twice.

    Example:
        >>> targets_of("load, price", ["load", "price", "hour"])
        ('load', 'price')
    """
    if asked is None:
        return ()
    if isinstance(asked, str):
        parts = (asked,) if asked in known or "," not in asked else asked.split(",")
        names = tuple(part.strip() if len(parts) > 1 else part for part in parts)
    else:
        names = tuple(asked)
    if len(set(names)) < len(names):
        raise TargetError(f"each target must be named once, but got {', '.join(names)}; leave one out")
    return names


def one_name(asked: "str | Sequence[str] | None") -> str | None:
    """The name that the y of a pair (X, y) gets; `None` where several are asked for."""
    return asked if isinstance(asked, str) else None


def target_names(table: Table[Columns], asked: "str | Sequence[str] | None") -> tuple[str, ...]:
    """The targets in a table, as the user names them.

    Raises:
        TargetError: one is not there, or none is named.
    """
    names = targets_of(asked, table.frame.columns)
    if len(names) > 1:
        return tuple(_target_name(table, name) for name in names)
    return (_target_name(table, names[0] if names else None),)


def _target_name(table: Table[Columns], target: str | None) -> str:
    name = table.target or target
    known = table.frame.columns
    if name is None:
        if table.is_array:
            raise TargetError(
                "an array has no named target; pass a pair (X, y), or the index of a column as target"
            )
        raise TargetError(f"the target must be named (--target COL){did_you_mean('', known)}")
    if name in known:
        return name
    if name.isdecimal() and table.is_array and int(name) < len(known):
        return known[int(name)]
    hint = did_you_mean(name, known)
    if all(is_number(column) for column in known):
        hint += "; the column names are all numbers: is the line of column names missing?"
    raise TargetError(f"there is no target column '{name}' in {table.origin.words}{hint}")


def read_several(frame: Columns, names: Sequence[str], task: str, place: Place) -> Target:
    """The values of several targets [kept row value], of the rows that have all of them.

    Raises:
        TargetError: one is no number, or the task is no regression.
    """
    if task not in ("auto", "regression"):
        raise TargetError(
            f"several targets are numbers, so the task is regression, but is {task}; leave it out"
        )
    each = [_numbers(frame[name], place) for name in names]
    kept = each[0].kept
    for one in each[1:]:
        kept = np.intersect1d(kept, one.kept)
    if len(kept) < 2:
        raise TargetError(
            f"rows need a value of every target, but {len(kept)} have one of {', '.join(names)}"
        )
    columns: list[Floats] = [one.y[np.searchsorted(one.kept, kept)].astype(np.float64) for one in each]
    y = np.stack(columns, axis=1)
    return Target(Task.REGRESSION, (), y, kept, max(one.distinct for one in each))


def _numbers(series: pl.Series, place: Place) -> Target:
    try:
        return read_target(series, "regression", place)
    except TargetError as error:
        raise TargetError(f"several targets must all be numbers: {error}") from None
