"""Dates as numbers: days and year, and the calendar's circles as sine and cosine.

angle = 2π · (value − first) / period;   month 1–12, day 1–31, weekday 1–7, hour 0–24 (minutes as fractions)
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from cotune.data.arrays import Floats

MICROSECONDS_PER_DAY = 86_400_000_000
LINEAR = ("days", "year")
ORIGIN = (0.0, 1970.0)
"""Days and year of the moment from which days count."""
CIRCLES = (("month", 1.0, 12.0), ("day", 1.0, 31.0), ("weekday", 1.0, 7.0), ("hour", 0.0, 24.0))


@dataclass(frozen=True)
class Calendar:
    """Whether the training rows of one date column tell the time of day."""

    timed: bool


def fit(series: pl.Series) -> Calendar:
    """Look whether any moment in `series` is not midnight."""
    moments = series.drop_nulls().cast(pl.Int64)
    return Calendar(bool((moments % MICROSECONDS_PER_DAY != 0).any()))


def circles(state: Calendar) -> tuple[tuple[str, float, float], ...]:
    """(name, first value, period) of the circles in use."""
    return CIRCLES if state.timed else CIRCLES[:-1]


def linear(series: pl.Series) -> Floats:
    """Days since 1970 (with fraction) and the year; NaN for missing. Shape [row, 2]."""
    days = series.cast(pl.Int64).cast(pl.Float64) / MICROSECONDS_PER_DAY
    return np.column_stack([_numpy(days), _numpy(series.dt.year())])


def circular(state: Calendar, series: pl.Series) -> Floats:
    """Sine and cosine of each circle in use; NaN for missing. Shape [row, 2 · circles]."""
    values = {
        "month": series.dt.month(),
        "day": series.dt.day(),
        "weekday": series.dt.weekday(),
        "hour": (series.cast(pl.Int64) % MICROSECONDS_PER_DAY) / (MICROSECONDS_PER_DAY / 24),
    }
    found = []
    for name, first, period in circles(state):
        angle = 2 * np.pi * (_numpy(values[name]) - first) / period
        found += [np.sin(angle), np.cos(angle)]
    return np.column_stack(found)


def _numpy(series: pl.Series) -> Floats:
    return series.cast(pl.Float64).fill_null(float("nan")).to_numpy()
