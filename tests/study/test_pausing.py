"""Pause and thaw: whom a rung stops waits with all its state, and goes on, bit for bit, if it was good after all."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

import cotune
from cotune.engine import snapshot
from cotune.records import Store, StudyView, store
from cotune.search import make_judge
from cotune.study import kept, loop, saving
from cotune.study.resting import Resting
from cotune.types import Status
from study.tiny import csv, lasting, tune, view_of

SETTINGS = {
    "search": "random", "trials": 40, "lanes": 4, "epochs": 9, "first_rung": 1, "patience": 0,
    "lr": {"low": 1e-4, "high": 1.0, "log": True}, "metric": "log_loss", "seed": 1,
    "pause": True,
}  # fmt: skip
"""Seven trials of these are thawed, one by one."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return csv(tmp_path_factory.mktemp("pausing"), rows=300)


@pytest.fixture(scope="module")
def study(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tune(data, tmp_path_factory.mktemp("paused") / "study", **SETTINGS).path


def boundaries(study: Path) -> Sequence:
    with Store.open(study / "study.sqlite") as store:
        return list(store.boundaries(1, store.last_boundary()))


def thawed(study: Path) -> Counter[int]:
    return Counter(number for boundary in boundaries(study) for number in boundary.thawed)


def figures(view: StudyView, number: int) -> list[tuple]:
    return [(r.lane, r.epoch, r.step, r.train_loss, dict(r.metrics)) for r in view.records[number]]


def test_thawed_trials_go_on_as_if_they_had_never_rested(study: Path, data: Path, tmp_path: Path) -> None:
    """The same trials without rungs: every epoch that both trained has the same bits."""
    view = view_of(study)
    whole = tune(data, tmp_path / "whole", **SETTINGS, rungs=False).view()
    went_on = [n for n in thawed(study) if view.trials[n].epochs > 1]
    assert len(went_on) >= 3
    for trial in view.trials:
        own = figures(view, trial.number)
        assert own == figures(whole, trial.number)[: len(own)]
        assert [epoch for _, epoch, *_ in own] == list(range(1, trial.epochs + 1))


def test_every_pause_and_every_thaw_follows_from_the_records(study: Path) -> None:
    """Written down again from nothing but records: whoever is not among the best rests until he is."""
    judge = make_judge("asha", epochs=9, first=1, reduction=3, maximize=view_of(study).maximize)
    metric = view_of(study).metric
    resting: set[int] = set()
    best: dict[int, float] = {}
    choose = max if view_of(study).maximize else min
    for boundary in boundaries(study):
        for number in boundary.thawed:
            assert number in judge.promoted(resting)
            resting.remove(number)
        if boundary.started:
            assert not judge.promoted(resting), "a paused trial goes before a new one"
        for r in boundary.records:
            assert r.lane.trial not in resting
            figure = r.metrics[metric]
            best[r.lane.trial] = choose(best.get(r.lane.trial, figure), figure)
        arrivals = [(r.lane.trial, r.epoch, best[r.lane.trial]) for r in boundary.records]
        assert set(boundary.paused) == set(judge.judge(arrivals))
        resting |= set(boundary.paused)
        if not boundary.records:
            assert {result.number for result in boundary.ended} == resting
    assert not judge.promoted(resting)


def test_who_rests_to_the_end_was_stopped_at_its_rung(study: Path) -> None:
    view = view_of(study)
    stopped = [trial for trial in view.trials if trial.status is Status.STOPPED]
    assert {t.reason for t in stopped} == {f"not among the best at the rung of epoch {e}" for e in (1, 3)}
    assert all(t.reason.endswith(f" {t.epochs}") for t in stopped)
    assert sum(view.summary()["trials"].values()) == len(view.trials) == 40
    assert view.meta["finished"] == "all trials done"
    ranked = [t.score for t in view.ranked() if t.score is not None]
    assert ranked == sorted(ranked, reverse=view.maximize)


def test_without_pauses_nobody_comes_back(data: Path, tmp_path: Path) -> None:
    study = tune(data, tmp_path / "study", **{**SETTINGS, "pause": False}).path
    assert not thawed(study)
    assert not any(boundary.paused for boundary in boundaries(study))
    assert all(boundary.records for boundary in boundaries(study)), "nothing is left to be closed"


def test_only_the_best_rest_where_room_is_short(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "Resting", partial(Resting, most=3))
    study = tune(data, tmp_path / "study", **SETTINGS).path
    view, resting = view_of(study), set()
    for boundary in boundaries(study):
        resting = resting - set(boundary.thawed) | set(boundary.paused)
        resting -= {result.number for result in boundary.ended}
        assert len(resting) <= 3
    gone = [b for b in boundaries(study) if b.records and any(t.status is Status.STOPPED for t in b.ended)]
    assert gone
    assert thawed(study)
    assert all(trial.status.is_over for trial in view.trials)


@pytest.mark.parametrize(
    ("saved", "more"),
    [("once", {}), ("often", {"cv": 2, "lanes": 8}), ("often", {"seeds": 2, "lane_epochs": 150})],
    ids=str,
)
def test_an_interrupted_study_goes_on_with_the_same_bits(
    saved: str, more: dict, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some trials rest while it is interrupted; their status says so, and they are thawed afterwards."""
    settings = {**SETTINGS, "trials": 24, **more}
    whole = lasting(tune(data, tmp_path / "whole", **settings).path)
    train = loop.Study.train

    def broken_off(self: loop.Study) -> loop.Ending:
        self._interrupted = lambda: len(self._kept.resting) >= 4
        return train(self)

    monkeypatch.setattr(loop.Study, "train", broken_off)
    monkeypatch.setattr(saving, "SHARE", {"often": 1e9, "once": 1e-9}[saved])
    part = tune(data, tmp_path / "part", **settings)
    monkeypatch.undo()
    newest = snapshot.newest(part.path / "snapshots", last=1000)
    assert newest is not None
    assert newest.plan["paused"]
    assert (newest.boundary > 1) is (saved == "often")
    resting = [t for t in part.view().trials if t.status is Status.RUNNING and t.reason.startswith("paused")]
    assert len(resting) >= 4
    cotune.resume(part.path)
    assert set(thawed(part.path)) & {trial.number for trial in resting}
    assert lasting(part.path) == whole


FIRST = "DROP TABLE rests; DROP TABLE parents; UPDATE meta SET value = '1' WHERE key = 'format';"


@pytest.mark.parametrize("mode", ["rw", "ro&immutable=1"])
def test_a_store_of_the_first_format_opens(
    mode: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = tune(data, tmp_path / "study", **{**SETTINGS, "trials": 6, "pause": False}).path
    before = lasting(study)

    def tables() -> set[str]:
        with closing(sqlite3.connect(study / "study.sqlite")) as connection:
            return {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}

    with closing(sqlite3.connect(study / "study.sqlite")) as connection:
        connection.executescript(FIRST)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    monkeypatch.setattr(store, "open_mode", lambda _: mode)
    assert "rests" not in tables()
    assert lasting(study) == before
    assert ({"rests", "parents"} <= tables()) is (mode == "rw")
    assert lasting(study) == before
