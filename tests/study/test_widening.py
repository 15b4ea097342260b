"""Resuming with a wider space and higher limits: what was tried stays, is known, and survives an end anywhere."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cotune
from cotune.errors import RecipeError, StudyError
from cotune.recipe import Choice, make
from cotune.space import from_recipe
from cotune.study import Directory
from cotune.study.session import Sitting
from cotune.study.session import resume as go_on
from cotune.study.widening import Changes, in_space
from study.tiny import csv, lasting, table, tune, view_of

LR = {"low": 1e-3, "high": 1e-2, "log": True}
WIDER: dict[str, Any] = {
    "lr": {"low": 1e-5, "high": 1.0, "log": True},
    "width": {"low": 4, "high": 32, "log": True},
    "activation": ["relu", "gelu", "tanh"],
    "trials": 12,
}


def ended(folder: Path, **settings: Any) -> Path:
    return tune(table(), folder / "ended", lr=LR, trials=5, **settings).path


def interrupted_at(folder: Path, boundary: int, changes: Changes | None = None) -> None:
    """Go on with a study until its store has so many boundaries."""
    at_end = lambda: len(view_of(folder).boundaries) >= boundary  # noqa: E731
    go_on(
        Directory(folder),
        Sitting(lambda _: None, lambda _: None, at_end),
        **({} if changes is None else {"changes": changes}),
    )


@pytest.mark.parametrize("strategy", ["auto", "tpe"])
def test_an_ended_study_goes_on_in_a_wider_space(strategy: str, tmp_path: Path) -> None:
    path = ended(tmp_path, strategy=strategy)
    before = view_of(path)
    after = cotune.resume(path, **WIDER).view()
    assert after.meta["finished"] == "all trials done"
    assert len(after.trials) == 12
    space = from_recipe(make(after.meta["resolved"]))
    assert all(space.contains(trial.params) for trial in after.trials)
    for old, new in zip(before.trials, after.trials, strict=False):
        assert (old.score, old.status, old.curve) == (new.score, new.status, new.curve)
        assert dict(new.params) == {**old.params, "width": 8, "activation": "relu"}
    assert {trial.params["activation"] for trial in after.trials[5:]} > {"relu"}
    assert any(trial.params["width"] != 8 for trial in after.trials[5:])
    assert any(not LR["low"] <= trial.params["lr"] <= LR["high"] for trial in after.trials[5:])
    assert [entry["trials"] for entry in after.meta["recipes"]] == [0, 5]
    assert {p["name"] for p in after.meta["parameters"]} >= {"lr", "width", "activation"}
    assert "lr" in cotune.recipe.read(path / "study.yaml")["training"]


@pytest.mark.parametrize(("strategy", "boundary"), [("auto", 6), ("random", 9)])
def test_an_end_after_the_widening_changes_nothing(strategy: str, boundary: int, tmp_path: Path) -> None:
    path = ended(tmp_path, strategy=strategy, lanes=3)
    for name in ("whole", "cut"):
        shutil.copytree(path, tmp_path / name)
    cotune.resume(tmp_path / "whole", **WIDER)
    cut = tmp_path / "cut"
    interrupted_at(cut, boundary, Changes((), WIDER))
    assert not view_of(cut).meta["finished"]
    # Without its newest snapshots what came after is trained again, on both sides of the widening.
    for snapshot in sorted((cut / "snapshots").glob("*.safetensors"))[1:]:
        snapshot.unlink()
    assert lasting(cotune.resume(cut).path) == lasting(tmp_path / "whole")


def test_a_study_that_was_interrupted_is_widened_twice(tmp_path: Path) -> None:
    path = ended(tmp_path, lanes=2)
    shutil.copytree(path, tmp_path / "cut")
    for folder in (path, tmp_path / "cut"):
        interrupted_at(folder, 7, Changes((), WIDER))
        interrupted_at(folder, 9, Changes(("depth=[1, 2]",), {}))
        if folder != path:  # as if it had been killed in between, too
            sorted((folder / "snapshots").glob("*.safetensors"))[-1].unlink()
        cotune.resume(folder, trials=14, time_limit="5m")
    assert lasting(path) == lasting(tmp_path / "cut")
    meta = view_of(path).meta
    assert len(meta["recipes"]) == 4
    assert len(view_of(path).trials) == 14


def test_what_was_tried_is_not_tried_again(tmp_path: Path) -> None:
    fixed = {"lr": 0.01, "dropout": 0.0, "weight_decay": 0.0, "label_smoothing": 0.0}
    settings = {"strategy": "random", "trials": 9, "activation": ["relu", "tanh"], "preset": "fast"}
    path = tune(table(), tmp_path / "s", **settings, **fixed).path
    assert view_of(path).meta["finished"] == "every configuration of the space has been tried"
    found = cotune.resume(path, activation=["relu", "tanh", "gelu"]).view()
    assert [trial.params["activation"] for trial in found.trials][2:] == ["gelu"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"lr": {"low": 1e-3, "high": 5e-3}}, r"training.lr may only grow.*does not hold.*--from"),
        ({"lr": 0.005}, "training.lr may only grow"),
        ({"lr": [1e-3, 1e-2]}, "training.lr may only grow"),
        ({"width": [16, 32]}, r"network.width may only grow on resume, but \[16, 32\] does not hold 8"),
        ({"trials": 3}, "search.trials may only be raised on resume, but 3 is below 5"),
        ({"metric": "roc_auc"}, "search.metric cannot change on resume.*start a new study"),
        ({"test": 0.3}, "split.test cannot change"),
        ({"strategy": "tpe"}, "search.strategy cannot change"),
        ({"epochs": 9}, "training.epochs cannot change"),
        (
            {"lr": {"low": 1e-4, "high": 1, "log": True}},
            "nothing left to do: all 5 trials are done; raise.*--trials 10",
        ),
        ({"constraints": ["lr > 0.5"], "trials": 9}, "no configuration was found"),
        ({"constraints": ["lr > 0.0098"], "trials": 9}, r"trial \d does not meet 'lr > 0.0098'"),
        ({"lrr": 1}, "unknown recipe key 'lrr'"),
        ({"metric": "roc_auc", "width": 9}, "2 faults"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_what_is_no_widening_is_refused_and_nothing_is_changed(
    changes: dict[str, Any], says: str, once: Callable[[], Path]
) -> None:
    path = once()
    before = lasting(path), view_of(path).meta
    with pytest.raises((RecipeError, StudyError), match=f"(?s){says}"):
        cotune.resume(path, **changes)
    assert (lasting(path), view_of(path).meta) == before


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    path = ended(tmp_path_factory.mktemp("once"))
    return lambda: path


def test_a_limit_of_time_is_added_and_measured(tmp_path: Path) -> None:
    source = csv(tmp_path)
    path = tune(source, tmp_path / "s").path
    found = cotune.resume(path, time_limit="60s", trials=6, words=("dropout={low: 0, high: 0.6}",))
    meta = found.view().meta
    assert meta["speed"]["lane"] > 0
    assert meta["resolved"]["search"]["time_limit"] == 60
    assert "search.time_limit" in meta["asked"]


def test_a_trial_gets_what_was_fixed_and_keeps_what_it_hangs_on() -> None:
    before = from_recipe(make(optimizer="adamw", lr=[0.1, 0.2], width=64))
    after = from_recipe(make(optimizer=["adamw", "sgd"], momentum=[0.0, 0.9], lr=[0.1, 0.2], width=[32, 64]))
    own = {**before.middle(), "lr": 0.1}
    found = in_space(3, own, before, after)
    assert found["width"] == 64
    assert found["optimizer"] == "adamw"
    assert "momentum" not in found
    assert after.contains(found)
    with pytest.raises(RecipeError, match=r"trial 3 has 64 for width, which may be \[8, 16\]"):
        in_space(3, own, before, from_recipe(make(lr=Choice((0.1, 0.2)), width=[8, 16])))
