"""The target column: what is to be learned from it, and its values."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from cotune.data.arrays import Floats, Ints
from cotune.data.origin import Place
from cotune.data.tables.cells import categories, check_flat, cleaned, numbers
from cotune.data.tables.kinds import MOSTLY
from cotune.errors import ColumnError, TargetError
from cotune.types import Task

LEAST_ROWS = 10
MOST_INTEGER_CLASSES = 20
ROWS_PER_INTEGER_CLASS = 5


@dataclass(frozen=True)
class Target:
    """The target of the rows that have one.

    Args:
        task: what is to be learned.
        classes: sorted labels; () for a regression.
        y: class index (int64) or value (float64), shape [kept row].
        kept: row indices that have a target, shape [kept row].
        distinct: different values.
    """

    task: Task
    classes: tuple[str, ...]
    y: Ints | Floats
    kept: Ints
    distinct: int


def read_target(series: pl.Series, task: str, place: Place) -> Target:
    """The target's values, under `task` or the task its values suggest.

    Raises:
        TargetError: it cannot be learned; the message says why.
    """
    if task == "own":
        law = "task own is for tensors that come with a network of your own and a loss of its own"
        raise TargetError(f"{law}; leave it out, or pass arrays to cotune.tune(build=…, loss=…)")
    try:
        check_flat(series)
    except ColumnError as error:
        raise TargetError(f"the target cannot be learned: {error}") from None
    clean = cleaned(series)
    if clean.dtype in (pl.Date, pl.Datetime, pl.Duration, pl.Time):
        raise TargetError(
            f"a target must be numbers or classes, but '{series.name}' holds {clean.dtype}; "
            "turn it into a number first"
        )
    kept = clean.is_not_null().arg_true().to_numpy().astype(np.int64)
    _check_amount(clean, len(kept))
    if task == "regression" or (task == "auto" and _suggests_regression(clean, place)):
        values = _numbers(clean, place).to_numpy()[kept].astype(np.float64)
        return Target(Task.REGRESSION, (), values, kept, clean.drop_nulls().n_unique())
    return _classes(categories(clean, place), task, kept)


def _check_amount(clean: pl.Series, usable: int) -> None:
    if usable == 0:
        raise TargetError(
            f"the target must have values, but all {clean.len()} rows of '{clean.name}' are empty; "
            "name another column"
        )
    if usable < LEAST_ROWS:
        raise TargetError(
            f"at least {LEAST_ROWS} rows with a target are needed, but '{clean.name}' has {usable} "
            f"of {clean.len()}; bring more rows"
        )
    if clean.drop_nulls().n_unique() == 1:
        raise TargetError(
            f"the target must vary, but all rows of '{clean.name}' hold '{clean.drop_nulls()[0]}'; "
            "name another column, or bring rows of other classes"
        )


def _numbers(clean: pl.Series, place: Place) -> pl.Series:
    try:
        return numbers(clean, place)
    except ColumnError as error:
        raise TargetError(
            str(error).split("; ")[0].replace("column", "the target", 1)
            + "; fix the cell, leave it empty to leave the row out, or set task=multiclass"
        ) from None


def _suggests_regression(clean: pl.Series, place: Place) -> bool:
    if clean.dtype == pl.Boolean:
        return False
    present = clean.drop_nulls()
    values = present.cast(pl.Float64, strict=False)
    share = values.is_not_null().sum() / present.len()
    if share < MOSTLY:
        return False
    exact = _numbers(clean, place).drop_nulls()
    if (exact != exact.floor()).any():
        return True
    distinct = exact.n_unique()
    few = distinct <= MOST_INTEGER_CLASSES and distinct * ROWS_PER_INTEGER_CLASS <= exact.len()
    return not (few or distinct == 2)


def _classes(labels: pl.Series, task: str, kept: Ints) -> Target:
    counts = labels.drop_nulls().value_counts()
    names, sizes = counts[labels.name].to_list(), counts["count"].to_list()
    classes = tuple(_sorted(names))
    name = labels.name
    if task == "binary" and len(classes) != 2:
        raise TargetError(
            f"a binary target must have 2 classes, but '{name}' has {len(classes)} "
            f"({_shown(classes)}); set task=multiclass"
        )
    if len(classes) * 2 > len(kept):
        raise TargetError(
            f"classes must be at most half as many as rows, but '{name}' has {len(classes)} classes in "
            f"{len(kept)} rows; name another column, or set task=regression if it holds numbers"
        )
    lonely = [label for label, size in zip(names, sizes, strict=True) if size < 2]
    if lonely:
        raise TargetError(
            f"every class needs at least 2 rows, but {len(lonely)} of the {len(classes)} classes of "
            f"'{name}' have one row: {_shown(_sorted(lonely))}; merge them, or leave those rows out"
        )
    index = {label: i for i, label in enumerate(classes)}
    y = labels.drop_nulls().replace_strict(index, return_dtype=pl.Int64).to_numpy()
    return Target(Task.BINARY if len(classes) == 2 else Task.MULTICLASS, classes, y, kept, len(classes))


def _sorted(labels: list[str]) -> list[str]:
    try:
        return sorted(labels, key=lambda label: (float(label), label))
    except ValueError:
        return sorted(labels)


def _shown(labels: "list[str] | tuple[str, ...]") -> str:
    return ", ".join(f"'{label}'" for label in labels[:5]) + (", …" if len(labels) > 5 else "")


def label_type(dtype: pl.DataType, classes: tuple[str, ...], *, from_text: bool) -> str:
    """What a class label is to the user: "int", "float", "bool" or "str".

    A text file knows no types: there, labels that are all whole numbers are taken for such.
    """
    if dtype == pl.Boolean:
        return "bool"
    if dtype.is_integer():
        return "int"
    if dtype.is_float():
        return "float"
    whole = all(name.removeprefix("-").isdecimal() and str(int(name)) == name for name in classes)
    return "int" if from_text and classes and whole else "str"
