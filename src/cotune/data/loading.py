"""From a source to a data set: read, tell the columns' kinds, read the target, name what was left out."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from cotune.data.arrays import Floats, Ints
from cotune.data.cells import PARSERS, categories, check_flat, cleaned, dates, is_number, numbers
from cotune.data.dataset import Column, Dataset, fingerprint
from cotune.data.kinds import infer
from cotune.data.origin import Place
from cotune.data.sources import Table, open_source
from cotune.data.target import Target, label_type, read_target
from cotune.errors import ColumnError, TargetError, did_you_mean
from cotune.recipe.schema import COLUMN_KINDS

TASKS = ("auto", "regression", "binary", "multiclass")


def load(
    source: object,
    *,
    target: str | None,
    task: str = "auto",
    columns: Mapping[str, str] = {},
    group: str | None = None,
    time: str | None = None,
) -> Dataset:
    """The data set in `source`.

    Args:
        source: path of a .csv, .tsv (also .gz) or .parquet file, a frame, a 2-D array, or (X, y).
        target: name of the column to predict; for (X, y) the name that y gets (default "target").
        task: "regression", "binary", "multiclass", or "auto" to tell it from the target's values.
        columns: column → kind, where the inferred kind is wrong.
        group: column whose equal values must not be torn apart by a split.
        time: column that orders the rows.

    Raises:
        SourceError: the source cannot be read.
        ColumnError: a column is missing or holds what its kind forbids.
        TargetError: the target is missing or cannot be learned.

    Example:
        >>> load("adult.csv", target="income").classes
        ('<=50K', '>50K')
    """
    table = open_source(source, target)
    frame, place = table.frame, table.origin.place
    if task not in TASKS:
        raise TargetError(
            f"task must be one of {', '.join(TASKS)}, but got '{task}'{did_you_mean(task, TASKS)}"
        )
    name = _target_name(table, target, source)
    _check_columns(frame, name, columns, group, time)
    goal = read_target(frame[name], task, place)
    described = tuple(_describe(series, name, goal, columns, group, time, place) for series in frame)
    features = _features(frame, described, place, name)
    groups = None if group is None else _groups(frame[group], goal.kept, place)
    times = None if time is None else _times(frame[time], goal.kept, place)
    kept = features if len(goal.kept) == frame.height else features[goal.kept]
    return Dataset(
        frame=kept,
        columns=described,
        target=name,
        task=goal.task,
        classes=goal.classes,
        y=goal.y,
        groups=groups,
        times=times,
        name=table.origin.name,
        fingerprint=fingerprint(kept, name, goal.classes, goal.y, groups, times),
        notes=tuple(_notes(described, frame.height - len(goal.kept))),
        label_type=label_type(frame[name].dtype, goal.classes, from_text=table.origin.text is not None),
    )


def _target_name(table: Table, target: str | None, source: object) -> str:
    name = table.target or target
    known = table.frame.columns
    if name is None:
        if hasattr(source, "__array__") and not hasattr(source, "columns"):
            raise TargetError(
                "an array has no named target; pass a pair (X, y), or the index of a column as target"
            )
        raise TargetError(f"the target must be named (--target COL){did_you_mean('', known)}")
    if name in known:
        return name
    if (
        name.isdecimal()
        and hasattr(source, "__array__")
        and not hasattr(source, "columns")
        and int(name) < len(known)
    ):
        return known[int(name)]
    hint = did_you_mean(name, known)
    if all(is_number(column) for column in known):
        hint += "; the column names are all numbers: is the line of column names missing?"
    raise TargetError(f"there is no target column '{name}' in {table.origin.words}{hint}")


def _check_columns(
    frame: pl.DataFrame, target: str, columns: Mapping[str, str], group: str | None, time: str | None
) -> None:
    for role, name in (("group", group), ("time", time)):
        if name is None:
            continue
        if name not in frame.columns:
            raise ColumnError(f"there is no {role} column '{name}'{did_you_mean(name, frame.columns)}")
        if name == target:
            raise ColumnError(
                f"the {role} column must not be the target, but both are '{name}'; name another"
            )
    for name, kind in columns.items():
        if name not in frame.columns:
            raise ColumnError(
                f"columns names '{name}', which is not there{did_you_mean(name, frame.columns)}"
            )
        if kind not in COLUMN_KINDS:
            raise ColumnError(
                f"the kind of column '{name}' must be one of {', '.join(COLUMN_KINDS)}, "
                f"but got '{kind}'{did_you_mean(kind, COLUMN_KINDS)}"
            )
        if name == target:
            raise ColumnError(
                f"columns gives a kind to the target '{name}', but a target has a task; set task instead"
            )


def _describe(
    series: pl.Series,
    target: str,
    goal: Target,
    columns: Mapping[str, str],
    group: str | None,
    time: str | None,
    place: Place,
) -> Column:
    name = series.name
    if name == target:
        return Column(
            name,
            "target",
            series.len() - len(goal.kept),
            goal.distinct,
            name not in columns,
            f"to be predicted: {goal.task}",
        )
    for role, chosen in (("group", group), ("time", time)):
        if name == chosen:
            check_flat(series)
            clean = cleaned(series)
            return Column(
                name, role, clean.null_count(), clean.drop_nulls().n_unique(), False, f"{role} of the split"
            )
    if name in columns:
        if columns[name] not in PARSERS:  # left out: anything may stand in it
            return Column(name, columns[name], series.null_count(), 0, False, "set by you")
        check_flat(series)
        clean = cleaned(series)
        return Column(
            name, columns[name], clean.null_count(), clean.drop_nulls().n_unique(), False, "set by you"
        )
    told = infer(series, place)
    return Column(name, told.kind, told.missing, told.distinct, True, told.note)


def _features(frame: pl.DataFrame, columns: tuple[Column, ...], place: Place, target: str) -> pl.DataFrame:
    used = [PARSERS[column.kind](frame[column.name], place) for column in columns if column.is_feature]
    if not used:
        others = ", ".join(f"{c.name} ({c.kind})" for c in columns if c.name != target) or "none"
        raise ColumnError(
            f"at least one column besides the target must be usable, but the others are: {others}; "
            "set a kind for one of them with `--set 'columns={NAME: KIND}'`"
        )
    return pl.DataFrame(used)


def _groups(series: pl.Series, kept: Ints, place: Place) -> Ints:
    labels = categories(series, place)
    _check_complete(labels, kept, "group", place)
    chosen = labels[kept]
    names = chosen.unique().sort()
    index = {name: i for i, name in enumerate(names)}
    return chosen.replace_strict(index, return_dtype=pl.Int64).to_numpy()


def _times(series: pl.Series, kept: Ints, place: Place) -> Floats:
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


def _notes(columns: tuple[Column, ...], without_target: int) -> list[str]:
    notes = []
    if without_target:
        notes.append(f"{without_target} rows without a target were left out")
    notes += [
        f"column '{c.name}' was left out: {c.note}"
        for c in columns
        if c.kind in ("identifier", "constant", "ignore")
    ]
    return notes
