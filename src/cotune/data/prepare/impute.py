"""Missing numbers: filled with the training mean or median, and optionally marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from cotune.data.arrays import Floats


@dataclass(frozen=True)
class Imputation:
    """What stands in for a missing cell, and which columns get an indicator; one entry per column."""

    fill: tuple[float, ...]
    marked: tuple[int, ...]


def fit(x: Floats, *, method: str, markable: Sequence[int]) -> Imputation:
    """Fill values from the present cells.

    Args:
        x: numbers with NaN for missing, shape [row, column].
        method: "mean" or "median".
        markable: columns that get a 0/1 column of their own if they have missing cells.
    """
    gone = np.isnan(x)
    average = np.nanmean if method == "mean" else np.nanmedian
    # A column without any value in these rows has no mean; 0 stands in.
    fill = [0.0 if gone[:, j].all() else float(average(x[:, j])) for j in range(x.shape[1])]
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
