"""Extreme numbers: clipped to Tukey's far fences.

    low = Q1 − 3·IQR,  high = Q3 + 3·IQR,  IQR = Q3 − Q1

Where IQR is 0 (half of the cells are equal) the fences would flatten the column to one value, so it is left
alone.

Source: Tukey, Exploratory Data Analysis, 1977.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cotune.data.arrays import LARGEST, Bools, Floats

REACH = 3.0


@dataclass(frozen=True)
class Fences:
    """Closed bounds, one entry per column."""

    low: tuple[float, ...]
    high: tuple[float, ...]


def fit(x: Floats) -> Fences:
    """Fences from the present cells of `x`, shape [row, column], NaN for missing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice")  # such a column gets no fences below
        q1, q3 = np.nanquantile(x, [0.25, 0.75], axis=0) if x.size else np.zeros((2, x.shape[1]))
    reach = REACH * (q3 - q1)
    open_ended = ~(reach > 0)
    low = np.where(open_ended, -LARGEST, q1 - reach)
    high = np.where(open_ended, LARGEST, q3 + reach)
    return Fences(tuple(low.tolist()), tuple(high.tolist()))


def join(parts: Sequence[Fences]) -> Fences:
    """The fences of all columns, from those of some each."""
    return Fences(
        tuple(low for part in parts for low in part.low), tuple(high for part in parts for high in part.high)
    )


def apply(state: Fences, x: Floats) -> Floats:
    """`x` with its numbers moved onto the nearest fence; NaN stays."""
    return np.clip(x, np.asarray(state.low), np.asarray(state.high))


def beyond(state: Fences, x: Floats) -> Bools:
    """Which rows of `x` hold a number beyond its fences, shape [row]; a missing cell is beyond none."""
    outside: Bools = np.any((x < np.asarray(state.low)) | (x > np.asarray(state.high)), axis=1)
    return outside
