"""What studies make of their trained networks: every ensemble, task and split; saved, resumed, shown."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import cotune
from cotune.api import build_recipe
from cotune.data import load, split
from cotune.engine.lanes import Lane
from cotune.engine.loop import LaneWeights
from cotune.engine.metrics import METRICS
from cotune.errors import ModelError, RecipeError
from cotune.product import Model
from cotune.recipe import make
from cotune.study import Directory
from cotune.study.checkpoints import cycle_ends
from cotune.study.leaders import BYTES, MOST, Leader, Leaders
from cotune.study.session import Sitting, begin
from cotune.types import Status, TrialResult
from study.tiny import FAST, command, csv, lasting, table, tune, view_of

ENSEMBLES = ["average", "weighted", "greedy", "stacking", "soup", "snapshot"]
ROWS = 400
"""So many that 64 validation rows are left in a hold-out split."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("after")
    for task in ("binary", "multiclass", "regression"):
        csv(folder, task, rows=ROWS, name=f"{task}.csv")
    return folder


def outcome(study: Path) -> dict[str, Any]:
    return view_of(study).meta["result"]


KINDS = [("binary", {}), ("multiclass", {"cv": 3}), ("regression", {"cv": 2, "seeds": 2})]


@pytest.mark.parametrize("ensemble", ["none", *ENSEMBLES])
@pytest.mark.parametrize(("task", "settings"), KINDS, ids=str)
def test_every_ensemble_makes_a_model_of_every_task(
    ensemble: str, task: str, settings: dict[str, Any], home: Path, tmp_path: Path
) -> None:
    settings = {"trials": 6, "epochs": 8, "lr": 0.03, **settings}
    study = tune(home / f"{task}.csv", tmp_path / "study", ensemble=ensemble, **settings)
    result, model = outcome(study.path), study.best
    after, lanes = result["after"], settings.get("cv", 1) * settings.get("seeds", 1)
    weights = [member["weight"] for member in after["members"]]
    assert sum(weights) == pytest.approx(1.0)
    assert min(weights) > 0
    trials = {member["trial"] for member in after["members"]}
    if ensemble in ("none", "snapshot"):
        assert trials == {result["trial"]}
    expected = lanes if ensemble == "soup" else lanes * len(weights)
    assert len(model.networks) == result["lanes"] == expected
    if ensemble in ("average", "weighted"):
        assert len(trials) == 6
    if ensemble in ("greedy", "soup", "snapshot"):
        sign = 1 if METRICS[after["validation"]["metric"]].maximize else -1
        gain = sign * (after["validation"]["ensemble"] - after["validation"]["single"])
        assert gain >= -1e-9
    check_figures(study.path, home / f"{task}.csv", model)


def check_figures(study: Path, path: Path, model: Model) -> None:
    """The saved model's figures are those of the store, measured on the rows of the study's split."""
    view = view_of(study)
    result, resolved = view.meta["result"], make(view.meta["resolved"])
    dataset = load(path, target="y", task=resolved.data.task)
    splits = split(dataset, resolved.split, seed=resolved.search.seed)
    frame = pl.read_csv(path, infer_schema=False)
    raw = model._raw(frame[splits.test])
    found = model.figures(raw, dataset.y[splits.test])
    assert {k: v for k, v in found.items() if np.isfinite(v)} == pytest.approx(
        result["test"], rel=1e-6, abs=1e-8
    )
    if len(splits.folds) == 1 and "validation" in result["after"]:
        rows = splits.folds[0].validation
        score = model.figures(model._raw(frame[rows]), dataset.y[rows])[view.metric]
        assert score == pytest.approx(result["after"]["validation"]["model"], rel=1e-6)


def test_the_first_member_has_the_score_of_the_study(home: Path, tmp_path: Path) -> None:
    study = tune(
        home / "multiclass.csv", tmp_path / "study", cv=3, metric="log_loss", calibration="none", lr=0.03
    )
    result = outcome(study.path)
    assert result["after"]["validation"]["single"] == pytest.approx(result["score"], abs=1e-6)
    assert result["after"]["validation"]["ensemble"] < result["score"]
    assert result["single"]["test"].keys() == result["test"].keys()
    assert result["single"]["lanes"] == 3


def test_one_trial_is_an_ensemble_of_one(home: Path, tmp_path: Path) -> None:
    rows = table("binary", rows=50, seed=9)
    settings = {"trials": 4, "calibration": "none"}
    for name, more in (("none", {"ensemble": "none"}), ("greedy", {"ensemble": "greedy", "members": 1})):
        tune(home / "binary.csv", tmp_path / name, **settings, **more)
    one, other = (cotune.load(tmp_path / name).best for name in ("none", "greedy"))
    assert np.array_equal(one.predict_proba(rows), other.predict_proba(rows))


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_model_is_saved_to_the_bit_and_pipelines_once(task: str, home: Path, tmp_path: Path) -> None:
    settings = {
        "ensemble": "weighted",
        "scaling": ["standard", "minmax"],
        "search": "grid",
        "lr": [0.01, 0.03],
    }
    settings |= {"dropout": 0.0, "weight_decay": 0.0, "label_smoothing": 0.0, "trials": 8}
    if task == "binary":
        settings["threshold"] = "tune"
    study = tune(home / f"{task}.csv", tmp_path / "study", **settings)
    model, rows = study.best, table(task, rows=40, seed=4)
    model.save(tmp_path / "copy")
    again = Model.load(tmp_path / "copy")
    assert torch.equal(again._raw(rows), model._raw(rows))
    assert (again.weights, again.temperature, again.threshold) == (
        model.weights, model.temperature, model.threshold,
    )  # fmt: skip
    assert (model.threshold is None) == (task == "regression")
    about = json.loads((tmp_path / "copy" / "pipeline.json").read_text())
    assert len(about["networks"]) == 4
    assert len(about["pipelines"]) == 2
    calls = {id(network.pipeline) for network in again.networks}
    assert len(calls) == 2, "networks share what they were fitted with"


