"""A study ends when it should: by trials, epochs, seconds, patience, rungs, or because nothing is left to try."""

import time
from pathlib import Path

import pytest

from cotune.types import Status
from study.tiny import command, csv, tune, view_of


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return csv(tmp_path_factory.mktemp("limits"))


@pytest.mark.parametrize("trials", [1, 2, 7, 70])
def test_trials_are_exact(trials: int, data: Path, tmp_path: Path) -> None:
    view = tune(data, tmp_path / "study", trials=trials, epochs=2).view()
    assert [trial.number for trial in view.trials] == list(range(trials))
    assert all(trial.status.is_over for trial in view.trials)
    assert view.meta["finished"] == "all trials done"


@pytest.mark.parametrize("limit", [1, 5, 17, 60])
@pytest.mark.parametrize("more", [{}, {"seeds": 2}, {"width": [8, 16], "lanes": 5}], ids=str)
def test_lane_epochs_are_never_exceeded(limit: int, more: dict, data: Path, tmp_path: Path) -> None:
    more = {"trials": None, "epochs": 6, "lanes": 4, "lane_epochs": limit, **more}
    if limit < more.get("seeds", 1):
        more["lane_epochs"] = limit = more["seeds"]
    view = tune(data, tmp_path / "study", **more).view()
    spent = sum(len(records) for records in view.records.values())
    assert limit - more.get("seeds", 1) < spent <= limit, "to the last epoch that a trial has room for"
    assert view.meta["finished"] == "epoch limit"


def test_a_trial_takes_its_epochs_and_not_one_more(data: Path, tmp_path: Path) -> None:
    view = tune(data, tmp_path / "study", epochs=7, rungs=False, patience=0).view()
    assert {(t.epochs, t.status, t.reason) for t in view.trials} == {(7, Status.COMPLETE, "all epochs")}
    for records in view.records.values():
        assert [r.epoch for r in records] == list(range(1, 8))


def test_patience_ends_a_trial_that_does_not_gain(data: Path, tmp_path: Path) -> None:
    view = tune(data, tmp_path / "study", epochs=60, rungs=False, patience=3, trials=8).view()
    tired = [trial for trial in view.trials if trial.epochs < 60]
    assert tired
    for trial in tired:
        assert (trial.status, trial.reason) == (Status.COMPLETE, "no gain for 3 epochs")
        figures = [figure for _, _, figure in trial.curve]
        assert max(figures[:-3]) >= max(figures[-3:])
        best = max(range(len(figures)), key=lambda i, figures=figures: (figures[i], -i))
        assert len(figures) == best + 4, "neither earlier nor later"


def test_rungs_stop_all_but_one_in_so_many(data: Path, tmp_path: Path) -> None:
    settings = {"epochs": 9, "trials": 27, "lanes": 27, "search": "random", "patience": 0}
    view = tune(data, tmp_path / "study", first_rung=1, reduction=3, **settings).view()
    lengths = sorted(trial.epochs for trial in view.trials)
    assert lengths == [1] * 18 + [3] * 6 + [9] * 3
    for level, left in ((1, 27), (3, 9)):
        there = [(f, t) for t in view.trials for epoch, _, f in t.curve if epoch == level]
        assert len(there) == left
    stopped = {t.reason for t in view.trials if t.status is Status.STOPPED}
    assert stopped == {f"not among the best at the rung of epoch {level}" for level in (1, 3)}


def test_a_used_up_space_ends_the_study(data: Path, tmp_path: Path) -> None:
    settings = {"lr": [0.01, 0.1], "dropout": [0.0, 0.2], "weight_decay": 0.0, "label_smoothing": 0.0}
    view = tune(data, tmp_path / "study", trials=50, **settings).view()
    assert len({tuple(t.params.items()) for t in view.trials}) == len(view.trials) == 4
    assert view.meta["finished"] == "every configuration of the space has been tried"


@pytest.mark.parametrize("limit", [1.5])
def test_a_short_time_limit_still_leaves_a_model(limit: float, data: Path, tmp_path: Path) -> None:
    study = tune(data, tmp_path / "study", trials=None, epochs=None, time_limit=limit)
    assert study.show()["best"]["test_score"] is not None
    assert study.view().meta["finished"] == "time limit"
    assert all(trial.status.is_over for trial in study.view().trials)
    assert command("predict", study.path, data).code == 0


@pytest.mark.slow
@pytest.mark.parametrize("limit", [5, 20])
@pytest.mark.parametrize("more", [{}, {"cv": 5}, {"width": 512, "depth": 3}], ids=str)
def test_the_time_limit_is_kept(limit: int, more: dict, tmp_path: Path) -> None:
    data = csv(tmp_path, rows=3000)
    began = time.monotonic()
    study = tune(data, tmp_path / "study", **{"trials": None, "epochs": None, "time_limit": limit, **more})
    took = time.monotonic() - began
    assert abs(took - limit) <= max(0.05 * limit, 2.0)
    assert study.show()["best"]["test_score"] is not None


def test_steps_of_a_broken_off_epoch_are_counted(tmp_path: Path) -> None:
    data = csv(tmp_path, rows=3000)
    slow = {"width": 2048, "depth": 4, "batch_size": 32, "trials": None, "epochs": None, "time_limit": 1.0}
    study = tune(data, tmp_path / "study", **slow)
    shown = study.show()
    assert shown["trials"]["complete"] == 0
    assert shown["lane_steps"] > 0
    assert shown["best"]["test_score"] is not None
    assert view_of(study.path).boundaries[-1].capacity_steps == 0
