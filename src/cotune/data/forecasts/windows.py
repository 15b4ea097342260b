"""Rows that are windows of series: what came before a time, and what is to come.

All series lie one under the other, each followed by room for the times to come. A row is an *origin*: the place of the
first time that is forecast. No window is ever copied out of the series before it is needed.

| symbol | meaning                                                    | shape         |
|--------|------------------------------------------------------------|---------------|
| T      | places: times of all series, each with h more; and spare ones at the end |  |
| values | targets, then what is known of the past alone              | T past        |
| known  | what is known of the future too: calendar, plans           | T known       |
| h      | horizon, the steps that are forecast                       |               |
| L      | lookback, the steps before the origin that are seen        |               |
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cotune.data.arrays import Floats, Ints
from cotune.data.forecasts.spacing import Spacing


@dataclass(frozen=True)
class Roles:
    """Which columns serve as what.

    Args:
        targets: to be forecast.
        past: read up to the origin.
        known: read up to the end of the horizon.
        calendar: parts of the time that are read like `known`, names of `cotune.data.forecasts.calendar.PARTS`.
        time, series: columns; "" where there is none.
    """

    targets: tuple[str, ...]
    past: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    calendar: tuple[str, ...] = ()
    time: str = ""
    series: str = ""


@dataclass(frozen=True, eq=False)
class Windows:
    """The frame of a data set of forecasts.

    Args:
        values, known: see the table above; float64, no cell missing.
        origins: places, one for each row.
        fits: whether a row of the data set can be learned from, by place: enough before it, and a true value for all
            that is forecast [T].
        times: time of each place [T].
        starts, lengths: first place of each series, and its times without those to come.
        series: their names.
        roles: of the columns.
        spacing: between times.
        horizon: h.
        lookbacks: L that are worth trying, in order; rows have at least the longest before them.
    """

    values: Floats
    known: Floats
    origins: Ints
    fits: NDArray[np.bool_]
    times: Ints
    starts: Ints
    lengths: Ints
    series: tuple[str, ...]
    roles: Roles
    spacing: Spacing
    horizon: int
    lookbacks: tuple[int, ...]

    @property
    def kind(self) -> str:
        """As `cotune.data.forms` calls it."""
        return "forecast"

    @property
    def in_file(self) -> bool:
        """Series lie in memory."""
        return False

    @property
    def names(self) -> tuple[str, ...]:
        """Rows are told by their times, see `forecast_times`."""
        return ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Times and channels of the longest window."""
        return self.lookbacks[-1], self.channels

    @property
    def height(self) -> int:
        """Rows, as of any frame."""
        return len(self.origins)

    @property
    def width(self) -> int:
        """Numbers of a row at most, as of any frame."""
        return self.lookbacks[-1] * self.channels

    @property
    def channels(self) -> int:
        """Numbers at each time."""
        return int(self.values.shape[1] + self.known.shape[1])

    def __getitem__(self, rows: "slice | Ints") -> "Windows":
        """Some rows; the series are shared."""
        return replace(self, origins=self.origins[rows])

    @cached_property
    def whose(self) -> Ints:
        """The series of each row."""
        return np.searchsorted(self.starts, self.origins, side="right") - 1

    @property
    def count(self) -> int:
        """Targets."""
        return len(self.roles.targets)

    @cached_property
    def y(self) -> Floats:
        """What follows every place, step by step: a view [T (h target)]; places without it hold what follows there."""
        return strided(self.values[:, : self.count], self.horizon, before=0)

    def truth(self) -> Floats:
        """What follows the rows' origins [row (h target)]."""
        return self.y[self.origins]

    def forecast_times(self) -> Ints:
        """The times that are forecast [row h]."""
        steps = np.arange(self.horizon)
        ends = self.starts[self.whose] + self.lengths[self.whose]
        found = [
            self.spacing.after(int(self.times[end - 1]), origin - end + 1 + steps)
            for origin, end in zip(self.origins.tolist(), ends.tolist(), strict=True)
        ]
        return np.stack(found) if found else np.zeros((0, self.horizon), dtype=np.int64)

    def listed(self, said: Floats) -> pl.DataFrame:
        """A row for each time that is forecast: its series, its time (or step), and the values.

        Args:
            said: row (h target).
        """
        steps = said.reshape(self.height * self.horizon, self.count)
        found: dict[str, Any] = {}
        if self.roles.series:
            names = np.array(self.series)[self.whose]
            found[self.roles.series] = np.repeat(names, self.horizon).tolist()
        if self.roles.time:
            found[self.roles.time] = pl.Series(self.forecast_times().ravel()).cast(pl.Datetime("us"))
        else:
            found["step"] = np.tile(np.arange(1, self.horizon + 1), self.height)
        for i, name in enumerate(self.roles.targets):
            found["prediction" if self.count == 1 else f"prediction_{name}"] = steps[:, i]
        return pl.DataFrame(found)

    def words(self) -> str:
        """What a row is, in words."""
        series = f" of {len(self.starts):,} series" if len(self.starts) > 1 else ""
        return f"times{series}, each {self.spacing.words} after the one before"


def strided(matrix: NDArray[Any], length: int, *, before: int) -> NDArray[Any]:
    """Windows of a matrix, flattened: row i is matrix[i - before : i - before + length], a view of one copy.

    Args:
        matrix: time channel.
        before: rows of zeros that are put in front; as many as are missing are put behind.

    Returns:
        [time (length channel)], read-only.
    """
    times, channels = matrix.shape
    padded = np.zeros((times + max(before, 0) + length, channels), dtype=matrix.dtype)
    padded[before : before + times] = matrix
    step = padded.strides[0]
    return np.lib.stride_tricks.as_strided(
        padded, (times, length * channels), (step, padded.itemsize), writeable=False
    )
