"""Series as rows: spacing, seasons, gaps, windows without copies, splits without leakage."""

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from cotune.data import load, prepared, split
from cotune.data.forecasts.calendar import calendar
from cotune.data.forecasts.spacing import DAY, HOUR, MINUTE, WEEK, Spacing, spacing_of
from cotune.data.forecasts.windows import Windows
from cotune.data.prepare.fitting import fit, from_json
from cotune.errors import ColumnError, DataError, TargetError
from cotune.recipe.schema import SplitSection


def us(*moments: str) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(moments, dtype="datetime64[us]").astype(np.int64)


SPACINGS = {
    "hours": (np.arange(5) * HOUR, Spacing("us", HOUR), 24, "1 hour", "day"),
    "quarters of an hour": (np.arange(5) * 15 * MINUTE, Spacing("us", 15 * MINUTE), 96, "15 minutes", "day"),
    "minutes": (np.arange(5) * MINUTE, Spacing("us", MINUTE), 60, "1 minute", "hour"),
    "days": (np.arange(5) * DAY, Spacing("us", DAY), 7, "1 day", "week"),
    "weeks": (np.arange(5) * WEEK, Spacing("us", WEEK), 52, "1 week", "year"),
    "months": (us("2024-01-01", "2024-02-01", "2024-03-01", "2024-05-01"), Spacing("month", 1), 12, "1 month", "year"),
    "month ends": (us("2024-01-31", "2024-02-29", "2024-03-31"), Spacing("month end", 1), 12, "1 month", "year"),
    "quarters": (us("2023-01-01", "2023-04-01", "2023-07-01"), Spacing("month", 3), 4, "3 months", "year"),
    "odd": (np.arange(5) * 7 * MINUTE, Spacing("us", 7 * MINUTE), 1, "7 minutes", "season"),
}  # fmt: skip


@pytest.mark.parametrize(("times", "found", "season", "words", "named"), SPACINGS.values(), ids=SPACINGS)
def test_the_step_is_told_from_the_times(
    times: Any, found: Spacing, season: int, words: str, named: str
) -> None:
    assert spacing_of([times]) == found
    assert (found.season, found.words, found.season_words) == (season, words, named)
    places = found.places(times, int(times[0]))
    assert np.array_equal(found.after(int(times[0]), places), times)
    assert places[0] == 0
    assert (np.diff(places) > 0).all()


def test_a_time_between_two_steps_is_refused_by_name() -> None:
    with pytest.raises(
        ColumnError, match=r"equally spaced, here by 1 hour, but 1970-01-01 02:07:00 lies between"
    ):
        Spacing("us", HOUR).places(np.array([0, HOUR, 2 * HOUR + 7 * MINUTE]), 0)


def test_calendars_are_what_the_clock_says() -> None:
    moment = datetime(2024, 12, 31, 18, 30)
    found = calendar(us("2024-12-31T18:30"), ("minute", "hour", "weekday", "monthday", "month"))[0].reshape(
        5, 2
    )
    values = [30 / 60, 18 / 24, moment.weekday() / 7, 30 / 31, 11 / 12]
    expected = [[np.sin(2 * np.pi * v), np.cos(2 * np.pi * v)] for v in values]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def hours(rows: int = 200, **columns: Any) -> pl.DataFrame:
    when = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2030, 1, 1), "1h", eager=True)[:rows]
    return pl.DataFrame({"when": when, "y": np.arange(rows, dtype=float), **columns})


def windows_of(frame: pl.DataFrame, **options: Any) -> tuple[Any, Windows]:
    dataset = load(
        frame,
        target=options.pop("target", "y"),
        task="forecast",
        options={"lookback": 6, "horizon": 4, **options},
    )
    assert isinstance(dataset.frame, Windows)
    return dataset, dataset.frame


def test_a_row_sees_what_came_before_and_is_judged_by_what_follows() -> None:
    dataset, _ = windows_of(hours(other=np.arange(200.0) * 2), covariates="all")
    fold = split(dataset, SplitSection(), seed=0).folds[0]
    pipeline = fit(dataset, fold.train, {"lookback": 6})
    whole = prepared(pipeline, dataset)
    row = int(fold.train[3])
    x = whole.numeric[row].reshape(6, 2) * np.array(pipeline.deviation) + np.array(pipeline.mean)  # type: ignore[attr-defined]
    np.testing.assert_allclose(x[:, 0], np.arange(row - 6, row), atol=1e-3)
    np.testing.assert_allclose(x[:, 1], 2 * np.arange(row - 6, row), atol=1e-3)
    np.testing.assert_array_equal(dataset.y[row], np.arange(row, row + 4))
    some = pipeline.encode(dataset.frame[fold.train[:5]])
    np.testing.assert_array_equal(some.numeric, whole.numeric[fold.train[:5]])


def test_windows_take_no_more_memory_than_their_series() -> None:
    dataset, _ = windows_of(hours(5000), lookback=500, horizon=100)
    fold = split(dataset, SplitSection(), seed=0).folds[0]
    numeric = prepared(fit(dataset, fold.train, {"lookback": 500}), dataset).numeric
    base = numeric
    while isinstance(base.base, np.ndarray):
        base = base.base
    owner = getattr(base.base, "base", base)
    assert numeric.size > 2_500_000
    assert np.asarray(owner).nbytes < 100_000
    assert dataset.y.strides[0] < dataset.y.shape[1] * 8


