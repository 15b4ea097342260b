"""Population based training: children go on from their parents' networks with other settings."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import cotune
from cotune.engine.lanes import Lane
from cotune.records import Store
from cotune.search.rungs.truncation import replaced
from cotune.study import loop, saving
from cotune.study.slots import family
from cotune.types import Status
from study.tiny import command, csv, lasting, tune, view_of

BREEDS = ("pbt", "pb2")
SETTINGS = {
    "trials": 20, "epochs": 12, "first_rung": 2, "patience": 0, "metric": "log_loss", "lanes": 10, "seed": 2,
    "lr": {"low": 1e-4, "high": 1.0, "log": True}, "dropout": {"low": 0.0, "high": 0.5}, "activation": ["relu", "tanh"],
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return csv(tmp_path_factory.mktemp("breeding"), rows=300)


@pytest.fixture(scope="module")
def studies(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("bred")
    return {name: tune(data, folder / name, **SETTINGS, search=name).path for name in BREEDS}


@pytest.mark.parametrize("name", BREEDS)
def test_children_replace_the_worst_and_descend_from_the_best(name: str, studies: dict[str, Path]) -> None:
    view = view_of(studies[name])
    assert len(view.parents) == 10, "five rounds in which two of ten are replaced"
    figures = {t.number: {epoch: figure for epoch, _, figure in t.curve} for t in view.trials}
    for epoch in (2, 4, 6, 8, 10):
        there = sorted((f[epoch], number) for number, f in figures.items() if epoch in f)
        assert len(there) == 10
        count = replaced(len(there))
        best, worst = ({n for _, n in part} for part in (there[:count], there[-count:]))
        gone = {t.number for t in view.trials if t.status is Status.STOPPED and t.epochs == epoch}
        assert gone == worst
        born = [parent.trial for parent in view.parents.values() if parent.epoch == epoch]
        assert len(born) == count
        assert set(born) <= best
    assert {t.epochs for t in view.trials if t.status is Status.COMPLETE} == {12}


@pytest.mark.parametrize("name", BREEDS)
def test_children_differ_in_what_is_fusable_alone(name: str, studies: dict[str, Path]) -> None:
    view = view_of(studies[name])
    for number, parent in view.parents.items():
        child, params = view.trials[number].params, view.trials[parent.trial].params
        assert child["activation"] == params["activation"]
        assert child["lr"] != params["lr"]
        assert 1e-4 <= child["lr"] <= 1.0
    assert {trial.params["activation"] for trial in view.trials} == {"relu", "tanh"}


@pytest.mark.parametrize("name", BREEDS)
def test_epochs_and_steps_count_on_from_the_parents(name: str, studies: dict[str, Path]) -> None:
    view = view_of(studies[name])
    for number, parent in view.parents.items():
        own, theirs = view.records[number], view.records[parent.trial]
        assert own[0].epoch == parent.epoch + 1
        at = next(r for r in theirs if r.epoch == parent.epoch)
        assert own[0].step - at.step == at.step // at.epoch
        assert view.trials[number].score == min(figure for _, _, figure in view.trials[number].curve)


def test_a_child_with_its_parents_settings_and_seed_is_its_parent(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing to explore, and chance as the parent had it, every child repeats what its parent does."""
    from cotune.search.breeding import pbt
    from cotune.study.lanes import LaneFactory

    monkeypatch.setattr(pbt, "TRIES", 0)
    make = LaneFactory.lane

    def same_seed(self: LaneFactory, name, params) -> Lane:
        from dataclasses import replace

        return replace(make(self, name, params), seed=7)

    monkeypatch.setattr(LaneFactory, "lane", same_seed)
    view = tune(data, tmp_path / "study", **{**SETTINGS, "trials": 16}, search="pbt").view()
    compared = 0
    for number, parent in view.parents.items():
        theirs = {r.epoch: (r.train_loss, dict(r.metrics)) for r in view.records[parent.trial]}
        for r in view.records[number]:
            if r.epoch in theirs:
                assert (r.train_loss, dict(r.metrics)) == theirs[r.epoch]
                compared += 1
    assert compared > 10


