"""Studies that spend little on weak trials: brackets, extrapolated curves, folds, rows."""

import json
from pathlib import Path
from typing import Any

import pytest

import cotune
from cotune.api import TunedStudy, build_recipe
from cotune.records import StudyView
from cotune.study import Directory
from cotune.study.session import Sitting, begin, prepare_again, resume
from cotune.types import LaneId, Status
from study.tiny import FAST, command, csv, lasting, tune


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """t.csv: two classes, 160 rows."""
    return csv(tmp_path_factory.mktemp("fidelity"), "binary", rows=160, name="t.csv")


RATES = {"lr": {"low": 1e-5, "high": 0.1, "log": True}, "metric": "log_loss", "patience": 0}


def test_explain_says_what_a_stopped_trial_would_have_come_to(data: Path, tmp_path: Path) -> None:
    settings = {**RATES, "trials": 24, "epochs": 20, "rungs": "extrapolate", "search": "random", "lanes": 8}
    study = tune(data, tmp_path / "study", **settings)
    trials = study.view().trials
    stopped = [t for t in trials if t.status is Status.STOPPED]
    assert stopped
    assert all(6 <= t.epochs < 20 for t in stopped)
    best = study.show()["best"]["score"]
    for trial in stopped[:3]:
        said = json.loads(command("explain", study.path, trial.number, "--json").out)["forecast"]
        assert said["low"] <= said["expected"] <= said["high"] <= trial.score + 1e-12
        assert said["expected"] > best, (
            "a smaller loss is better, and this one would not have become the best"
        )
    assert "it would have come to about" in command("explain", study.path, stopped[0].number).out
    whole = next(t.number for t in trials if t.status is Status.COMPLETE)
    assert json.loads(command("explain", study.path, whole, "--json").out)["forecast"] is None


@pytest.mark.parametrize("search", ["asha", "hyperband", "bohb"])
def test_strategies_with_rungs_of_their_own(search: str, data: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        **RATES,
        "trials": 40,
        "epochs": 9,
        "first_rung": 1,
        "search": search,
        "lanes": 8,
    }
    study = tune(data, tmp_path / "study", **settings)
    view = study.view()
    assert view.meta["resolved"]["search"]["rungs"] == ("asha" if search == "asha" else "hyperband")
    ends = {t.number: t.epochs for t in view.trials if t.status is Status.STOPPED}
    assert set(ends.values()) == {1, 3}
    again = tune(data, tmp_path / "again", **settings)
    assert lasting(again.path) == lasting(study.path)


def interrupted(data: Path, out: Path, settings: dict[str, Any], *, after: int) -> None:
    """The study, broken off after so many questions whether to stop, and resumed; again and again to its end."""
    asked: list[bool] = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > after

    recipe = build_recipe(target="y", **{**FAST, **settings})
    watched = Sitting(show=lambda _: None, say=lambda _: None, interrupted=stop)
    begin(str(data), recipe, Directory(out), watched, version=cotune.__version__)
    for _ in range(3):
        asked.clear()
        resume(Directory(out), watched)
    cotune.resume(out)


STAGED = {**RATES, "trials": 20, "epochs": 4, "lanes": 8, "search": "random", "ensemble": "none"}
BY_FOLDS = {**STAGED, "rung_by": "folds", "cv": 5}
BY_ROWS = {**STAGED, "rung_by": "rows", "reduction": 2, "folds": 2, "method": "kfold"}


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """t.csv: two classes, 700 rows."""
    return csv(tmp_path_factory.mktemp("larger"), "binary", rows=700, name="t.csv")


@pytest.fixture(scope="module")
def by_folds(data: Path, tmp_path_factory: pytest.TempPathFactory) -> TunedStudy:
    return tune(data, tmp_path_factory.mktemp("folds") / "study", **BY_FOLDS)


@pytest.fixture(scope="module")
def by_rows(larger: Path, tmp_path_factory: pytest.TempPathFactory) -> TunedStudy:
    return tune(larger, tmp_path_factory.mktemp("rows") / "study", **BY_ROWS)


def lanes_of(view: StudyView) -> dict[int, set[int]]:
    return {number: {record.lane.index for record in records} for number, records in view.records.items()}


