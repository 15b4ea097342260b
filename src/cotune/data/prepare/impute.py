"""Missing numbers: filled with one number for each column, and optionally marked.

| method        | what fills                                                        |
|---------------|-------------------------------------------------------------------|
| mean          | mean of the present training cells                                |
| median        | their median                                                      |
| most_frequent | the number that most of them hold, the smallest of several        |
| constant      | 0, whatever the column holds; for a date 1970-01-01               |

All agree with scikit-learn's SimpleImputer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from cotune.data.arrays import Floats


@dataclass(frozen=True)
class Imputation:
    """What stands in for a missing cell, and which columns get an indicator; one entry per column."""

    fill: tuple[float, ...]
    marked: tuple[int, ...]


def _most_frequent(column: Floats) -> float:
    values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
    return float(values[counts.argmax()])


LEARNED: Mapping[str, Callable[[Floats], float]] = {
    "mean": lambda column: float(np.nanmean(column)),
    "median": lambda column: float(np.nanmedian(column)),
    "most_frequent": _most_frequent,
}
"""Setting → what a column with present cells teaches; `constant` learns nothing."""


def fit(x: Floats, *, method: str, markable: Sequence[int], zeros: Sequence[float] = ()) -> Imputation:
    """Fill values from the present cells.

    Args:
        x: numbers with NaN for missing, shape [row, column].
        method: see the table above.
        markable: columns that get a 0/1 column of their own if they have missing cells.
        zeros: what counts as 0 in each column; 0 where this is empty.
    """
    gone = np.isnan(x)
    fill = list(zeros) or [0.0] * x.shape[1]
    for j in range(x.shape[1]):
        # A column without any value in these rows has no mean; 0 stands in.
        if method in LEARNED and not gone[:, j].all():
            fill[j] = LEARNED[method](x[:, j])
    return Imputation(tuple(fill), tuple(j for j in markable if gone[:, j].any()))


def cut(state: Imputation, start: int, stop: int | None) -> Imputation:
    """That of the columns from `start` to `stop`, counted from there."""
    fill = state.fill[start:stop]
    return Imputation(fill, tuple(j - start for j in state.marked if start <= j < start + len(fill)))


def join(parts: Sequence[Imputation]) -> Imputation:
    """That of all columns, from those of some each."""
    starts = accumulate((len(part.fill) for part in parts), initial=0)
    return Imputation(
        tuple(value for part in parts for value in part.fill),
        tuple(start + j for start, part in zip(starts, parts, strict=False) for j in part.marked),
    )


def apply(state: Imputation, x: Floats) -> tuple[Floats, Floats]:
    """(`x` without NaN, 0/1 indicators of the marked columns), shapes [row, column] and [row, marked]."""
    gone = np.isnan(x)
    return np.where(gone, np.asarray(state.fill), x), gone[:, list(state.marked)].astype(np.float64)