@pytest.mark.parametrize(
    "asked", [{}, {"method": "time", "folds": 3}, {"test": "2024-01-07", "validation": "2024-01-05"}]
)
def test_no_part_has_learned_from_a_later_one(asked: dict[str, Any]) -> None:
    dataset, windows = windows_of(hours(), calendar=("hour",))
    found = split(dataset, SplitSection.model_validate(asked), seed=0)
    h, last = windows.horizon, found.test
    assert len(last)
    for fold in found.folds:
        assert fold.train.max() + h <= fold.validation.min()
        assert fold.validation.max() + h <= last.min()
        pipeline = fit(dataset, fold.train, {"lookback": 6})
        seen = np.arange(fold.train.min() - 6, fold.train.max() + h)
        assert pipeline.mean[0] == pytest.approx(seen.mean())  # type: ignore[attr-defined]
        assert pipeline.deviation[0] == pytest.approx(seen.std())  # type: ignore[attr-defined]
    if "test" in asked:
        assert last.min() == 6 * 24
        assert found.folds[0].validation.min() == 4 * 24


def test_gaps_are_filled_from_before_and_never_forecast() -> None:
    frame = hours().with_columns(y=pl.when(pl.int_range(pl.len()) == 90).then(None).otherwise("y"))
    frame = frame.filter(pl.int_range(pl.len()) != 50)
    dataset, windows = windows_of(frame)
    assert any("1 times are missing" in note for note in dataset.notes)
    assert windows.values[50, 0] == 49
    assert windows.values[90, 0] == 89
    judged = {int(place) for row in np.flatnonzero(windows.fits) for place in range(row, row + 4)}
    assert judged == {*range(6, 200)} - {50, 90}
    assert not windows.fits[[47, 48, 50, 87, 90]].any()


def test_each_series_keeps_to_itself() -> None:
    named = [(hours(40), "a", 0.0), (hours(70), "b", 1000.0)]
    frames = [frame.with_columns(id=pl.lit(name), y=pl.col("y") + level) for frame, name, level in named]
    dataset, windows = windows_of(pl.concat(frames), series="id")
    assert windows.series == ("a", "b")
    for row in np.flatnonzero(windows.fits):
        around = windows.values[row - 6 : row + 4, 0]
        assert np.ptp(around) < 10
    later = split(dataset, SplitSection(), seed=0).test
    assert {int(whose) for whose in windows[later].whose} == {1}, (
        "the first series ends before the test begins"
    )


def test_what_is_known_ahead_enters_early() -> None:
    dataset, _ = windows_of(hours(plan=np.arange(200.0)), known=("plan",))
    fold = split(dataset, SplitSection(), seed=0).folds[0]
    pipeline = fit(dataset, fold.train, {"lookback": 6})
    row = int(fold.train[0])
    x = prepared(pipeline, dataset).numeric[row].reshape(6, 2)[:, 1]
    np.testing.assert_allclose(
        x * pipeline.deviation[1] + pipeline.mean[1],  # type: ignore[attr-defined]
        np.arange(row - 2, row + 4),
        atol=1e-3,
    )


def test_a_saved_preparation_is_the_same() -> None:
    dataset, _ = windows_of(hours(plan=np.arange(200.0)), known=("plan",), calendar=("hour", "month"))
    pipeline = fit(dataset, np.arange(20, 60), {"lookback": 5})
    assert from_json(pipeline.to_json()) == pipeline
    assert len(pipeline.features) == 5 * 6
    assert pipeline.features[0] == "y -5"


LATE = pl.when(pl.col("y") == 30).then(pl.col("when").dt.offset_by("7m")).otherwise("when")
TWICE = hours(60).with_columns(also=pl.col("when"))
REFUSED: dict[str, tuple[pl.DataFrame, dict[str, Any], type[DataError], str]] = {
    "a time twice": (pl.concat([hours(60), hours(1)]), {}, ColumnError, "each time once, but row 60"),
    "an uneven step": (
        hours(60).with_columns(when=LATE),
        {}, ColumnError, "2024-01-02 06:07:00 lies between two steps",
    ),
    "two columns of dates": (TWICE, {}, ColumnError, "one column must have the times"),
    "no column": (hours(60), {"target": "z"}, TargetError, "no target column 'z'"),
    "nothing in it": (hours(60).with_columns(y=pl.lit(None, pl.Float64)), {}, TargetError, "must have values"),
    "a calendar without times": (hours(60).drop("when"), {"calendar": ("hour",)}, ColumnError, "calendar needs times"),
}  # fmt: skip


@pytest.mark.parametrize(("frame", "options", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_series_that_cannot_be_forecast_are_refused(
    frame: pl.DataFrame, options: dict[str, Any], error: type[DataError], message: str
) -> None:
    with pytest.raises(error, match=message):
        windows_of(frame, **options)
