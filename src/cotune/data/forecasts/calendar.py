"""Parts of a time as numbers: each a sine and a cosine, so that 23 o'clock lies beside 0 o'clock."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotune.data.arrays import Floats, Ints
from cotune.data.forecasts.spacing import DAY, HOUR, MINUTE

MONDAY = 3
"""1970 began on a Thursday, the third day after a Monday."""

PARTS: Mapping[str, float] = {"minute": 60.0, "hour": 24.0, "weekday": 7.0, "monthday": 31.0, "month": 12.0}
"""Name → how many there are before they begin anew."""


def calendar(times: Ints, parts: tuple[str, ...]) -> Floats:
    """sin and cos of 2π part / count, for each part [time (2 part)].

    Args:
        times: microseconds since 1970.
        parts: names of `PARTS`.
    """
    columns = []
    for part in parts:
        angle = 2 * np.pi * _value(times, part) / PARTS[part]
        columns += [np.sin(angle), np.cos(angle)]
    return np.stack(columns, axis=1) if columns else np.zeros((len(times), 0))


def _value(times: Ints, part: str) -> Floats:
    days = times.astype("datetime64[us]").astype("datetime64[D]")
    found: dict[str, NDArray[Any]] = {
        "minute": times // MINUTE % 60,
        "hour": times // HOUR % 24,
        "weekday": (times // DAY + MONDAY) % 7,
        "monthday": (days - days.astype("datetime64[M]")).astype(np.int64),
        "month": days.astype("datetime64[M]").astype(np.int64) % 12,
    }
    return found[part].astype(np.float64)
