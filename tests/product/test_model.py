"""The saved model: it gives the scores that the study measured, and takes rows as they come."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score, log_loss, r2_score

import cotune
from cotune.data import Splits, load, split
from cotune.errors import ModelError
from cotune.product import Model
from cotune.recipe import make
from study.tiny import csv, table, tune, view_of

SCORES = {"accuracy": accuracy_score, "r2": r2_score}

KINDS = [
    ("binary", {}),
    ("multiclass", {"cv": 3}),
    ("regression", {}),
    ("multiclass", {"norm": "batch", "residual": True, "depth": 2}),
    ("binary", {"categories": "embedding", "embedding_width": 3, "seeds": 2}),
    ("regression", {"norm": "layer", "outliers": "clip", "scaling": "robust", "seeds": 2}),
    ("binary", {"width": [5, 8], "activation": ["relu", "tanh"], "balance": "weights"}),
    ("binary", {"loss": "hinge"}),
    ("multiclass", {"loss": ["binary_cross_entropy", "focal"], "focal_gamma": [0.5, 2.0]}),
    ("regression", {"loss": "gaussian"}),
    ("regression", {"loss": "quantile", "quantile": {"low": 0.4, "high": 0.6}}),
]


def parts(path: Path, study: Path) -> tuple[pl.DataFrame, Splits]:
    """The table as text, and the rows of the study's split."""
    resolved = make(view_of(study).meta["resolved"])
    dataset = load(path, target="y", task=resolved.data.task)
    return pl.read_csv(path, infer_schema=False), split(dataset, resolved.split, seed=resolved.search.seed)