@pytest.mark.parametrize(
    ("name", "more"), [("pbt", {"cv": 2, "lanes": 12}), ("pb2", {"lane_epochs": 90})], ids=str
)
def test_an_interrupted_study_goes_on_with_the_same_bits(
    name: str, more: dict, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {**SETTINGS, "search": name, **more}
    whole = lasting(tune(data, tmp_path / "whole", **settings).path)
    train = loop.Study.train

    def broken_off(self: loop.Study) -> loop.Ending:
        self._interrupted = lambda: self._boundary >= 7
        return train(self)

    monkeypatch.setattr(loop.Study, "train", broken_off)
    monkeypatch.setattr(saving, "SHARE", 1e9 if name == "pbt" else 1e-9)
    part = tune(data, tmp_path / "part", **settings)
    monkeypatch.undo()
    assert part.view().parents
    assert not part.view().meta.get("finished")
    cotune.resume(part.path)
    assert lasting(part.path) == whole


def test_parents_are_stored(studies: dict[str, Path]) -> None:
    with Store.open(studies["pbt"] / "study.sqlite") as store:
        started = [t for b in store.boundaries(1, store.last_boundary()) for t in b.started]
    assert {t.number: t.parent for t in started if t.parent} == view_of(studies["pbt"]).parents


def test_explain_tells_the_lineage(studies: dict[str, Path]) -> None:
    view = view_of(studies["pbt"])
    number = max(n for n, parent in view.parents.items() if parent.trial in view.parents)
    facts = json.loads(command("explain", studies["pbt"], number, "--json").out)
    line = facts["lineage"]
    assert line[-1]["trial"] == number
    assert [step["from_epoch"] for step in line[1:]] == [step["to_epoch"] for step in line[:-1]]
    assert line[0]["from_epoch"] == 0
    for step in line:
        assert step["params"]["lr"] == view.trials[step["trial"]].params["lr"]
    said = command("explain", studies["pbt"], number).out
    assert f"trial {line[0]['trial']}, epochs 1–{line[0]['to_epoch']}" in said
    assert "lineage" not in command("explain", studies["pbt"], 0).out


def test_a_study_begins_with_as_many_as_will_be_used(data: Path, tmp_path: Path) -> None:
    settings = {k: v for k, v in SETTINGS.items() if k != "lanes"}
    view = tune(data, tmp_path / "study", **{**settings, "trials": 24}, search="pbt").view()
    assert view.meta["resolved"]["search"]["lanes"] == family(24, 5)
    assert len(view.boundaries) == 12, "all end together, and nobody begins late"
    assert len(view.trials) == 24


@pytest.mark.parametrize("trials", [1, 2, 5, 8, 20, 100, 1000])
@pytest.mark.parametrize("rounds", [0, 1, 9, 40])
def test_families_use_up_the_trials(trials: int, rounds: int) -> None:
    size = family(trials, rounds)
    assert 1 <= size <= trials
    assert size + rounds * replaced(size) >= trials
    assert size == min(trials, 8) or size - 1 + rounds * replaced(size - 1) < trials


def test_pbt_beats_random_search_where_the_best_rate_changes_with_time(tmp_path: Path) -> None:
    """Features far from independent, noisy targets, plain SGD at a constant rate, as many lane-epochs for both.

    Large steps find the way along the flat directions, and only small ones come to rest.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 8))
    features = x @ (np.linalg.qr(rng.normal(size=(8, 8)))[0] * np.geomspace(1.0, 0.2, 8))
    y = 30.0 * (x @ rng.normal(size=8)) + 3.0 * rng.normal(size=300)
    frame = pl.DataFrame({**{f"x{i}": features[:, i] for i in range(8)}, "y": y})
    settings = {
        "epochs": 24, "first_rung": 2, "patience": 0, "lanes": 10, "trials": None, "lane_epochs": 240,
        "optimizer": "sgd", "momentum": 0.0, "schedule": "constant", "batch_size": 8, "metric": "rmse",
        "lr": {"low": 1e-4, "high": 0.3, "log": True}, "weight_decay": 0.0, "dropout": 0.0, "label_smoothing": 0.0,
    }  # fmt: skip
    for seed in range(2):
        best = {}
        for name, rungs in (("pbt", "auto"), ("random", "none")):
            out = tmp_path / f"{name}{seed}"
            view = tune(frame, out, **settings, search=name, rungs=rungs, seed=seed).view()
            assert sum(len(records) for records in view.records.values()) == 240
            best[name] = view.ranked()[0].score
        assert best["pbt"] < 0.8 * best["random"], best  # measured: about half
