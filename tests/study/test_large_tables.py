"""A study whose rows lie in files ends with the bits of one whose rows are in memory."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cotune.engine import plan
from cotune.errors import DataError, StudyExists
from study.tiny import command, csv, lasting, table, tune, view_of


@pytest.fixture(autouse=True)
def _one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes step the same way in every study, however busy the machine is while it is measured."""
    monkeypatch.setattr(plan, "MARGIN", math.inf)


def parquet(folder: Path, task: str) -> Path:
    path = folder / "t.parquet"
    table(task, rows=300).write_parquet(path)
    return path


def digits(folder: Path) -> Path:
    """Small images, and what they show."""
    rng = np.random.default_rng(0)
    y = np.arange(200) % 3
    images = rng.integers(0, 50, (200, 4, 4)) + 20 * y[:, None, None] * (np.arange(4) == 1)
    np.savez(folder / "digits.npz", X=images.astype(np.uint8), y=y)
    return folder / "digits.npz"


CASES: dict[str, dict[str, Any]] = {
    "two scalings": {"scaling": ["standard", "quantile"]},
    "embeddings": {"categories": "embedding"},
    "folds": {"cv": 3, "select": "variance"},
    "informative features": {"select": "mutual_information", "outliers": "clip", "balance": "weights"},
    "a population": {"trials": 12, "width": [8, 16], "batch_size": 16},
}


@pytest.mark.parametrize(
    ("case", "task"),
    [*((case, "binary") for case in CASES), ("folds", "regression"), ("two scalings", "regression")],
)
def test_the_same_study(case: str, task: str, tmp_path: Path) -> None:
    path = parquet(tmp_path, task)
    studies = [tune(path, tmp_path / str(m), memory=m, **CASES[case]) for m in ("auto", 1)]
    expected, found = (lasting(study.path) for study in studies)
    assert found == expected
    pipelines = [(study.path / "best" / "pipeline.json").read_text() for study in studies]
    assert pipelines[0] == pipelines[1]
    facts = [view_of(study.path).meta for study in studies]
    assert facts[0]["fingerprint"] == facts[1]["fingerprint"]
    assert not any((study.path / "rows").exists() for study in studies), "files of rows outlive the study"


def test_the_same_study_of_text_and_of_images(tmp_path: Path) -> None:
    flat = {"family": "mlp", "scaling": None}
    for source, target, more in ((csv(tmp_path, rows=200), "y", {}), (digits(tmp_path), "digit", flat)):
        results = [
            lasting(tune(source, tmp_path / f"{source.name}-{m}", target=target, memory=m, **more).path)
            for m in ("auto", 1)
        ]
        assert results[0] == results[1]


def test_a_frame_in_memory_may_have_its_rows_in_files(tmp_path: Path) -> None:
    frame = table(rows=200)
    results = [lasting(tune(frame, tmp_path / str(m), memory=m).path) for m in ("auto", 1)]
    assert results[0] == results[1]


def test_it_is_said_where_the_rows_are(tmp_path: Path) -> None:
    words = ("tune", csv(tmp_path), "--target", "y", "--trials", 1, "--epochs", 1, "--out")
    assert "lie in" not in command(*words, tmp_path / "a").err
    said = command(*words, tmp_path / "b", "--set", "memory=1kB")
    assert said.code == 0
    assert f"lie in {tmp_path / 'b' / 'rows'}" in said.err
    assert json.loads(json.dumps(view_of(tmp_path / "b").meta["resolved"]))["data"]["memory"] == 1000


def test_bad_data_leaves_no_files_and_the_directory_can_be_used(tmp_path: Path) -> None:
    path = csv(tmp_path)
    good = path.read_text()
    path.write_text(good + "oops,1,red,true,s1,2024-01-01,yes\n")
    with pytest.raises(DataError):
        tune(path, tmp_path / "study", memory=1)
    assert not (tmp_path / "study" / "rows").exists()
    path.write_text(good)
    assert tune(path, tmp_path / "study", memory=1).show()["best"]["score"] is not None


def test_predictions_do_not_depend_on_how_many_rows_are_asked_for(tmp_path: Path) -> None:
    model = tune(table(rows=200), tmp_path / "study").best
    rows = pl.concat([table(rows=200)] * 800)
    whole = model.predict_proba(rows)
    np.testing.assert_allclose(whole[:200], model.predict_proba(rows[:200]), atol=1e-6)
    np.testing.assert_allclose(whole[:200], whole[-200:], atol=1e-6)
    assert whole.shape == (160_000, 2)


def test_nothing_of_others_is_removed(tmp_path: Path) -> None:
    path, mine = csv(tmp_path), tmp_path / "mine" / "rows" / "reading" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("dear diary")
    with pytest.raises(StudyExists):
        tune(path, tmp_path / "mine", memory=1)
    assert mine.read_text() == "dear diary"
