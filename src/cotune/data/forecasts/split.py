"""Forecasts to training, validation and test: in the order of time, the same times for all series.

| symbol | meaning                                                     |
|--------|-------------------------------------------------------------|
| t      | steps of a row's origin from the first time of any series   |
| h      | horizon                                                     |
| B      | borders: where validation begins, and where the test begins |

A row belongs to a part if all that it forecasts does: t and t + h lie between the part's ends. What it looks back at
may lie in an earlier part, never in a later one; so nothing that is judged has been learned from.
"""

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from cotune.data.arrays import Ints
from cotune.data.forecasts.spacing import said
from cotune.data.forecasts.windows import Windows
from cotune.errors import SplitError
from cotune.recipe.schema import SplitSection

Pair = tuple[Ints, Ints]

METHODS = ("holdout", "time")


def split_windows(windows: Windows, settings: SplitSection) -> tuple[Ints, list[Pair], list[str]]:
    """(test rows, pairs of training and validation rows, notes).

    Raises:
        SplitError: a part is left without rows, or the method draws rows at random.
    """
    if settings.method not in METHODS:
        raise SplitError(
            "a forecast is judged by what comes later, so its split is holdout or time, but method is "
            f"{settings.method}; leave it out"
        )
    t, first, last = _clock(windows)
    test = _border(settings.test, first, last, windows, "test")
    if settings.method == "time":
        size = (test - first) // (settings.folds + 1)
        ends = [test - size * i for i in range(settings.folds, -1, -1)]
        borders = list(pairwise(ends))
    else:
        borders = [(_border(settings.validation, first, test, windows, "validation"), test)]
    h = windows.horizon

    def between(low: int, high: int) -> Ints:
        return np.flatnonzero(windows.fits & (t >= low) & (t + h <= high))

    pairs = [(between(first, low), between(low, high)) for low, high in borders]
    parts = [("test", test, last, between(test, last))]
    for (low, high), (train, validation) in zip(borders, pairs, strict=True):
        parts += [("training", first, low, train), ("validation", low, high, validation)]
    for part, low, high, rows in parts:
        if len(rows) < 1:
            raise SplitError(
                f"every part needs a forecast of {h} steps after {windows.lookbacks[-1]} others, but the {part} part "
                f"has {max(0, high - low):,} times and none; choose other fractions for test and validation, lower "
                "data.horizon or prepare.lookback, or bring longer series"
            )
    return parts[0][3], pairs, [_words(windows, borders, test)]


def _clock(windows: Windows) -> tuple[Ints, int, int]:
    """t of every place, and the ends of all that is known."""
    spacing, zero = windows.spacing, int(min(windows.times[start] for start in windows.starts))
    t = np.full(windows.height, -1, dtype=np.int64)
    last = 0
    for start, length in zip(windows.starts.tolist(), windows.lengths.tolist(), strict=True):
        at = int(spacing.places(windows.times[start : start + 1], zero, strict=False)[0])
        t[start : start + length] = at + np.arange(length)
        last = max(last, at + length)
    return t, 0, last


def _border(asked: float | str, first: int, last: int, windows: Windows, part: str) -> int:
    """Where a part begins that takes a share of the times, or begins at a date."""
    if isinstance(asked, float):
        return last - round(asked * (last - first))
    moment = datetime.fromisoformat(asked)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    us = round(moment.timestamp() * 1e6)
    times = _times(windows, last)
    if not windows.roles.time or not times[first] < us <= times[-1]:
        ends = (
            f"from {said(int(times[0]))} to {said(int(times[-1]))}" if windows.roles.time else "without dates"
        )
        raise SplitError(
            f"split.{part} must be a date after the first time, and not after the last, but is {asked}, and the times "
            f"are {ends}; name another date, or a fraction"
        )
    return int(np.searchsorted(times, us))


def _times(windows: Windows, last: int) -> Ints:
    zero = int(min(windows.times[start] for start in windows.starts))
    return windows.spacing.after(zero, np.arange(last))


def _words(windows: Windows, borders: list[tuple[int, int]], test: int) -> str:
    times = _times(windows, test + 1)

    def at(place: int) -> str:
        return said(int(times[place])) if windows.roles.time else f"row {place}"

    begin = at(borders[0][0])
    folds = f" ({len(borders)} folds)" if len(borders) > 1 else ""
    return f"split by time: validation from {begin} on{folds}, test from {at(test)} on"
