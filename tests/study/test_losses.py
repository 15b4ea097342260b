"""Which loss fits which study; a recipe that asks for another is told before anything is trained."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cotune.errors import RecipeError
from cotune.product import Model
from cotune.recipe.names import EMBEDDING_LOSSES
from study.tiny import table, tune

REGRESSION: dict[str, Any] = {"task": "regression"}


def counts(*first: float) -> pl.DataFrame:
    """A regression whose target begins so."""
    frame = table("regression")
    rest = [float(i % 7) for i in range(len(frame) - len(first))]
    return frame.with_columns(y=pl.Series([*first, *rest]))


BAD: dict[str, tuple[pl.DataFrame, dict[str, Any], tuple[str, ...]]] = {
    "numbers": (table("regression"), {"loss": "focal"}, ("focal does not fit a regression", "log_cosh")),
    "classes": (table("binary"), {"loss": "poisson"}, ("poisson does not fit a binary", "hinge")),
    "no probabilities": (
        table("binary"),
        {"loss": "hinge", "also": ["log_loss"]},
        ("loss: hinge, metrics: accuracy, log_loss", "needs probabilities", "set loss: cross_entropy"),
    ),
    "below 0": (counts(3.0, -1.5, -2.0), {"loss": "poisson", **REGRESSION}, ("0 or more", "holds -1.5", "mse")),
    "one of several": (counts(-4.0), {"loss": ["mse", "poisson"], **REGRESSION}, ("holds -4",)),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_loss_that_does_not_fit_is_refused(name: str, tmp_path: Path) -> None:
    frame, settings, said = BAD[name]
    with pytest.raises(RecipeError) as error:
        tune(frame, tmp_path / "study", **settings)
    assert all(part in str(error.value) for part in said), error.value
    assert not (tmp_path / "study").exists()


def test_nothing_but_zeros_has_no_rate(tmp_path: Path) -> None:
    """All counts lie in the last rows, which a split by time keeps from the first fold's training."""
    frame = table("regression").with_columns(y=pl.Series([0.0] * 100 + [2.0, 5.0] * 10))
    settings = {"method": "time", "time": "when", "folds": 2, "loss": "poisson", **REGRESSION}
    with pytest.raises(RecipeError, match="is 0 in all training rows of a fold"):
        tune(frame, tmp_path / "study", **settings)


@pytest.mark.parametrize("name", ["hinge", "focal", "binary_cross_entropy"])
def test_losses_of_classes_make_a_study(name: str, tmp_path: Path) -> None:
    study = tune(table("multiclass", rows=200), tmp_path / "study", loss=name, epochs=20, lr=0.03)
    assert study.show()["best"]["score"] > 0.55


@pytest.mark.parametrize("loss", EMBEDDING_LOSSES)
def test_embeddings_predict_by_their_neighbours(loss: str, tmp_path: Path) -> None:
    """The model, saved and loaded, says what it said before; and the classes are told apart."""
    frame = table("multiclass")
    settings = {"trials": 2, "epochs": 3, "width": 16, "depth": 1, "ensemble": "none", "calibration": "none"}
    study = tune(frame, tmp_path / "study", loss=loss, **settings)
    rows = frame.drop("y")
    p = Model.load(tmp_path / "study" / "best").predict_proba(rows)
    assert np.allclose(p.sum(1), 1)
    assert np.array_equal(p, study.best.predict_proba(rows))
    assert study.show()["best"]["test_score"] > 1.2 / p.shape[1]
