"""From a table of series to a data set of forecasts: times put in order, gaps filled, rows that can be learned from.

A table has a row for each time, of one series or of several in long form (a column names the series).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from cotune.data.arrays import Bools, Floats, Ints
from cotune.data.dataset import Column, Dataset
from cotune.data.forecasts.calendar import PARTS, calendar
from cotune.data.forecasts.spacing import Spacing, said, spacing_of
from cotune.data.forecasts.windows import Roles, Windows
from cotune.data.origin import Place
from cotune.data.request import Request
from cotune.data.tables.cells import categories, cleaned, dates, numbers
from cotune.data.tables.kinds import infer
from cotune.data.tables.sources import open_source
from cotune.data.tables.table import Columns, Table
from cotune.data.targets import target_names
from cotune.errors import ColumnError, DataError, TargetError, did_you_mean
from cotune.types import Task

SEASONS = (4, 14)
"""Lookbacks worth trying, in seasons or horizons, whichever is longer. Source: Zeng et al. 2023 (long ones help)."""

SHARE = 4
"""A lookback takes at most one in so many times of the longest series, so that there are rows to learn from."""


@dataclass(frozen=True)
class Forecast:
    """What the user says about a forecast.

    Args:
        horizon: steps; `None` for a season.
        series: column that names the series; `None` for one series.
        covariates: columns read up to the origin: names, ("all",) or ().
        known: columns whose future is known.
        calendar: parts of the time, names of `PARTS`.
        lookback: the longest that is asked for; `None` leaves it open.
    """

    horizon: int | None = None
    series: str | None = None
    covariates: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    calendar: tuple[str, ...] = ()
    lookback: int | None = None


@dataclass(frozen=True, eq=False)
class Laid:
    """Series laid one under the other: the fields of `Windows` of the same names, and what was found.

    Args:
        missing: cells of targets that were filled [T target].
        gaps: times between the first and the last of a series that had no row.
        planned: rows after the last target of each series, up to the first one that is missing.
    """

    values: Floats
    known: Floats
    missing: Bools
    times: Ints
    starts: Ints
    lengths: Ints
    names: tuple[str, ...]
    spacing: Spacing
    gaps: int
    planned: Ints


def find(request: Request) -> Dataset | None:
    """The data set of a forecast; `None` where none is asked for."""
    asked, options = request.asked, request.options
    if asked.task != "forecast":
        return None
    if asked.group is not None:
        raise ColumnError("split.group has no meaning for a forecast, whose split is by time; leave it out")
    table = open_source(request.source)
    covariates, horizon = options.get("covariates", ()), options.get("horizon", "auto")
    more = Forecast(
        horizon=None if horizon == "auto" else horizon,
        series=options.get("series"),
        covariates=("all",) if covariates == "all" else tuple(covariates),
        known=tuple(options.get("known", ())),
        calendar=tuple(options.get("calendar", ())),
        lookback=options.get("lookback"),
    )
    return forecast_of(table, target_names(table, asked.target), asked.time, more, dict(asked.columns))


def keep(source: object, target: str, path: Path) -> bool:  # noqa: ARG001
    """Nothing beside what is kept of any table."""
    return False


def forecast_of(
    table: Table[Columns],
    targets: tuple[str, ...],
    time: str | None,
    asked: Forecast,
    columns: dict[str, str],
) -> Dataset:
    """The data set of a table of series.

    Args:
        targets: columns to be forecast.
        time: column of the times; `None` takes the only column of dates, else the rows in their order.
        columns: kinds that the user gave.

    Raises:
        ColumnError, TargetError: a column is missing, times are not equally spaced, or the series are too short.
    """
    frame, place = table.frame, table.origin.place
    roles = _roles(table, targets, time, asked, columns)
    laid = lay(frame, roles, place, spacing=None, horizon=asked.horizon)
    horizon = asked.horizon or laid.spacing.horizon
    lookbacks = _lookbacks(laid, horizon, asked.lookback)
    fits = _fits(laid, len(targets), horizon, lookbacks[-1])
    if not fits.any():
        law = f"a series must have more than lookback + horizon = {lookbacks[-1]} + {horizon} times"
        remedy = "lower data.horizon or prepare.lookback, or bring longer series"
        raise TargetError(
            f"{law} without gaps in the target, but the longest has {laid.lengths.max()}; {remedy}"
        )
    spare = lookbacks[-1]  # so that windows of several preparations can lie under each other
    names = tuple(f"{name}+{step + 1}" for step in range(horizon) for name in targets)
    windows = Windows(
        values=np.pad(laid.values, ((0, spare), (0, 0))),
        known=np.pad(laid.known, ((0, spare), (0, 0))),
        origins=np.arange(len(laid.values) + spare),
        fits=np.pad(fits, (0, spare)),
        times=np.pad(laid.times, (0, spare)),
        starts=laid.starts,
        lengths=laid.lengths,
        series=laid.names,
        roles=roles,
        spacing=laid.spacing,
        horizon=horizon,
        lookbacks=lookbacks,
    )
    return Dataset(
        frame=windows,
        columns=tuple(_column(frame[name], roles, place) for name in frame.columns),
        target=", ".join(targets),
        task=Task.REGRESSION,
        classes=(),
        y=windows.y if len(names) > 1 else windows.y[:, 0],
        groups=None,
        times=None,
        name=table.origin.name,
        fingerprint=_fingerprint(windows),
        notes=tuple(_notes(windows, laid)),
        targets=names if len(names) > 1 else (),
    )


def lay(frame: Columns, roles: Roles, place: Place, *, spacing: Spacing | None, horizon: int | None) -> Laid:
    """Bring series into their order, fill gaps, and leave room for the times to come.

    A missing cell takes the last value before it: nothing later is looked at. Rows at the end whose targets are all
    missing are times to come.

    Args:
        spacing: between times; `None` to tell it from them.
        horizon: room after each series; `None` for a season.
    """
    wanted = [*roles.targets, *roles.past, *roles.known]
    for name in wanted:
        if name not in frame.columns:
            raise ColumnError(f"there is no column '{name}'{did_you_mean(name, frame.columns)}")
    cells = np.stack([_numbers(frame[name], place) for name in wanted], axis=1)
    moments = _moments(frame, roles, place)
    names, groups = _series(frame, roles, place)
    count, past = len(roles.targets), len(roles.targets) + len(roles.past)
    parts = []
    for number, rows in enumerate(groups):
        order = rows[np.argsort(moments[rows], kind="stable")]
        twice = np.flatnonzero(np.diff(moments[order]) == 0)
        if len(twice):
            again = place(int(order[twice[0] + 1]))
            whose = f" of series '{names[number]}'" if names[number] else ""
            remedy = "" if roles.series else ", or name the series' column in data.series"
            law = f"a series must have each time once, but {again} repeats one{whose}"
            raise ColumnError(f"{law}; keep one of them{remedy}")
        true = ~np.isnan(cells[order][:, :count]).all(axis=1)
        if true.any():
            parts.append((names[number], order, int(np.flatnonzero(true)[-1]) + 1))
    if not parts:
        raise TargetError(
            f"the target must have values, but all of '{roles.targets[0]}' are missing; name another"
        )
    if spacing is None:
        spacing = spacing_of([moments[order] for _, order, _ in parts]) if roles.time else Spacing("row", 1)
    room = horizon or spacing.horizon
    values, known, times, starts, lengths, planned, gaps, at = [], [], [], [], [], [], 0, 0
    for _, order, ended in parts:
        first = int(moments[order[0]])
        places = spacing.places(moments[order], first)
        length = int(places[ended - 1]) + 1
        gaps += length - ended
        whole = np.full((length + room, cells.shape[1]), np.nan)
        inside = places < length + room
        whole[places[inside]] = cells[order[inside]]
        own = spacing.after(first, np.arange(length + room))
        times.append(own)
        values.append(whole[:, :past])
        known.append(np.concatenate([whole[:, past:], calendar(own, roles.calendar)], axis=1))
        starts.append(at)
        lengths.append(length)
        ahead = places[ended:] - length
        planned.append(int((ahead == np.arange(len(ahead))).sum()))
        at += length + room
    missing = [np.isnan(each[:, :count]) for each in values]
    return Laid(
        values=np.concatenate([_filled(each) for each in values]),
        known=np.concatenate([_filled(each) for each in known]),
        missing=np.concatenate(missing),
        times=np.concatenate(times),
        starts=np.array(starts),
        lengths=np.array(lengths),
        names=tuple(name for name, _, _ in parts),
        spacing=spacing,
        gaps=gaps,
        planned=np.array(planned),
    )


def _roles(
    table: Table[Columns],
    targets: tuple[str, ...],
    time: str | None,
    asked: Forecast,
    columns: dict[str, str],
) -> Roles:
    frame = table.frame
    for role, name in (("series", asked.series), ("time", time), *(("known", name) for name in asked.known)):
        if name is not None and name not in frame.columns:
            raise ColumnError(f"there is no {role} column '{name}'{did_you_mean(name, frame.columns)}")
        if name in targets:
            raise ColumnError(f"the {role} column must not be a target, but both are '{name}'; name another")
    taken = {*targets, *asked.known, asked.series, time}
    kinds = {
        name: columns.get(name) or infer(frame[name], table.origin.place).kind
        for name in frame.columns
        if name not in taken
    }
    if time is None:
        dated = [name for name, kind in kinds.items() if kind == "date"]
        if len(dated) > 1:
            law = f"one column must have the times, but {', '.join(map(repr, dated))} do"
            raise ColumnError(f"{law}; name it with `--set time=COLUMN`")
        time = dated[0] if dated else None
    unknown = [part for part in asked.calendar if part not in PARTS]
    if unknown:
        raise ColumnError(f"data.calendar takes {', '.join(PARTS)}, but got '{unknown[0]}'")
    if asked.calendar and time is None:
        raise ColumnError(
            "data.calendar needs times, but no column has dates; name it with `--set time=COLUMN`"
        )
    past = asked.covariates
    if past == ("all",):
        past = tuple(name for name, kind in kinds.items() if kind in ("numeric", "boolean") and name != time)
    past = tuple(name for name in past if name not in (*targets, *asked.known))
    return Roles(targets, past, asked.known, asked.calendar, time or "", asked.series or "")


def _numbers(series: pl.Series, place: Place) -> Floats:
    clean = cleaned(series)
    if clean.dtype == pl.Boolean:
        clean = clean.cast(pl.Float64)
    return numbers(clean, place).cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)


def _moments(frame: Columns, roles: Roles, place: Place) -> Ints:
    if not roles.time:
        return np.arange(frame.height)
    if roles.time not in frame.columns:
        raise ColumnError(f"there is no time column '{roles.time}'{did_you_mean(roles.time, frame.columns)}")
    series = frame[roles.time]
    if series.null_count():
        row = int(series.is_null().arg_max() or 0)
        raise ColumnError(
            f"the time column '{roles.time}' must have a value in every row, but {place(row)} is empty"
        )
    return dates(series, place).cast(pl.Int64).to_numpy().astype(np.int64)


def _series(frame: Columns, roles: Roles, place: Place) -> tuple[tuple[str, ...], list[Ints]]:
    """Names of the series, and the rows of each."""
    if not roles.series:
        return ("",), [np.arange(frame.height)]
    if roles.series not in frame.columns:
        raise ColumnError(
            f"there is no series column '{roles.series}'{did_you_mean(roles.series, frame.columns)}"
        )
    labels = categories(frame[roles.series], place)
    if labels.null_count():
        row = int(labels.is_null().arg_max() or 0)
        law = f"the series column '{roles.series}' must have a value in every row, but {place(row)} is empty"
        raise ColumnError(f"{law}; fill it in, or leave such rows out")
    names, whose = np.unique(labels.to_numpy().astype(str), return_inverse=True)
    order = np.argsort(whose, kind="stable")
    borders = np.searchsorted(whose[order], np.arange(len(names) + 1))
    return tuple(names.tolist()), [order[a:b] for a, b in pairwise(borders)]


def _filled(values: Floats) -> Floats:
    """Each missing cell is the last one before it; those before any are the first one; 0 where there is none."""
    seen = ~np.isnan(values)
    places = np.where(seen, np.arange(len(values))[:, None], -1)
    last = np.maximum.accumulate(places, axis=0)
    first = np.where(seen.any(axis=0), seen.argmax(axis=0), 0)
    found = np.take_along_axis(values, np.where(last < 0, first, last), axis=0)
    return np.nan_to_num(found, nan=0.0)


def _lookbacks(laid: Laid, horizon: int, asked: int | None) -> tuple[int, ...]:
    if asked is not None:
        return (asked,)
    base, most = max(horizon, laid.spacing.season), max(1, int(laid.lengths.max()) // SHARE)
    return tuple(sorted({min(seasons * base, most) for seasons in SEASONS}))


def _fits(laid: Laid, targets: int, horizon: int, lookback: int) -> Bools:
    """Origins with enough before them, and a true value for all that is forecast [place]."""
    found = np.zeros(len(laid.values), dtype=bool)
    for start, length in zip(laid.starts, laid.lengths, strict=True):
        found[start + lookback : max(start + lookback, start + length - horizon + 1)] = True
    gone = np.concatenate([[0], np.cumsum(laid.missing[:, :targets].any(axis=1))])
    places = np.arange(len(found))
    whole: Bools = gone[np.minimum(places + horizon, len(found))] == gone[places]
    return found & whole


def _column(series: pl.Series, roles: Roles, place: Place) -> Column:
    name = series.name
    told = infer(series, place)
    uses = {
        **dict.fromkeys(roles.past, ("numeric", "read up to the first time that is forecast")),
        **dict.fromkeys(roles.known, ("numeric", "read up to the last time that is forecast")),
        roles.series: ("group", "names the series"),
        roles.time: ("time", "the times"),
        **dict.fromkeys(roles.targets, ("target", "to be forecast")),
    }
    kind, note = uses.get(name, ("ignore", "not read; see data.covariates"))
    return Column(name, kind, told.missing, told.distinct, True, note)


def _notes(windows: Windows, laid: Laid) -> Sequence[str]:
    notes = [
        f"{windows.words()}; {windows.horizon} steps are forecast, from up to {windows.lookbacks[-1]} before them",
    ]
    if windows.roles.time:
        notes.append(f"from {said(int(laid.times[0]))} on")
    if laid.gaps:
        law = f"{laid.gaps:,} times are missing"
        notes.append(f"{law}: the last value before each stands in, and none of them is to be forecast")
    missing = int(laid.missing.any(axis=1).sum()) - windows.horizon * len(laid.starts) - laid.gaps
    if missing > 0:
        notes.append(f"{missing:,} values of the target are missing: none of them is to be forecast")
    return notes


def _fingerprint(windows: Windows) -> str:
    digest = hashlib.sha256(repr((windows.roles, windows.spacing, windows.horizon, windows.series)).encode())
    for array in (windows.values, windows.known, windows.fits, windows.times, windows.starts):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def check_history(windows: Windows, lookback: int) -> None:
    """Raise `DataError` where a row has too little before it."""
    before = windows.origins - windows.starts[windows.whose]
    short = np.flatnonzero(before < lookback)
    if len(short):
        name = windows.series[windows.whose[short[0]]]
        whose = f"series '{name}'" if name else "the series"
        raise DataError(
            f"a forecast needs the {lookback} times before it, but {whose} has {before[short[0]]}; bring a longer "
            "history"
        )
