"""The columns of a source: what each is taken for, and those that divide the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from cotune.data.arrays import Floats, Ints
from cotune.data.dataset import Column
from cotune.data.origin import Place
from cotune.data.tables.cells import PARSERS, categories, check_flat, cleaned, dates, numbers
from cotune.data.tables.kinds import infer
from cotune.data.target import Target
from cotune.errors import ColumnError, did_you_mean
from cotune.recipe.names import COLUMN_KINDS


@dataclass(frozen=True)
class Asked:
    """What the user says about a table; see `cotune.data.load`."""

    target: str | tuple[str, ...] | None
    task: str
    columns: Mapping[str, str]
    group: str | None
    time: str | None


def check_columns(known: Sequence[str], target: str, asked: Asked) -> None:
    """Raise `ColumnError` for a column that is named in the request and is not there, or is the target."""
    for role, name in (("group", asked.group), ("time", asked.time)):
        if name is None:
            continue
        if name not in known:
            raise ColumnError(f"there is no {role} column '{name}'{did_you_mean(name, known)}")
        if name == target:
            raise ColumnError(
                f"the {role} column must not be the target, but both are '{name}'; name another"
            )
    for name, kind in asked.columns.items():
        if name not in known:
            raise ColumnError(f"columns names '{name}', which is not there{did_you_mean(name, known)}")
        if kind not in COLUMN_KINDS:
            raise ColumnError(
                f"the kind of column '{name}' must be one of {', '.join(COLUMN_KINDS)}, "
                f"but got '{kind}'{did_you_mean(kind, COLUMN_KINDS)}"
            )
        if name == target:
            raise ColumnError(
                f"columns gives a kind to the target '{name}', but a target has a task; set task instead"
            )


def describe(series: pl.Series, target: str, goal: Target, asked: Asked, place: Place) -> Column:
    """What a column is taken for.

    Raises:
        ColumnError: no kind fits all its cells.
    """
    name = series.name
    if name == target:
        return Column(
            name,
            "target",
            series.len() - len(goal.kept),
            goal.distinct,
            name not in asked.columns,
            f"to be predicted: {goal.task}",
        )
    for role, chosen in (("group", asked.group), ("time", asked.time)):
        if name == chosen:
            check_flat(series)
            clean = cleaned(series)
            return Column(
                name, role, clean.null_count(), clean.drop_nulls().n_unique(), False, f"{role} of the split"
            )
    if name in asked.columns:
        kind = asked.columns[name]
        if kind not in PARSERS:  # left out: anything may stand in it
            return Column(name, kind, series.null_count(), 0, False, "set by you")
        check_flat(series)
        clean = cleaned(series)
        return Column(name, kind, clean.null_count(), clean.drop_nulls().n_unique(), False, "set by you")
    told = infer(series, place)
    return Column(name, told.kind, told.missing, told.distinct, True, told.note)


def check_features(columns: Sequence[Column], target: str) -> None:
    """Raise `ColumnError` where a network would get nothing to see."""
    if not any(column.is_feature for column in columns):
        others = ", ".join(f"{c.name} ({c.kind})" for c in columns if c.name != target) or "none"
        raise ColumnError(
            f"at least one column besides the target must be usable, but the others are: {others}; "
            "set a kind for one of them with `--set 'columns={NAME: KIND}'`"
        )


def groups_of(series: pl.Series, kept: Ints, place: Place) -> Ints:
    """The number of each kept row's group [row]."""
    labels = categories(series, place)
    _check_complete(labels, kept, "group", place)
    chosen = labels[kept]
    names = chosen.unique().sort()
    index = {name: i for i, name in enumerate(names)}
    return chosen.replace_strict(index, return_dtype=pl.Int64).to_numpy()


def times_of(series: pl.Series, kept: Ints, place: Place) -> Floats:
    """The sort key of each kept row [row]."""
    check_flat(series)
    clean = cleaned(series)
    _check_complete(clean, kept, "time", place)
    if clean.dtype in (pl.Date, pl.Datetime) or (
        clean.dtype == pl.String and clean.cast(pl.Float64, strict=False).null_count() == clean.len()
    ):
        values = dates(clean, place).cast(pl.Int64)
    else:
        values = numbers(clean, place)
    return values[kept].to_numpy().astype(np.float64)


def _check_complete(series: pl.Series, kept: Ints, role: str, place: Place) -> None:
    empty = series[kept].is_null()
    if empty.any():
        row = int(kept[empty.arg_max() or 0])
        raise ColumnError(
            f"the {role} column '{series.name}' must have a value in every row, but {place(row)} is "
            f"empty ({empty.sum()} in all); fill it in, or leave those rows out"
        )
