"""Forecasts from end to end: a series is tuned, forecast, listed, resumed, and judged beside what needs no learning."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import cotune
from cotune.api import build_recipe
from cotune.errors import ColumnError, DataError, RecipeError, SplitError, TargetError
from cotune.product import Model
from cotune.study import Directory
from cotune.study.session import Sitting, begin
from study.tiny import command, lasting, view_of

FIXED: dict[str, Any] = {
    "task": "forecast", "width": 8, "depth": 0, "activation": "relu", "dropout": 0.0, "lr": 0.01, "weight_decay": 0.0,
    "epochs": 25, "trials": 1, "rungs": False,
}  # fmt: skip


def series(rows: int = 480, *, phase: float = 0.0, slope: float = 0.01) -> pl.DataFrame:
    """Hours of a wave with a day's length and a trend, with two other columns."""
    t = np.arange(rows)
    noise = np.random.default_rng(int(phase * 10)).normal(size=(rows, 2))
    y = np.sin(2 * np.pi * t / 24 + phase) + slope * t + 0.05 * noise[:, 0]
    when = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2030, 1, 1), "1h", eager=True)[:rows]
    return pl.DataFrame({"when": when.dt.to_string("%Y-%m-%d %H:%M:%S"), "y": y, "other": noise[:, 1]})


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> cotune.api.TunedStudy:
    folder = tmp_path_factory.mktemp("forecast")
    series().write_csv(folder / "s.csv")
    return cotune.tune(
        folder / "s.csv", target="y", out=folder / "study", lookback=[24, 48], **{**FIXED, "trials": 3}
    )


def test_a_wave_with_a_trend_is_forecast_better_than_by_repeating(tuned: cotune.api.TunedStudy) -> None:
    result = tuned.view().meta["result"]
    errors = {baseline["name"]: baseline["test"]["mse"] for baseline in result["baselines"]}
    assert set(errors) == {"repeat_last", "repeat_season"}
    assert result["test"]["mse"] < 0.5 * errors["repeat_season"] < errors["repeat_last"]
    assert result["test"]["mse"] < 0.05


def test_what_follows_the_last_row_is_predicted(tuned: cotune.api.TunedStudy) -> None:
    known, whole = series(480), series(504)
    said = tuned.best.predict(known)
    assert said.shape == (1, 24)
    assert np.abs(said[0] - whole["y"][480:].to_numpy()).max() < 0.6
    listed = tuned.best.table(known)
    assert listed.columns == ["when", "prediction"]
    assert listed["when"].dt.to_string("%Y-%m-%d %H:%M:%S").to_list() == whole["when"][480:].to_list()
    assert np.array_equal(listed["prediction"].to_numpy(), said[0])
    again = Model.load(tuned.path / "best")
    assert np.array_equal(again.predict(known), said)


def test_a_history_that_is_too_short_is_refused(tuned: cotune.api.TunedStudy) -> None:
    with pytest.raises(DataError, match="needs the 48 times before it, but the series has 20"):
        tuned.best.predict(series(20))


def test_output_and_report_tell_the_baselines(tuned: cotune.api.TunedStudy) -> None:
    shown = command("show", tuned.path).out
    assert "against   repeat the last value: MSE" in shown
    assert "against   repeat the last day: MSE" in shown
    assert "% lower" in shown
    page = tuned.report.read_text(encoding="utf-8")
    assert page.count('id="forecast-') >= 4
    assert "repeat the last day" in page


def test_a_model_that_does_not_beat_a_baseline_is_said_so(tmp_path: Path) -> None:
    walk = np.random.default_rng(0).normal(size=300).cumsum()
    frame = pl.DataFrame({"y": walk})
    study = cotune.tune(
        frame,
        target="y",
        out=tmp_path / "s",
        lookback=4,
        horizon=2,
        **{**FIXED, "lr": 1e-7, "anchor": "none"},
    )
    assert "the model does NOT beat it" in command("show", study.path).out