def test_a_model_of_format_1_still_loads(home: Path, tmp_path: Path) -> None:
    study = tune(home / "binary.csv", tmp_path / "study", ensemble="none", calibration="none", cv=2)
    path, rows = study.path / "best" / "pipeline.json", table("binary", rows=20, seed=2)
    p = study.best.predict_proba(rows)
    about = json.loads(path.read_text())
    pipelines = about.pop("pipelines")
    for network in about["networks"]:
        network["pipeline"] = pipelines[network["pipeline"]]
    old = {k: v for k, v in about.items() if k not in ("weights", "temperature", "threshold")}
    path.write_text(json.dumps({**old, "format": 1}))
    assert np.array_equal(cotune.load(study.path).best.predict_proba(rows), p)


@pytest.mark.parametrize(
    "fault",
    [{"weights": [1.0]}, {"weights": [1.5, -0.5]}, {"temperature": 0.0}, {"threshold": 1.0}, {"pipelines": []}],
    ids=str,
)  # fmt: skip
def test_a_damaged_description_is_noticed(fault: dict[str, Any], home: Path, tmp_path: Path) -> None:
    study = tune(home / "binary.csv", tmp_path / "study", cv=2, ensemble="none", trials=1)
    path = study.path / "best" / "pipeline.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fault}))
    with pytest.raises(ModelError, match="damaged"):
        Model.load(study.path / "best")


# ---------------------------------------------------------------------- probabilities and labels


def test_temperature_changes_probabilities_and_no_label(home: Path, tmp_path: Path) -> None:
    rows = table("multiclass", rows=60, seed=5)
    for kind in ("none", "temperature"):
        tune(home / "multiclass.csv", tmp_path / kind, calibration=kind)
    plain, scaled = (cotune.load(tmp_path / kind).best for kind in ("none", "temperature"))
    assert scaled.temperature != 1.0 == plain.temperature
    assert np.array_equal(plain.predict(rows), scaled.predict(rows))
    p, q = plain.predict_proba(rows), scaled.predict_proba(rows)
    assert not np.allclose(p, q)
    expected = p ** (1 / scaled.temperature)
    assert q == pytest.approx(expected / expected.sum(1, keepdims=True))
    before, after = outcome(tmp_path / "temperature")["after"]["calibration"]["log_loss"]
    assert after < before