@pytest.mark.parametrize(("task", "settings"), KINDS, ids=str)
def test_scores_recomputed_from_predictions_equal_the_study_s(
    task: str, settings: dict, tmp_path: Path
) -> None:
    path = csv(tmp_path, task)
    study = tune(path, tmp_path / "study", epochs=6, ensemble="none", **settings)
    shown = study.show()
    frame, splits = parts(path, study.path)
    score = SCORES[shown["metric"]]
    best = cotune.load(study.path).best

    def score_of(model: Model, rows: np.ndarray) -> float:
        truth = frame[rows]["y"].cast(pl.Float64) if task == "regression" else frame[rows]["y"]
        return score(truth.to_numpy(), model.predict(frame[rows].drop("y")))

    assert score_of(best, splits.test) == pytest.approx(shown["best"]["test_score"], abs=1e-6)
    seeds = settings.get("seeds", 1)
    assert len(best.networks) == len(splits.folds) * seeds
    lanes = [
        score_of(Model(best.task, best.target, best.classes, [network]), splits.folds[i // seeds].validation)
        for i, network in enumerate(best.networks)
    ]
    assert np.mean(lanes) == pytest.approx(shown["best"]["score"], abs=1e-6)


def test_the_best_weights_are_restored_and_not_the_last(tmp_path: Path) -> None:
    path = csv(tmp_path, "binary")
    settings = {"trials": 1, "epochs": 40, "lr": 0.3, "dropout": 0.0, "metric": "log_loss", "patience": 0}
    study = tune(path, tmp_path / "study", schedule="constant", label_smoothing=0.0, **settings)
    curve = [record.metrics["log_loss"] for record in study.view().records[0]]
    assert min(curve) < curve[-1] - 0.05, "the last epoch must not be the best for this test to tell"
    frame, splits = parts(path, study.path)
    rows = frame[splits.folds[0].validation]
    found = log_loss(rows["y"].to_list(), study.best.predict_proba(rows), labels=list(study.best.classes))
    assert found == pytest.approx(min(curve), abs=1e-5)
    assert study.show()["best"]["score"] == min(curve)


def test_rows_are_taken_as_they_come(tmp_path: Path) -> None:
    study = tune(csv(tmp_path, "binary"), tmp_path / "study")
    frame = table("binary", rows=30, seed=5).drop("y")
    p = study.best.predict_proba(frame)
    turned = frame.select(reversed(frame.columns)).with_columns(extra=pl.lit("?"))
    assert np.array_equal(study.best.predict_proba(turned), p)
    assert study.best.predict_proba(frame.to_pandas()) == pytest.approx(p, abs=1e-7)
    assert study.best.predict_proba(frame[3:4]) == pytest.approx(p[3:4], abs=1e-6), "a row stands alone"
    strange = frame.with_columns(colour=pl.lit("ultraviolet"), a=pl.lit(None, pl.Float64))
    found = study.best.predict_proba(strange)
    assert np.isfinite(found).all()
    assert found.sum(1) == pytest.approx(1.0)


def test_a_model_saved_again_predicts_the_same_bits(tmp_path: Path) -> None:
    study = tune(csv(tmp_path, "multiclass"), tmp_path / "study", categories="embedding")
    rows = table("multiclass", rows=40, seed=3)
    study.best.save(tmp_path / "copy")
    again = Model.load(tmp_path / "copy")
    assert np.array_equal(again.predict_proba(rows), study.best.predict_proba(rows))
    assert again.size == study.best.size > 0


def counted(rows: int, seed: int = 0) -> pl.DataFrame:
    """A target that counts something."""
    frame = table("regression", rows=rows, seed=seed)
    y = np.random.default_rng(seed).poisson(np.exp(0.8 * np.tanh(frame["a"].fill_null(0.0).to_numpy()) + 1))
    return frame.with_columns(y=pl.Series(y.astype(float)))


def test_rates_are_predicted_in_the_target_s_units(tmp_path: Path) -> None:
    frame = counted(300)
    settings = {"loss": "poisson", "task": "regression", "epochs": 15, "lr": 0.02, "dropout": 0.0}
    study = tune(frame, tmp_path / "study", **settings)
    found = study.best.predict(frame)
    assert {network.link for network in study.best.networks} == {"exponential"}
    assert (found > 0).all()
    assert found.mean() == pytest.approx(frame["y"].mean(), rel=0.2)
    assert r2_score(frame["y"].to_numpy(), found) > 0.1


def test_a_model_from_before_there_were_links_predicts_as_it_did(tmp_path: Path) -> None:
    for task in ("multiclass", "regression"):
        study = tune(csv(tmp_path, task), tmp_path / task)
        rows = table(task, rows=20, seed=3)
        study.best.save(tmp_path / "old")
        described = tmp_path / "old" / "pipeline.json"
        about = json.loads(described.read_text())
        for network in about["networks"]:
            del network["link"], network["shape"]["slopes"]
        described.write_text(json.dumps(about))
        old = Model.load(tmp_path / "old")
        assert np.array_equal(old.predict(rows), study.best.predict(rows))
        about["networks"][0]["link"] = "log"
        described.write_text(json.dumps(about))
        with pytest.raises(ModelError, match="unknown link 'log'"):
            Model.load(tmp_path / "old")


def test_a_regression_has_no_probabilities(tmp_path: Path) -> None:
    study = tune(csv(tmp_path, "regression"), tmp_path / "study")
    with pytest.raises(ModelError, match="use predict"):
        study.best.predict_proba(table("regression", rows=3))


@pytest.mark.parametrize(
    ("labels", "kind"),
    [([3, 7], np.integer), ([True, False], np.bool_), ([0.5, 2.0], np.floating), (["3", "7"], np.str_)],
    ids=str,
)
def test_labels_come_back_as_the_type_they_had(labels: list, kind: type, tmp_path: Path) -> None:
    frame = table("binary")
    y = pl.Series("y", [labels[value == frame["y"][0]] for value in frame["y"]])
    study = tune(frame.with_columns(y), tmp_path / "study", task="binary", epochs=12)
    found = cotune.load(study.path).best.predict(frame)
    assert issubclass(found.dtype.type, kind)
    assert set(found.tolist()) <= set(labels)
    assert (y.to_numpy() == found).mean() > 0.6


def test_whole_numbers_in_a_text_file_are_labels_of_that_kind(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    frame = table("multiclass")
    number = {name: place for place, name in enumerate(sorted(set(frame["y"].to_list())))}
    frame.with_columns(y=pl.Series([number[name] for name in frame["y"]])).write_csv(path)
    study = tune(path, tmp_path / "study", task="multiclass")
    assert study.best.predict(path).dtype == np.int64
