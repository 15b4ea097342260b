"""Studies of residual networks: what is settled for which images, from keys to predictions, a few long trainings."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cotune
from cotune.data import load
from cotune.errors import RecipeError
from cotune.nets.image.cnn import CNN
from cotune.nets.image.resnet import ResNet
from cotune.recipe import Choice, make
from cotune.study import budget, prepared
from cotune.study.budget import PATIENT_EPOCHS, Speed, patient
from cotune.study.settling import residual
from cotune.study.settling.suited import suited
from study.pictures import pixels

TINY: dict[str, Any] = {
    "family": "resnet", "filters": 8, "stages": 2, "lr": 0.01, "weight_decay": 0.0, "batch_size": 16,
    "label_smoothing": 0.0, "epochs": 2, "trials": 1,
}  # fmt: skip

KEYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "all of them": (
        {"excitation": True, "experts": 3, "supervision": 0.3, "exit_at": 0.8, "stem": 2, "map_pooling": "max"},
        {"excitation": True, "experts": 3, "supervision": 0.3, "exit_at": 0.8, "stem": 2, "pooling": "max"},
    ),
    "separable": (
        {"block": "separable", "kernel": 5, "blocks": 2, "norm": "group"},
        {"block": "separable", "kernel": 5, "blocks": 2, "norm": "group"},
    ),
    "what is usual": (
        {},
        {"block": "basic", "norm": "batch", "stem": 1, "pooling": "average", "kernel": 3, "experts": 1},
    ),
    "without heads on the way": ({"exit_at": 0.8}, {"exit_at": 0.8, "supervision": 0.3}),
}  # fmt: skip
"""By name: what is asked, and what becomes of it."""


@pytest.mark.parametrize("name", KEYS)
def test_from_keys_to_predictions(name: str, tmp_path: Path) -> None:
    asked, expected = KEYS[name]
    images, y = pixels(60)
    study = cotune.tune((images, y), out=tmp_path / "study", **TINY, **asked)
    shape = cotune.load(study.path).best.networks[0].shape
    assert isinstance(shape, ResNet)
    assert {key: getattr(shape, key) for key in expected} == expected
    assert len(study.best.predict(images[:5])) == 5
    assert "a residual network of" in study.report.read_text()


def test_it_learns(tmp_path: Path) -> None:
    study = cotune.tune(pixels(240), out=tmp_path / "study", **{**TINY, "epochs": 6, "translate": 0.0})
    assert study.show()["best"]["test_score"] >= 0.9


def test_what_it_is_built_of_can_be_searched(tmp_path: Path) -> None:
    asked = {"block": ["basic", "bottleneck"], "excitation": [False, True], "family": ["cnn", "resnet"]}
    more = {
        "convolutions": 1,
        "search": "grid",
        "epochs": 1,
        "trials": None,
        "map_pooling": "average",
        "dropout": 0.0,
        "activation": "relu",
    }
    study = cotune.tune(pixels(40), out=tmp_path / "study", **{**TINY, **asked, **more})
    built = [trial.params for trial in study.view().trials]
    assert len(built) == 5, "a plain network has no blocks"
    assert sum(params["family"] == "resnet" for params in built) == 4


def settled(side: int, rows: int = 50, **keys: Any) -> Any:
    """The network section of a recipe for images of this size."""
    x = np.zeros((rows, side, side, 1), np.uint8)
    x[:, 0, 0] = np.arange(rows)[:, None] % 200
    dataset = load((x, [str(i % 2) for i in range(rows)]), target="y")
    return suited(make(**keys), dataset).network


@pytest.mark.parametrize(
    ("side", "stem", "stages"), [(32, 2, 3), (28, 2, 2), (16, 1, 3), (8, 1, 2), (4, 1, 1)]
)
def test_sizes_follow_the_images(side: int, stem: int, stages: int) -> None:
    found = settled(side, family="resnet")
    assert (found.stem, found.stages, found.filters, found.kernel) == (stem, stages, 32, 3)


def test_more_stages_than_the_images_have_room_for_are_refused() -> None:
    assert settled(8, family="resnet", stages=3).stages == 3
    with pytest.raises(RecipeError, match="have room for 3 stages, but stages goes up to 4"):
        settled(8, family="resnet", stages=[1, 4])
    with pytest.raises(RecipeError, match="room for 2 stages"):
        settled(8, family="resnet", stages=3, stem=2)


@pytest.mark.parametrize(("key", "value"), [("block", "separable"), ("experts", 2), ("exit_at", 0.5)])
def test_keys_of_blocks_mean_nothing_to_a_plain_network(key: str, value: Any) -> None:
    with pytest.raises(RecipeError, match=f"network.{key} has no meaning for a convolutional network"):
        settled(8, family="cnn", **{key: value})


def test_the_usual_family_is_that_there_is_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residual, "cores", lambda: 2)
    assert settled(8).family == "cnn", "small images"
    assert settled(28, device="cpu").family == "resnet", "no limit"
    needed = residual.EPOCHS * 1000 * 28 * 28 * residual.SECONDS_A_PIXEL / 2
    assert settled(28, 1000, time_limit=needed * 0.9, device="cpu").family == "cnn"
    assert settled(28, 1000, time_limit=needed * 1.1, device="cpu").family == "resnet"


@pytest.mark.parametrize(
    ("seconds", "lanes", "expected"),
    [
        (600, 1, (30, 4)),
        (300, 1, (30, 2)),
        (20, 1, (2, 2)),
        (5, 1, (1, 2)),
        (6000, 5, (100, 10)),
        (9999, 1, (100, 4)),
    ],
)
def test_long_trainings_fill_the_time(
    seconds: float, lanes: int, expected: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lane takes 8 core-seconds an epoch, and there are two cores."""
    monkeypatch.setattr(budget, "cores", lambda: 2)
    assert patient(100, Speed(8.0, lanes), seconds=seconds, lanes=lanes) == expected


@pytest.mark.parametrize(
    ("asked", "rungs"), [({}, "none"), ({"rungs": True}, "asha"), ({"epochs": 60}, "asha")]
)
def test_where_time_is_short_no_training_is_stopped(
    asked: dict[str, Any], rungs: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if networks took a second an epoch; but what the recipe says about it stays."""
    monkeypatch.setattr(prepared, "measure", lambda *_, **__: Speed(1.0))
    monkeypatch.setattr(budget, "cores", lambda: 2)
    keys = {key: setting for key, setting in TINY.items() if key not in ("epochs", "trials")}
    study = cotune.tune(pixels(40), out=tmp_path / "study", time_limit=2, device="cpu", **keys, **asked)
    resolved = study.view().meta["resolved"]
    assert resolved["search"]["rungs"] == rungs
    if "epochs" not in asked:
        assert resolved["training"]["epochs"] == 1 < PATIENT_EPOCHS
        assert resolved["search"]["lanes"] == 2


def test_a_plain_network_reads_means_of_maps(tmp_path: Path) -> None:
    keys = {key: setting for key, setting in TINY.items() if key != "stages"}
    asked = {**keys, "family": "cnn", "convolutions": 1, "map_pooling": "average", "dropout": 0.0}
    study = cotune.tune(pixels(60), out=tmp_path / "study", **asked)
    shape = study.best.networks[0].shape
    assert isinstance(shape, CNN)
    assert shape.pooling == "average"
    assert study.best.networks[0].tensors["head.weight"].shape[0] == shape.filters[-1]


def test_choices_of_stems_leave_room_for_stages() -> None:
    assert settled(32, family="resnet", stem=[1, 2]).stem == Choice((1, 2))