def test_a_threshold_decides_labels(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = table(rows=600)
    rare = (frame["a"].to_numpy() + rng.normal(size=600)) > 1.6
    frame = frame.with_columns(y=pl.Series(np.where(rare, "yes", "no")))
    study = tune(frame, tmp_path / "study", threshold="tune", metric="f1_macro", epochs=8, lr=0.03)
    result, model = outcome(study.path), study.best
    facts = result["after"]["threshold"]
    assert model.threshold == facts["value"] < 0.5, "the positive class is rare"
    assert facts["after"] >= facts["before"]
    p = model.predict_proba(frame)[:, 1]
    assert np.array_equal(model.predict(frame) == "yes", p > model.threshold)
    said = np.array(result["confusion"]).sum(0)[1]
    rows = np.array(result["confusion"]).sum()
    assert result["test"]["accuracy"] == pytest.approx(np.trace(result["confusion"]) / rows)
    assert said > 0


def test_thresholds_need_two_classes_and_a_metric_of_labels(home: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="needs two classes, but the task is multiclass"):
        tune(home / "multiclass.csv", tmp_path / "a", threshold="tune")
    with pytest.raises(
        RecipeError, match=r"roc_auc looks at probabilities; choose search.metric among .*f1_macro"
    ):
        tune(home / "binary.csv", tmp_path / "b", threshold="tune", metric="roc_auc")


# ---------------------------------------------------------------------- too few rows


@pytest.mark.parametrize(
    ("settings", "why"),
    [({}, "19 validation rows are fewer than 50"), ({"method": "leave_one_out", "trials": 2, "epochs": 2}, "single")],
    ids=["hold-out", "leave one out"],
)  # fmt: skip
def test_few_validation_rows_choose_nothing_twice(settings: dict[str, Any], why: str, tmp_path: Path) -> None:
    data = csv(tmp_path, rows=70 if settings else 120)
    study = tune(data, tmp_path / "study", **settings)
    after = outcome(study.path)["after"]
    assert (after["ensemble"], len(after["members"])) == ("none", 1)
    assert why in after["notes"][0]
    assert (study.best.temperature, study.best.weights) == (1.0, ())
    assert "single" not in outcome(study.path)


def test_of_many_validation_rows_some_choose(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cotune.study.ending.validation.NUMBERS", 4 * 2 * 20)
    study = tune(home / "binary.csv", tmp_path / "study", cv=2)
    after = outcome(study.path)["after"]
    assert after["validation"]["rows"] == 20
    assert after["notes"] == ["chosen by 20 of the 320 validation rows"]


# ---------------------------------------------------------------------- resuming, showing


@pytest.mark.parametrize("ensemble", ["greedy", "soup", "snapshot"])
def test_an_interrupted_study_makes_the_same_model(
    ensemble: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cotune.study.saving.SHARE", 1e9)  # a snapshot at every boundary
    settings = {
        **FAST,
        "trials": 14,
        "epochs": 6,
        "lanes": 4,
        "ensemble": ensemble,
        "members": 8,
        "first_rung": 2,
    }

    def sit(name: str, most: float) -> int:
        asked: list[bool] = []

        def interrupted() -> bool:
            asked.append(True)
            return len(asked) > most

        begin(
            str(home / "multiclass.csv"),
            build_recipe(target="y", **settings),
            Directory(tmp_path / name),
            Sitting(show=lambda _: None, say=lambda _: None, interrupted=interrupted),
            version=cotune.__version__,
        )
        return len(asked)

    sit("study", 0.7 * sit("whole", float("inf")))
    view = view_of(tmp_path / "study")
    assert not view.meta.get("finished")
    assert any(trial.status.is_over for trial in view.trials), "leaders must come back for this test to tell"
    assert cotune.load(tmp_path / "study").best.temperature == 1.0, (
        "until the end the best trial is the model"
    )
    cotune.resume(tmp_path / "study")
    assert lasting(tmp_path / "study") == lasting(tmp_path / "whole")


def test_show_and_the_report_say_what_the_model_is(home: Path, tmp_path: Path) -> None:
    study = tune(home / "binary.csv", tmp_path / "study", cv=3, trials=6, threshold="tune")
    result, shown = outcome(study.path), study.show()
    members = len(result["after"]["members"])
    assert members > 1
    assert shown["best"]["test_score"] == result["test"]["accuracy"]
    assert shown["single_test_score"] == result["single"]["test"]["accuracy"]
    assert shown["model"]["networks"] == 3 * members
    said = command("show", study.path)
    assert f"model     a greedy ensemble of {members} trials, {3 * members} networks: validation" in said.out
    assert "scaled    probabilities by temperature" in said.out
    assert "labels    positive above" in said.out
    page = study.report.read_text()
    for words in (
        f"A greedy ensemble of {members} trials predicts", "the best alone, trial", "Probabilities are scaled by",
        f"What the model is made of: {3 * members} networks", "Labels are positive above",
    ):  # fmt: skip
        assert words in page, words


# ---------------------------------------------------------------------- leaders


def leader(number: int, score: float, lane: Lane, *, size: int = 10) -> Leader:
    result = TrialResult(number, {}, Status.COMPLETE, score, 1, 0.0)
    return Leader(result, [LaneWeights(lane, torch.zeros(1).expand(size), torch.zeros(0), score)])


def test_leaders_are_the_best_and_few_where_they_are_large() -> None:
    from engine.lanes import lane

    one = lane(0)
    kept = Leaders(maximize=True, most=8)
    for number in range(20):
        found = leader(number, (number * 7 % 20) / 20, one)
        if kept.would_keep(found.result):
            kept.keep(found)
    assert [result.score for result in kept.results()] == [n / 20 for n in range(19, 11, -1)]
    large = Leaders(maximize=False, most=16)
    for number in range(16):
        large.keep(leader(number, number, one, size=BYTES // 4 // 7))
    assert [result.number for result in large.results()] == list(range(7))
    huge = Leaders(maximize=False, most=16)
    for number in range(16):
        huge.keep(leader(number, number, one, size=BYTES // 4))
    assert len(huge.results()) == MOST


@pytest.mark.parametrize("epochs", [1, 3, 5, 20, 99])
def test_cycles_end_with_the_last_epoch(epochs: int) -> None:
    ends = cycle_ends(epochs)
    assert max(ends) == epochs
    assert min(ends) >= 1
    assert len(ends) == min(5, epochs)


def test_checkpoints_are_of_the_epochs_named(home: Path, tmp_path: Path) -> None:
    """A rate that diverges late makes the last epochs worse, so that only the best ones are taken."""
    settings = {"trials": 2, "epochs": 10, "patience": 0, "rungs": False, "metric": "log_loss"}
    study = tune(home / "binary.csv", tmp_path / "study", ensemble="snapshot", calibration="none", **settings)
    after = outcome(study.path)["after"]
    epochs = [member["epoch"] for member in after["members"]]
    assert epochs[0] is None
    assert epochs[1:] == [10, 8, 6, 4, 2][: len(epochs) - 1], "the last first"