def test_unpromising_trials_never_train_their_other_folds(by_folds: TunedStudy) -> None:
    view = by_folds.view()
    lanes = lanes_of(view)
    assert {frozenset(found) for found in lanes.values()} == {
        frozenset({0}),
        frozenset({0, 1, 2}),
        frozenset(range(5)),
    }
    for trial in view.trials:
        records = view.records[trial.number]
        whole = lanes[trial.number] == set(range(5))
        assert trial.status is (Status.COMPLETE if whole else Status.STOPPED)
        assert trial.share == len(lanes[trial.number]) / 5
        best = [min(r.metrics["log_loss"] for r in records if r.lane.index == i) for i in lanes[trial.number]]
        assert trial.score == pytest.approx(sum(best) / len(best), abs=1e-12), "the mean of the folds done"
        assert len(records) == 4 * len(lanes[trial.number]), "the early ones keep their results"
    reasons = {t.reason for t in view.trials if t.status is Status.STOPPED}
    assert reasons == {"not among the best after 1 of 5 folds", "not among the best after 3 of 5 folds"}


def test_at_each_number_of_folds_the_best_third_goes_on(by_folds: TunedStudy) -> None:
    view = by_folds.view()
    first = {
        number: min(r.metrics["log_loss"] for r in records if r.lane.index == 0)
        for number, records in view.records.items()
    }
    on = [number for number, lanes in lanes_of(view).items() if len(lanes) > 1]
    assert min(first, key=first.__getitem__) in on
    assert len(on) < len(first) / 2
    assert sum(first[n] for n in on) / len(on) < sum(first.values()) / len(first)


def test_a_trial_of_some_folds_is_never_ranked_before_one_of_all(by_folds: TunedStudy) -> None:
    ranked = by_folds.view().ranked()
    assert [t.share for t in ranked] == sorted((t.share for t in ranked), reverse=True)
    for share in {t.share for t in ranked}:
        scores = [t.score for t in ranked if t.share == share]
        assert scores == sorted(scores)
    winner = by_folds.show()["best"]
    assert winner["trial"] == ranked[0].number
    assert len(by_folds.best.networks) == 5


def test_rows_double_from_stage_to_stage_and_validation_rows_are_all(by_rows: TunedStudy) -> None:
    view = by_rows.view()
    assert view.meta["levels"] == 2
    assert {frozenset(found) for found in lanes_of(view).values()} == {
        frozenset({4, 5}),
        frozenset({2, 3, 4, 5}),
        frozenset(range(6)),
    }
    prepared = prepare_again(view.meta, Directory(by_rows.path), None)
    lanes = [prepared.factory.lane(LaneId(3, index), dict(view.trials[3].params)) for index in range(6)]
    assert [len(lane.train) for lane in lanes] == [280, 280, 140, 140, 70, 70]
    for fold in (0, 1):
        all_rows, half, quarter = (set(lanes[place + fold].train.tolist()) for place in (0, 2, 4))
        assert quarter < half < all_rows
        assert len({tuple(lanes[place + fold].validation.tolist()) for place in (0, 2, 4)}) == 1
    for trial in view.trials:
        last = min(lanes_of(view)[trial.number]) // 2 * 2
        best = [
            min(r.metrics["log_loss"] for r in view.records[trial.number] if r.lane.index == index)
            for index in (last, last + 1)
        ]
        assert trial.score == pytest.approx(sum(best) / 2, abs=1e-12), "that of its largest share"
        assert trial.epochs == 4 * len(lanes_of(view)[trial.number]) // 2


@pytest.mark.parametrize("by", ["folds", "rows"])
def test_stages_are_resumed_with_the_same_bits(
    by: str, data: Path, larger: Path, by_folds: TunedStudy, by_rows: TunedStudy, tmp_path: Path
) -> None:
    source, settings, whole = (data, BY_FOLDS, by_folds) if by == "folds" else (larger, BY_ROWS, by_rows)
    interrupted(source, tmp_path / "study", settings, after=60)
    assert lasting(tmp_path / "study") == lasting(whole.path)


def test_a_limit_leaves_what_is_finished(data: Path, tmp_path: Path) -> None:
    """Trials are cut in the middle of a stage; the folds before it count."""
    study = tune(data, tmp_path / "study", **{**BY_FOLDS, "trials": None, "lane_epochs": 83})
    view = study.view()
    assert sum(map(len, view.records.values())) <= 83
    cut = [t for t in view.trials if t.reason == "epoch limit"]
    assert cut
    for trial in view.trials:
        done = {
            i
            for i in lanes_of(view)[trial.number]
            if sum(r.lane.index == i for r in view.records[trial.number]) == 4
        }
        if done:
            best = [
                min(r.metrics["log_loss"] for r in view.records[trial.number] if r.lane.index == i)
                for i in done
            ]
            assert trial.score == pytest.approx(sum(best) / len(best), abs=1e-12)
            assert trial.share == len(done) / 5
    best = view.ranked()[0]
    assert study.show()["best"]["trial"] == best.number
    assert len(study.best.networks) == round(best.share * 5)
