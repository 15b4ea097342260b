"""A study from outside: the recipe's device and precision, and the whole way that a GPU takes, on the CPU."""

from pathlib import Path
from typing import Any

import pytest
import torch

from cotune.errors import DeviceError, RecipeError
from cotune.study import prepared
from engine.places import AsGpu, on_gpu
from study.tiny import csv, lasting, tune, view_of


@pytest.fixture
def _as_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "compute_of", lambda *_, **__: AsGpu())


@pytest.mark.parametrize("task", ["multiclass", "regression"])
@pytest.mark.usefixtures("_as_gpu")
def test_a_study_takes_the_way_of_a_gpu_to_its_end(task: str, tmp_path: Path) -> None:
    study = tune(csv(tmp_path, task), tmp_path / "gpu", trials=5, dropout=0.1)
    view = view_of(tmp_path / "gpu")
    assert len(view.trials) == 5
    (plan,) = view.meta["plans"].values()
    assert plan["way"] == "batched"
    assert plan["chunk"] >= 16
    assert study.best.predict(csv(tmp_path, task)).shape == (120,)


@pytest.mark.usefixtures("_as_gpu")
def test_a_time_limit_is_planned_with_lanes_that_step_together(tmp_path: Path) -> None:
    tune(csv(tmp_path), tmp_path / "gpu", trials=None, epochs="auto", time_limit=6)
    view = view_of(tmp_path / "gpu")
    assert view.meta["speed"]["together"] >= 16
    assert view.meta["resolved"]["search"]["lanes"] > 1
    assert len(view.trials) > 1


def test_auto_is_settled_and_shown(tmp_path: Path) -> None:
    tune(csv(tmp_path), tmp_path / "a")
    meta = view_of(tmp_path / "a").meta
    assert meta["recipe"]["training"]["device"] == "auto"
    assert meta["resolved"]["training"]["device"] == ("cuda" if torch.cuda.is_available() else "cpu")
    assert "float32" in meta["machine"]["computed_on"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"device": "cuda"}, DeviceError, "needs a GPU"),
        ({"precision": "bf16"}, RecipeError, "this machine has no CUDA device"),
        ({"device": "gpu"}, RecipeError, "must be auto, cpu, cuda or cuda:N"),
        ({"device": "cuda:x"}, RecipeError, "must be auto, cpu, cuda or cuda:N"),
    ],
)
def test_what_this_machine_cannot_do_is_refused_before_anything_is_written(
    settings: dict[str, Any], error: type[Exception], said: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=said):
        tune(csv(tmp_path), tmp_path / "a", **settings)
    assert not (tmp_path / "a").exists()


@on_gpu
@pytest.mark.parametrize("precision", ["float32", "tf32", "bf16"])
def test_a_study_on_a_gpu_gives_a_model_for_the_cpu(precision: str, tmp_path: Path) -> None:
    study = tune(csv(tmp_path), tmp_path / "gpu", device="cuda", precision=precision, trials=8, epochs=8)
    assert study.best.predict(csv(tmp_path)).shape == (120,)
    assert precision in view_of(tmp_path / "gpu").meta["machine"]["computed_on"]


@on_gpu
def test_a_deterministic_study_on_a_gpu_is_repeated_to_the_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the counts of lanes that are measured: the second study is given those of the first."""
    from cotune.engine import plan

    monkeypatch.setattr(plan, "CHUNKS", (32,))
    for name in "ab":
        tune(csv(tmp_path), tmp_path / name, device="cuda", deterministic=True, trials=8)
    assert lasting(tmp_path / "a") == lasting(tmp_path / "b")
