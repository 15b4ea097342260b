"""Whole studies: every strategy, task and split; one seed, one study; the test rows are looked at once, at the end."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import cotune
from cotune.api import build_recipe
from cotune.data import load, split
from cotune.errors import SourceError
from cotune.recipe import make
from cotune.recipe.names import NORMS
from cotune.study import Directory
from cotune.study.session import Sitting, begin
from cotune.types import Status
from faults.process import ENVIRONMENT
from study.tiny import FAST, FAST_WORDS, csv, lasting, table, tune, view_of

LISTED = {"lr": [0.003, 0.03], "dropout": [0.0, 0.2, 0.4], "weight_decay": 0.0, "label_smoothing": 0.0}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """binary.csv, multiclass.csv, regression.csv."""
    folder = tmp_path_factory.mktemp("studies")
    for task in ("binary", "multiclass", "regression"):
        csv(folder, task, name=f"{task}.csv")
    return folder


STRATEGIES = (
    "auto", "grid", "random", "quasi-random", "tpe", "gp", "nsga2", "bayesian", "cmaes", "genetic", "brute-force",
)  # fmt: skip


@pytest.mark.parametrize("search", STRATEGIES)
def test_every_strategy_ends_with_a_model(search: str, home: Path, tmp_path: Path) -> None:
    space = {**LISTED, "trials": 10} if search in ("grid", "brute-force") else {"trials": 30}
    settings = {"search": search, "lanes": 4, "first_rung": 1, **space}
    if search in ("gp", "bayesian"):
        settings["trials"] = 18
    study = tune(home / "multiclass.csv", tmp_path / "study", **settings)
    trials = study.view().trials
    assert len(trials) == (6 if "dropout" in space else settings["trials"])
    assert len({tuple(sorted(t.params.items())) for t in trials}) == len(trials), "none twice"
    assert len(study.best.predict(table("multiclass", rows=5))) == 5
    if search == "bayesian":  # 18 trials, four at once
        assert study.view().meta["resolved"]["search"]["strategy"] == "gp"
        assert "Bayesian search is gp here" in " ".join(study.view().meta["plan"])


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("prepare", [
    {"balance": "weights"}, {"categories": "embedding"}, {"select": "mutual_information"},
    {"scaling": ["standard", "minmax"], "missing": ["mean", "median"]},
], ids=str)  # fmt: skip
def test_every_preparation_trains_every_task(
    task: str, prepare: dict[str, Any], home: Path, tmp_path: Path
) -> None:
    if task == "regression" and "balance" in prepare:
        prepare = {"loss": ["mse", "mae", "huber"]}
    study = tune(home / f"{task}.csv", tmp_path / "study", **prepare)
    shown = study.show()
    assert shown["task"] == task
    assert shown["trials"] == {"complete": 4, "stopped": 0, "diverged": 0, "failed": 0}
    assert np.isfinite(shown["best"]["test_score"])


def test_class_weights_change_what_is_learned(tmp_path: Path) -> None:
    rare = pl.when(pl.int_range(300) % 10 == 0).then(pl.lit("rare")).otherwise(pl.lit("often"))
    frame = table(rows=300).with_columns(y=rare)
    settings = {"lr": 0.03, "dropout": 0.0, "trials": 1, "epochs": 5, "weight_decay": 0.0}
    plain = tune(frame, tmp_path / "plain", **settings).best.predict_proba(frame)[:, 1].mean()
    weighted = tune(frame, tmp_path / "weighted", balance="weights", **settings)
    assert weighted.best.classes == ("often", "rare")
    assert weighted.best.predict_proba(frame)[:, 1].mean() > plain + 0.1


SPLITS = [
    ({"cv": 3}, 3), ({"cv": 2, "repeats": 2}, 4), ({"cv": 2, "seeds": 3}, 6), ({"seeds": 2}, 2),
    ({"repeats": 3}, 3), ({"method": "group", "group": "site", "folds": 3}, 3),
    ({"method": "time", "time": "when", "folds": 3}, 3),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "lanes"), SPLITS, ids=str)
def test_folds_and_seeds_are_lanes(settings: dict[str, Any], lanes: int, home: Path, tmp_path: Path) -> None:
    settings = {"metric": "accuracy", "ensemble": "none", **settings}
    study = tune(home / "binary.csv", tmp_path / "study", **settings)
    view = study.view()
    for trial in view.trials:
        records = view.records[trial.number]
        assert {r.lane.index for r in records} == set(range(lanes))
        best = [max(r.metrics["accuracy"] for r in records if r.lane.index == i) for i in range(lanes)]
        assert trial.score == pytest.approx(np.mean(best), abs=1e-12)
        assert len({r.train_loss for r in records if r.epoch == 1}) == lanes, "every lane is one of its own"
    assert len(study.best.networks) == view.meta["result"]["lanes"] == lanes


def test_leave_one_out_trains_a_lane_for_every_row(tmp_path: Path) -> None:
    data = csv(tmp_path, rows=20)
    study = tune(data, tmp_path / "study", method="leave_one_out", trials=2, epochs=2)
    assert study.view().meta["data"]["parts"] == {"train": 15, "validation": 1, "test": 4, "folds": 16}
    assert {len(records) for records in study.view().records.values()} == {16 * 2}


def without_result(study: Path) -> dict[str, Any]:
    return {key: value for key, value in lasting(study).items() if key != "result"}


def test_the_test_rows_change_nothing_before_the_end(home: Path, tmp_path: Path) -> None:
    settings = {"trials": 20, "epochs": 4, "lanes": 4}
    study = tune(home / "regression.csv", tmp_path / "study", **settings)
    resolved = make(study.view().meta["resolved"])
    dataset = load(home / "regression.csv", target="y")
    test = split(dataset, resolved.split, seed=resolved.search.seed).test
    spoilt = pl.read_csv(home / "regression.csv", infer_schema=False).to_pandas()
    spoilt.loc[test, ["a", "b", "colour", "y"]] = ["99.5", "-99.5", "red", "1000.5"]
    other = tune(pl.from_pandas(spoilt), tmp_path / "spoilt", **settings)
    assert without_result(other.path) == without_result(study.path)
    assert other.show()["best"]["test_score"] != study.show()["best"]["test_score"]


@pytest.mark.parametrize("search", ["auto", "tpe"])
def test_one_seed_is_one_study_and_another_is_another(search: str, home: Path, tmp_path: Path) -> None:
    settings = {"search": search, "trials": 30, "lanes": 6, "width": [8, 16], "first_rung": 1}
    for name, seed in (("one", 3), ("again", 3), ("other", 4)):
        tune(home / "binary.csv", tmp_path / name, seed=seed, **settings)
    assert lasting(tmp_path / "one") == lasting(tmp_path / "again")
    assert lasting(tmp_path / "one")["records"] != lasting(tmp_path / "other")["records"]


@pytest.mark.slow
def test_two_processes_of_two_threads_make_the_same_study(home: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-c", "from cotune.cli import main; main()", "tune", "-q", "binary.csv"]
    for name in ("one", "again"):
        subprocess.run(
            [*words, "--target", "y", *FAST_WORDS, "--set", "trials=12", "--out", str(tmp_path / name)],
            check=True, cwd=home, env={**ENVIRONMENT, "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"},
        )  # fmt: skip
    assert lasting(tmp_path / "one") == lasting(tmp_path / "again")


def in_memory(kind: str) -> Any:
    frame = table("multiclass")
    X = frame.select("a", "b").to_numpy()
    return {
        "polars": frame, "pandas": frame.to_pandas(), "pair": (X, frame["y"].to_numpy()),
        "frame and labels": (frame.drop("y").to_pandas(), frame["y"].to_pandas()),
    }[kind]  # fmt: skip


@pytest.mark.parametrize("kind", ["polars", "pandas", "pair", "frame and labels"])
def test_data_from_memory_is_kept_so_that_the_study_can_be_resumed(kind: str, tmp_path: Path) -> None:
    settings = {"trials": 12, "epochs": 4, "lanes": 4}
    whole = tune(in_memory(kind), tmp_path / "whole", **settings)
    asked: list[bool] = []

    def interrupted() -> bool:
        asked.append(True)
        return len(asked) > 20

    begin(
        in_memory(kind),
        build_recipe(target=None if isinstance(in_memory(kind), tuple) else "y", **{**FAST, **settings}),
        Directory(tmp_path / "study"),
        Sitting(show=lambda _: None, say=lambda _: None, interrupted=interrupted),
        version=cotune.__version__,
    )
    assert not view_of(tmp_path / "study").meta.get("finished")
    cotune.resume(tmp_path / "study")
    assert lasting(tmp_path / "study") == lasting(whole.path)


def test_a_diverged_trial_is_told_and_harms_no_other(home: Path, tmp_path: Path) -> None:
    settings = {
        "optimizer": "sgd",
        "weight_decay": 0.0,
        "dropout": 0.0,
        "label_smoothing": 0.0,
        "rungs": False,
    }
    wild = tune(home / "binary.csv", tmp_path / "wild", lr=[0.01, 1e30], search="grid", **settings)
    tame = tune(home / "binary.csv", tmp_path / "tame", lr=[0.01, 0.02], search="grid", **settings)
    ends = {trial.params["lr"]: trial for trial in wild.view().trials}
    assert (ends[1e30].status, ends[1e30].score) == (Status.DIVERGED, None)
    assert "not finite at step" in ends[1e30].reason
    calm = next(trial for trial in tame.view().trials if trial.params["lr"] == 0.01)
    assert ends[0.01].curve == calm.curve
    assert wild.show()["best"]["trial"] == ends[0.01].number


def test_a_study_goes_on_where_its_data_is_now(home: Path, tmp_path: Path) -> None:
    first, moved = tmp_path / "t.csv", tmp_path / "elsewhere.csv"
    shutil.copy(home / "binary.csv", first)
    asked: list[bool] = []

    def interrupted() -> bool:
        asked.append(True)
        return len(asked) > 20

    settings = {**FAST, "trials": 12, "epochs": 4, "lanes": 4}
    begin(
        str(first),
        build_recipe(target="y", **settings),
        Directory(tmp_path / "study"),
        Sitting(show=lambda _: None, say=lambda _: None, interrupted=interrupted),
        version=cotune.__version__,
    )
    first.rename(moved)
    with pytest.raises(SourceError, match="--data"):
        cotune.resume(tmp_path / "study")
    cotune.resume(tmp_path / "study", data=moved)
    assert view_of(tmp_path / "study").meta["finished"]


@pytest.mark.parametrize("norm", [norm for norm in NORMS if norm != "instance"])
@pytest.mark.parametrize("width", [16, 20, 33])
def test_what_is_handed_out_is_what_was_judged(width: int, norm: str, tmp_path: Path) -> None:
    """At a width of its own a lane is padded while it trains, and cut when it is handed out."""
    alone = {
        "ensemble": "average",
        "members": 1,
        "calibration": "temperature",
        "trials": 1,
        "metric": "log_loss",
    }
    study = tune(table("binary", rows=400), tmp_path / "study", width=width, depth=2, norm=norm, **alone)
    facts = study.view().meta["result"]["after"]
    assert facts["calibration"]["log_loss"][0] == pytest.approx(study.show()["best"]["score"], rel=1e-4)
