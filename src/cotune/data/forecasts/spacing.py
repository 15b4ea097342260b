"""Times at equal distances: the step between them, the season that goes with it, and the times to come.

| symbol | meaning                                                                     | shape |
|--------|-----------------------------------------------------------------------------|-------|
| t      | times, microseconds since 1970; of rows without a clock 0, 1, 2, …          | row   |
| place  | steps since the first time: whole numbers, with gaps where rows are missing | row   |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from cotune.data.arrays import Ints
from cotune.errors import ColumnError

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
WEEK = 7 * DAY

WITHOUT_SEASON = 12
"""Steps to forecast where neither the user nor the calendar says how many."""

MOST_SEASON = 288
"""Steps of a day up to which the day is the season: five minutes each; else it is the hour."""

NAMES: Mapping[int, str] = {
    WEEK: "week",
    DAY: "day",
    HOUR: "hour",
    MINUTE: "minute",
    1_000_000: "second",
    1: "microsecond",
}


@dataclass(frozen=True)
class Spacing:
    """How far apart the times of a series are.

    Args:
        unit: "us" (microseconds), "month" (the same day of each), "month end", or "row" where there is no clock.
        every: so many of them.
    """

    unit: str
    every: int

    @property
    def months(self) -> bool:
        """Whether steps are months, which differ in length."""
        return self.unit in ("month", "month end")

    @property
    def season(self) -> int:
        """Steps after which a series tends to repeat itself: a day, a week, a year; 1 where nothing is known."""
        if self.months:
            return 12 // self.every if 12 % self.every == 0 else 1
        if self.unit == "row":
            return 1
        if self.every < DAY and DAY % self.every == 0:
            day = DAY // self.every
            return day if day <= MOST_SEASON or HOUR % self.every else HOUR // self.every
        return {DAY: 7, WEEK: 52}.get(self.every, 1)

    @property
    def season_words(self) -> str:
        """The season in words, for those that have one."""
        if self.months or self.every == WEEK:
            return "year"
        return {DAY: "day", HOUR: "hour", WEEK: "week"}.get(self.every * self.season, "season")

    @property
    def horizon(self) -> int:
        """Steps that are forecast unless somebody says otherwise: a season; of weeks a quarter of a year."""
        if self.unit == "us" and self.every == WEEK:
            return 13
        return self.season if self.season > 1 else WITHOUT_SEASON

    @property
    def words(self) -> str:
        """The step in words.

        Example:
            >>> Spacing("us", 3_600_000_000).words, Spacing("month", 3).words
            ('1 hour', '3 months')
        """
        size, name = 1, self.unit.split()[0]
        if self.unit == "us":
            size, name = next((size, name) for size, name in NAMES.items() if self.every % size == 0)
        count = self.every // size
        return f"{count:,} {name}" + ("" if count == 1 else "s")

    def places(self, t: Ints, first: int, *, strict: bool = True) -> Ints:
        """Whole steps from `first` to each time.

        Args:
            strict: whether a time may not lie between two steps: series of their own need not begin together.

        Raises:
            ColumnError: a time lies between two steps.
        """
        if self.months:
            found, rest = np.divmod(_months(t) - _months(np.array([first])), self.every)
            rest = rest + (_days(t) != _days(np.array([first])) if self.unit == "month" else _to_end(t) != 0)
        else:
            found, rest = np.divmod(t - first, self.every)
        if strict and rest.any():
            wrong = said(int(t[np.flatnonzero(rest)[0]]))
            raise ColumnError(
                f"times must be equally spaced, here by {self.words}, but {wrong} lies between two steps; "
                "resample the series, or leave such rows out"
            )
        return np.asarray(found, dtype=np.int64)

    def after(self, first: int, steps: Ints) -> Ints:
        """The times so many steps after `first`."""
        if not self.months:
            return np.asarray(first + steps * self.every, dtype=np.int64)
        months = _months(np.array([first])) + steps * self.every
        if self.unit == "month end":
            return _begins(months + 1) - DAY + first % DAY
        return _begins(months) + _days(np.array([first]))


def spacing_of(times: Sequence[Ints]) -> Spacing:
    """The most frequent step between neighbouring times of the series.

    Args:
        times: of each series, in order, no time twice.
    """
    t = np.concatenate(times)
    for unit, regular in (
        ("month", (_days(t) == _days(t[:1])).all()),
        ("month end", (_to_end(t) == 0).all()),
    ):
        steps = np.concatenate([np.diff(_months(one)) for one in times])
        if regular and len(steps) and steps.min() > 0:
            return Spacing(unit, _usual(steps))
    steps = np.concatenate([np.diff(one) for one in times])
    return Spacing("us", _usual(steps) if len(steps) else DAY)


def said(t: int) -> str:
    """A time in words."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=t)
    return moment.strftime("%Y-%m-%d %H:%M:%S").removesuffix(" 00:00:00")


def _usual(steps: Ints) -> int:
    values, counts = np.unique(steps, return_counts=True)
    return int(values[counts.argmax()])


def _months(t: Ints) -> Ints:
    """Months since 1970."""
    return t.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)


def _begins(months: Ints) -> Ints:
    """When months begin."""
    return months.astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)


def _days(t: Ints) -> Ints:
    """Since the beginning of the month."""
    return t - _begins(_months(t))


def _to_end(t: Ints) -> Ints:
    """Whole days from a time's own to the last of its month."""
    return (_begins(_months(t) + 1) - 1) // DAY - t // DAY
