"""Studies that begin with what earlier ones found: what is taken, kept, said and refused."""

import shutil
from pathlib import Path
from typing import Any

import pytest

import cotune
from cotune.errors import RecipeError, StudyError, StudyNotFound
from cotune.recipe import make
from cotune.records import Store
from cotune.space import from_recipe
from cotune.study import Directory
from cotune.study.session import Sitting, begin
from cotune.study.warm import near, with_earlier
from study.tiny import FAST, command, csv, lasting, table, tune, view_of

SEARCHED: dict[str, Any] = {"lr": {"low": 1e-4, "high": 1e-1, "log": True}, "width": [4, 8, 16], "trials": 12}


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tune(table(), tmp_path_factory.mktemp("warm") / "earlier", **{**SEARCHED, "seed": 4}).path


@pytest.mark.parametrize("strategy", ["auto", "tpe"])
def test_the_first_trials_are_the_best_of_the_earlier_study(
    strategy: str, earlier: Path, tmp_path: Path
) -> None:
    view = tune(table(), tmp_path / "s", warm=str(earlier), strategy=strategy, **SEARCHED).view()
    (kept,) = view.meta["warm"]
    assert kept["same"]
    assert kept["path"] == str(earlier.resolve())
    best = [trial for trial in view_of(earlier).ranked() if trial.score is not None]
    first = dict(best[0].params)
    assert {name: view.trials[0].params[name] for name in first} == first
    assert any(line.startswith("Learns from 12 trials of") for line in view.meta["plan"])
    assert "the same data and metric" in " ".join(view.meta["plan"])


def test_other_data_and_another_space(earlier: Path, tmp_path: Path) -> None:
    """A regression by rmse, of which a lower is better; widths of the earlier study are brought into the range."""
    settings = {**SEARCHED, "width": {"low": 6, "high": 12}, "lr": {"low": 1e-3, "high": 1e-1, "log": True}}
    view = tune(table("regression"), tmp_path / "s", warm=[earlier, earlier], **settings).view()
    assert not view.meta["warm"][0]["same"]
    assert len(view.meta["warm"]) == 2
    space = from_recipe(make(view.meta["resolved"]))
    assert all(space.contains(trial.params) for trial in view.trials)
    best = max((t for t in view_of(earlier).trials if t.score is not None), key=lambda t: t.score or 0)
    wanted = {4: 6, 8: 8, 16: 12}[best.params["width"]]  # type: ignore[index]
    assert view.trials[0].params["width"] == wanted
    plan = " ".join(view.meta["plan"])
    assert "other data or another metric" in plan
    assert "lr" in plan


def test_a_study_goes_on_when_the_earlier_one_is_gone(earlier: Path, tmp_path: Path) -> None:
    source = csv(tmp_path)
    gone = tmp_path / "gone"
    shutil.copytree(earlier, gone)
    settings = {**FAST, **SEARCHED, "warm": [str(gone)], "lanes": 3, "target": "y"}
    whole = cotune.tune(source, out=tmp_path / "whole", **settings)

    def enough() -> bool:
        return (tmp_path / "cut/study.sqlite").exists() and len(view_of(tmp_path / "cut").boundaries) >= 4

    sitting = Sitting(lambda _: None, lambda _: None, enough)
    request = cotune.api.build_recipe(**settings)
    begin(source, request, Directory(tmp_path / "cut"), sitting, version="0")
    shutil.rmtree(gone)
    assert lasting(cotune.resume(tmp_path / "cut").path) == lasting(whole.path)


def test_the_command_says_what_was_taken(
    earlier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    csv(tmp_path)
    monkeypatch.chdir(tmp_path)
    words = (
        "--epochs",
        "3",
        "--trials",
        "2",
        "--set",
        "width=8",
        "--set",
        "depth=1",
        "--set",
        "activation=relu",
    )
    said = command(
        "tune", "t.csv", "--target", "y", "--from", earlier, "--from", earlier, *words, "--out", "s"
    )
    assert said.code == 0, said.err
    assert said.err.count(f"learns from 12 trials of {earlier.resolve()}") == 2
    assert "by dropout, lr" in said.err or "lr" in said.err
    assert len(view_of(tmp_path / "s").meta["warm"]) == 2


def test_what_cannot_be_learned_from_is_refused(earlier: Path, tmp_path: Path) -> None:
    with pytest.raises(
        StudyNotFound, match=r"search.warm \(--from\): there is no directory .*; studies in .*: earlier"
    ):
        tune(table(), tmp_path / "s", warm=str(earlier.parent / "earleir"))
    fixed = {
        "dropout": 0.0,
        "lr": 0.01,
        "weight_decay": 0.0,
        "label_smoothing": 0.0,
        "init": ["he", "glorot"],
    }
    with pytest.raises(
        RecipeError, match=r"searched .*lr.* this study searches init: they have nothing in common"
    ):
        tune(table(), tmp_path / "s", warm=str(earlier), **fixed)
    empty = tmp_path / "empty"
    shutil.copytree(earlier, empty)
    with Store.open(empty / "study.sqlite") as store:
        store._connection.execute("UPDATE trials SET score = NULL, status = 'failed'")
        store._connection.execute("DELETE FROM records")
        store._connection.commit()
    with pytest.raises(StudyError, match="has no trial with a score"):
        tune(table(), tmp_path / "s", warm=str(empty), **SEARCHED)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("setting", "value", "found"),
    [
        ({"low": 8, "high": 64}, 100, 64),
        ({"low": 8, "high": 64, "step": 8}, 21, 24),
        ([8, 32, 64], 40, 32),
        ([8, 32, 64], "wide", None),
        ([8, 32, 64], True, None),
    ],
)
def test_values_are_brought_into_the_space(setting: Any, value: Any, found: Any) -> None:
    (parameter,) = [p for p in from_recipe(make(width=setting)).parameters if p.name == "width"]
    assert near(parameter, value) == found


def test_a_rate_below_a_range_by_ratio_is_its_lower_end() -> None:
    (lr,) = [
        p for p in from_recipe(make(lr={"low": 1e-3, "high": 1e-1, "log": True})).parameters if p.name == "lr"
    ]
    assert near(lr, 0.0) == pytest.approx(1e-3)
    assert near(lr, 1) == pytest.approx(1e-1)


def test_without_earlier_studies_the_space_is_as_it_was() -> None:
    space = from_recipe(make())
    assert with_earlier(space, ()) is space