def test_the_command_line_forecasts(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    series(300).write_csv(path)
    words = [
        f"{key}={json.dumps(value)}"
        for key, value in FIXED.items()
        if key not in ("task", "epochs", "trials")
    ]
    settings = [part for word in [*words, "lookback=24", "horizon=6"] for part in ("--set", word)]
    said = command(
        "tune", path, "--target", "y", "--task", "forecast", "--epochs", 2, "--trials", 1, "--out", tmp_path / "s",
        *settings,
    )  # fmt: skip
    assert said.code == 0, said.err
    assert "split by time" in said.err
    listed = command("predict", tmp_path / "s", path)
    assert listed.out.splitlines()[0] == "when,prediction"
    assert len(listed.out.splitlines()) == 7


def test_several_series_in_long_form(tmp_path: Path) -> None:
    frames = [
        series(260, phase=i).with_columns(shop=pl.lit(f"s{i}"), y=pl.col("y") * (i + 1)) for i in range(3)
    ]
    table = pl.concat(frames).sample(fraction=1.0, shuffle=True, seed=1)  # the order of rows means nothing
    settings = {**FIXED, "lookback": 24, "horizon": 6, "series": "shop", "anchor": "standard"}
    study = cotune.tune(table, target="y", out=tmp_path / "s", **settings)
    said = study.best.predict(table)
    assert said.shape == (3, 6)
    listed = study.best.table(table)
    assert listed["shop"].to_list() == [f"s{i}" for i in range(3) for _ in range(6)]
    ordered = study.best.predict(pl.concat(frames))
    assert np.array_equal(said, ordered)
    one = study.best.predict(frames[1])
    np.testing.assert_allclose(one[0], said[1], rtol=1e-5)
    truth = [series(266, phase=i)["y"][260:].to_numpy() * (i + 1) for i in range(3)]
    assert np.abs(said - np.stack(truth)).mean() < 0.6


def test_several_targets_and_covariates(tmp_path: Path) -> None:
    table = series(300).with_columns(
        second=pl.col("y") * -2 + 5, plan=pl.col("other").shift(-1).fill_null(0.0)
    )
    settings = {
        **FIXED,
        "lookback": 24,
        "horizon": 4,
        "covariates": ["other"],
        "known": ["plan"],
        "epochs": 40,
    }
    study = cotune.tune(
        table, target=["y", "second"], calendar=["hour", "weekday"], out=tmp_path / "s", **settings
    )
    plan = pl.DataFrame({"when": series(304)["when"][300:], "plan": [0.0] * 4})
    ahead = pl.concat([table, plan], how="diagonal")
    listed = study.best.table(ahead)
    assert listed.columns == ["when", "prediction_y", "prediction_second"]
    assert listed.height == 4
    np.testing.assert_allclose(listed["prediction_second"], 5 - 2 * listed["prediction_y"], atol=1.0)
    with pytest.raises(
        ColumnError, match="'plan' must be known for the 4 steps to forecast, but the series has 0"
    ):
        study.best.predict(table)


@pytest.mark.parametrize("family", ["mlp", "gru"])
@pytest.mark.parametrize(("loss", "horizon"), [("gaussian", 3), ("quantile", 3), ("mse", 1)])
def test_families_and_losses(family: str, loss: str, horizon: int, tmp_path: Path) -> None:
    shape = {"gru": {"width": 8}, "mlp": {"width": 8, "depth": 1}}[family]
    settings = {k: v for k, v in FIXED.items() if k not in ("width", "depth", "activation", "dropout")}
    study = cotune.tune(
        series(240), target="y", family=family, loss=loss, lookback=12, horizon=horizon, out=tmp_path / "s",
        **{**settings, "epochs": 3}, **shape,
    )  # fmt: skip
    said = study.best.predict(series(240))
    assert said.shape == ((1, horizon) if horizon > 1 else (1,))
    assert np.abs(said.ravel() - series(240 + horizon)["y"][240:].to_numpy()).max() < 1.5
    assert study.best.table(series(240)).height == horizon


def test_folds_in_time_and_an_ensemble_of_lookbacks(tmp_path: Path) -> None:
    settings = {
        **FIXED,
        "epochs": 4,
        "trials": 4,
        "lr": [0.01, 0.02],
        "strategy": "grid",
        "ensemble": "average",
    }
    study = cotune.tune(
        series(400),
        target="y",
        out=tmp_path / "s",
        method="time",
        folds=2,
        lookback=[12, 24],
        horizon=4,
        **settings,
    )
    result = study.view().meta["result"]
    assert result["after"]["ensemble"] == "average"
    assert {network.pipeline.lookback for network in study.best.networks} == {12, 24}
    assert study.best.predict(series(400)).shape == (1, 4)
    with pytest.raises(DataError, match="needs the 24 times"):
        study.best.predict(series(20))


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_resumed_study_ends_as_an_unbroken_one(in_memory: bool, tmp_path: Path) -> None:
    settings = {
        **FIXED,
        "epochs": 6,
        "trials": 3,
        "lr": [0.005, 0.01, 0.02],
        "lookback": [12, 24],
        "horizon": 4,
    }
    source: Any = series(300)
    if not in_memory:
        source = tmp_path / "study.csv"
        series(300).write_csv(source)
    whole = cotune.tune(source, target="y", out=tmp_path / "whole" / "study", **settings)
    asked = iter(range(1000))
    broken = Directory(tmp_path / "broken" / "study")
    sitting = Sitting(lambda _: None, lambda _: None, lambda: next(asked) > 12)
    begin(source, build_recipe(None, target="y", **settings), broken, sitting, version="test")
    assert view_of(broken.path).meta.get("finished") is None
    assert len(view_of(broken.path).boundaries) > 1
    cotune.resume(broken.path)
    assert lasting(broken.path) == lasting(whole.path)


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "random folds": ({"method": "kfold"}, SplitError, "split is holdout or time, but method is kfold"),
    "a column that is not there": ({"covariates": ["nobody"]}, ColumnError, "there is no column 'nobody'"),
    "a series column that is not there": (
        {"series": "shop"},
        ColumnError,
        "there is no series column 'shop'",
    ),
    "longer than the series": (
        {"lookback": 470, "horizon": 24},
        TargetError,
        "more than lookback \\+ horizon = 470",
    ),
    "no room for a part": ({"test": 0.01, "lookback": 24}, SplitError, "the test part has 5 times"),
    "a date outside": ({"test": "2040-01-01"}, SplitError, "must be a date after the first time"),
    "scaling of tables": ({"scaling": "quantile"}, RecipeError, "prepare.scaling has no meaning for series"),
    "a loss of single counts": (
        {"loss": "poisson"},
        RecipeError,
        "training.loss poisson takes one number a row that is no series",
    ),
}


@pytest.mark.parametrize(("settings", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_refused(
    settings: dict[str, Any], error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        cotune.tune(series(), target="y", out=tmp_path / "s", **{**FIXED, **settings})
    assert not (tmp_path / "s" / "study.sqlite").exists()


def test_keys_of_forecasts_are_refused_for_tables(tmp_path: Path) -> None:
    for key, value in (("horizon", 3), ("lookback", 8), ("anchor", "last"), ("calendar", ["hour"])):
        with pytest.raises(RecipeError, match=f"{key} has no meaning"):
            cotune.tune(series(), target="y", out=tmp_path / "s", epochs=1, trials=1, **{key: value})


@pytest.mark.slow
def test_etth1_is_forecast_a_quarter_better_than_by_repeating_the_last_day(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    table = pl.read_csv(shared_data("series/ETTh1.csv"))[:14400]
    study = cotune.tune(
        table, target="OT", task="forecast", test="2017-10-24", validation="2017-06-26", time_limit="60s",
        out=tmp_path / "s",
    )  # fmt: skip
    result = study.view().meta["result"]
    assert result["test"]["mse"] < 0.75 * result["baselines"][-1]["test"]["mse"]
