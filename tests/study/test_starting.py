"""Studies that begin with the weights of an earlier one, or of a file: what is taken, refused, and resumed."""

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import cotune
from cotune.api import resume
from cotune.engine import plan as plan_of_lanes
from cotune.errors import RecipeError, StudyCorrupt
from cotune.recipe import make
from cotune.study import session
from cotune.study.directory import Directory
from study.test_images import archive
from study.tiny import command, csv, lasting, table, tune

SHAPE: dict[str, Any] = {"width": 12, "depth": 2, "trials": 1, "epochs": 2, "lr": 0.05}
STILL: dict[str, Any] = {"lr": 1e-12, "weight_decay": 0.0, "epochs": 1, "dropout": 0.0}
"""Nothing is learned."""


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of three classes."""
    home = tmp_path_factory.mktemp("earlier")
    return tune(table("multiclass"), home / "a", metric="log_loss", **SHAPE).path


def weights(study: Path) -> dict[str, torch.Tensor]:
    return {
        k.removeprefix("network0."): v for k, v in load_file(study / "best" / "model.safetensors").items()
    }


def plan(study: Any) -> str:
    return " ".join(study.view().meta["plan"])


def test_the_same_table_begins_where_the_earlier_study_ended(earlier: Path, tmp_path: Path) -> None:
    asked = {**SHAPE, **STILL, "metric": "log_loss", "pretrained": str(earlier)}
    study = tune(table("multiclass"), tmp_path / "b", **asked)
    before = tune(table("multiclass"), tmp_path / "c", **{**asked, "pretrained": None}).show()["best"][
        "score"
    ]
    score = study.show()["best"]["score"]
    with_score = tune(table("multiclass"), tmp_path / "d", metric="log_loss", **SHAPE).show()["best"]["score"]
    assert score == pytest.approx(with_score, abs=1e-5)
    assert score < before - 0.02, "the test can tell"
    assert f"Networks begin with hidden0, hidden1, head of {earlier}." in plan(study)


@pytest.mark.parametrize("freeze", [2, 0])
def test_another_number_of_classes_draws_the_head_anew(freeze: int, earlier: Path, tmp_path: Path) -> None:
    study = tune(table("binary"), tmp_path / "b", pretrained=str(earlier), freeze=freeze, **SHAPE)
    assert f"hidden0, hidden1 of {earlier}; head drawn anew." in plan(study)
    old, new = weights(earlier), weights(study.path)
    for name in ("hidden0.weight", "hidden0.bias", "hidden1.weight", "hidden1.bias"):
        assert torch.equal(old[name], new[name]) == bool(freeze), name
    assert new["head.weight"].shape == (12, 2)


def test_of_searched_shapes_those_that_fit_are_counted(earlier: Path, tmp_path: Path) -> None:
    asked = {**SHAPE, "width": [12, 16], "depth": [1, 2], "trials": 3, "epochs": 1}
    study = tune(table("multiclass"), tmp_path / "b", pretrained=str(earlier), **asked)
    assert "begin with hidden0, hidden1, head of" in plan(study)
    assert "(in 1 of the 4 shapes to be searched)" in plan(study)


@pytest.mark.parametrize("prefix", ["", "network0."])
def test_a_file_by_the_names_of_layers(prefix: str, earlier: Path, tmp_path: Path) -> None:
    some = {
        f"{prefix}{name}": tensor.double() for name, tensor in weights(earlier).items() if "hidden1" in name
    }
    more = (
        {"network1.hidden0.bias": torch.ones(12)} if prefix else {"steps": torch.ones(2, dtype=torch.int64)}
    )
    save_file({**some, **more}, tmp_path / "w.safetensors")
    asked = {**SHAPE, **STILL, "pretrained": str(tmp_path / "w.safetensors")}
    study = tune(table("binary"), tmp_path / "b", **asked)
    assert "begin with hidden1 of" in plan(study)
    assert "; hidden0, head drawn anew" in plan(study)
    torch.testing.assert_close(weights(study.path)["hidden1.weight"], weights(earlier)["hidden1.weight"])


def test_filters_of_convolutions_are_taken_for_images_of_another_size(tmp_path: Path) -> None:
    asked = {"trials": 1, "epochs": 1, "filters": 8, "kernel": 3, "convolutions": 2, "device": "cpu"}
    made = [archive(tmp_path, rows=40, side=side).rename(tmp_path / f"{side}.npz") for side in (8, 16)]
    first = cotune.tune(made[0], target="y", out=tmp_path / "a", **asked)
    second = cotune.tune(made[1], target="y", out=tmp_path / "b", pretrained=first.path, freeze=2, **asked)
    assert "begin with convolution0, convolution1 of" in plan(second)
    old, new = weights(first.path), weights(second.path)
    assert all(torch.equal(old[name], new[name]) for name in old if name.startswith("convolution"))


BAD = {
    "nothing there": ("nowhere", "there is no"),
    "no safetensors": ("words.txt", "cannot be read as safetensors"),
    "no study": ("empty", "is no study with a model to begin with"),
    "no numbers": ("whole.safetensors", "holds no weights"),
    "not finite": ("nan.safetensors", "hidden0.bias"),
    "strange names": ("strange.safetensors", "no tensor in"),
    "no layer fits": (
        "wide.safetensors", "hidden0.weight is 3 × 99 there and 22 × 12 here; head.bias is 9 there and 2 here; set",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_begun_with_is_refused_and_leaves_nothing(case: str, tmp_path: Path) -> None:
    name, said = BAD[case]
    (tmp_path / "words.txt").write_text("no weights")
    (tmp_path / "empty").mkdir()
    save_file({"hidden0.weight": torch.ones(2, dtype=torch.int64)}, tmp_path / "whole.safetensors")
    save_file({"hidden0.bias": torch.full((12,), torch.nan)}, tmp_path / "nan.safetensors")
    save_file({"conv1": torch.ones(2)}, tmp_path / "strange.safetensors")
    save_file(
        {"hidden0.weight": torch.ones(3, 99), "head.bias": torch.ones(9)}, tmp_path / "wide.safetensors"
    )
    asked = {**SHAPE, "pretrained": str(tmp_path / name)}
    with pytest.raises(RecipeError) as error:
        tune(table("binary"), tmp_path / "b", **asked)
    assert said in str(error.value)
    assert str(error.value).startswith("network.pretrained")
    assert not (tmp_path / "b").exists()


def interrupted(data: Path, out: Path, asked: dict[str, Any]) -> None:
    """A study that is stopped after its first trial."""
    seen: list[Any] = []
    sitting = session.Sitting(
        seen.append, lambda _: None, lambda: bool(seen) and sum(seen[-1].ended.values()) > 0
    )
    session.begin(data, make(target="y", **asked), Directory(out), sitting, version="test")


def test_a_study_is_resumed_with_the_same_weights_when_their_source_is_gone(
    earlier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        plan_of_lanes, "MARGIN", math.inf
    )  # lanes step the same way however busy the machine is
    data, source = csv(tmp_path, "multiclass"), tmp_path / "source"
    shutil.copytree(earlier, source)
    asked = {
        **SHAPE, "trials": 4, "lanes": 1, "activation": "relu", "scaling": "standard", "pretrained": str(source),
        "lr": [0.01, 0.02], "patience": 0,
    }  # fmt: skip
    whole = tune(data, tmp_path / "whole", **asked)
    interrupted(data, tmp_path / "cut", asked)
    shutil.rmtree(source)
    assert len(Directory(tmp_path / "cut").start.read_bytes()) > 100
    resume(tmp_path / "cut")
    assert lasting(tmp_path / "cut") == lasting(whole.path)


def test_weights_that_are_lost_from_the_study_are_missed(earlier: Path, tmp_path: Path) -> None:
    asked = {**SHAPE, "trials": 3, "lanes": 1, "pretrained": str(earlier)}
    interrupted(csv(tmp_path, "multiclass"), tmp_path / "cut", asked)
    Directory(tmp_path / "cut").start.unlink()
    with pytest.raises(StudyCorrupt, match=r"cannot be read from .*start\.safetensors.*backup"):
        resume(tmp_path / "cut")


def test_the_written_recipe_names_the_weights_from_anywhere(
    earlier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(earlier.parent)
    study = tune(table("multiclass"), tmp_path / "b", pretrained="a", **SHAPE)
    assert f"pretrained: {earlier.resolve()}" in (study.path / "study.yaml").read_text()
    monkeypatch.chdir(tmp_path)
    frame = csv(tmp_path, "multiclass")
    words = ("--recipe", study.path / "study.yaml", "--out", tmp_path / "again", "--target", "y")
    assert command("tune", frame, *words).code == 0
