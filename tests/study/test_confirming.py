"""The best trials once more, with fresh seeds: they choose the winner, and say what to expect of it."""

import json
import statistics
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import cotune
from cotune.api import TunedStudy, build_recipe
from cotune.errors import RecipeError
from cotune.recipe import make
from cotune.recipe.stages import FRESH, Stages
from cotune.records import Store
from cotune.study import Directory
from cotune.study.budget import Speed
from cotune.study.confirming import BEST, Reserve, _expected, check, seeds_for
from cotune.study.session import Sitting, begin, resume
from cotune.types import Record
from study.tiny import FAST, command, csv, lasting, tune

ASKED: dict[str, Any] = {
    "lr": {"low": 1e-4, "high": 0.1, "log": True}, "metric": "log_loss", "patience": 0, "trials": 12, "epochs": 4,
    "first_rung": 1, "lanes": 8, "search": "random", "confirm": 2, "cv": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """t.csv: two classes, 160 rows."""
    return csv(tmp_path_factory.mktemp("confirming"), "binary", rows=160, name="t.csv")


@pytest.fixture(scope="module")
def study(data: Path, tmp_path_factory: pytest.TempPathFactory) -> TunedStudy:
    return tune(data, tmp_path_factory.mktemp("study") / "study", **ASKED)


def fresh(study: Path) -> list[Record]:
    """The records of reruns."""
    with Store.open(study / "study.sqlite") as store:
        records = [r for b in store.boundaries(1, store.last_boundary()) for r in b.records]
    return [record for record in records if record.lane.index >= FRESH * 2]


def test_the_best_are_trained_again_in_full_and_their_means_choose(study: TunedStudy) -> None:
    view, records = study.view(), fresh(study.path)
    facts = view.meta["confirmed"]
    by_score = sorted((t for t in view.trials if t.score is not None), key=lambda t: (t.score, t.number))[
        :BEST
    ]
    assert {int(number) for number in facts["trials"]} == {t.number for t in by_score}
    assert {(r.lane.trial, r.lane.index) for r in records} == {
        (t.number, (FRESH + seed) * 2 + fold) for t in by_score for seed in range(2) for fold in range(2)
    }
    assert len(records) == BEST * 2 * 2 * 4, "every rerun takes all epochs"
    for number, found in facts["trials"].items():
        best = {
            index: min(
                r.metrics["log_loss"] for r in records if (r.lane.trial, r.lane.index) == (int(number), index)
            )
            for index in {r.lane.index for r in records}
        }
        of_seeds = [(best[2 * (FRESH + seed)] + best[2 * (FRESH + seed) + 1]) / 2 for seed in range(2)]
        assert found["scores"] == pytest.approx(of_seeds)
        assert found["mean"] == pytest.approx(statistics.fmean(of_seeds))
        assert found["sd"] == pytest.approx(statistics.stdev(of_seeds))
        own = next(t for t in view.trials if t.number == int(number))
        assert own.score not in of_seeds, "seeds are fresh"
    means = {int(number): found["mean"] for number, found in facts["trials"].items()}
    assert [t.number for t in view.ranked()[:BEST]] == sorted(means, key=means.__getitem__)
    assert len(view.trials) == 12, "reruns are no trials"
    assert (facts["finished"], view.meta["finished"]) == (True, "all trials done")


def test_what_is_handed_over_is_the_winner_as_the_search_trained_it(study: TunedStudy) -> None:
    winner = study.view().ranked()[0]
    result = study.view().meta["result"]
    assert (result["trial"], result["score"]) == (winner.number, winner.score)
    best = study.show()["best"]
    assert (best["trial"], best["score"]) == (winner.number, winner.score)
    assert best["test_score"] is not None
    assert best["confirmed"] == study.view().meta["confirmed"]["trials"][str(winner.number)]


def test_mean_and_deviation_are_told_wherever_trials_are_listed(study: TunedStudy) -> None:
    rows = json.loads(command("leaderboard", study.path, "--json").out)
    assert [bool(row["confirmed"]) for row in rows] == [True] * BEST + [False] * (len(rows) - BEST)
    sheet = pl.read_csv(study.path / "leaderboard.csv")
    assert sheet["confirmed_mean"].to_list()[:BEST] == pytest.approx(
        [row["confirmed"]["mean"] for row in rows[:BEST]]
    )
    assert sheet["confirmed_sd"].null_count() == len(rows) - BEST
    assert "mean ± sd of fresh seeds" in command("leaderboard", study.path).out
    shown = command("show", study.path).out
    assert f"expect    validation {rows[0]['confirmed']['expected']:.5g}" in shown
    assert "with 2 fresh seeds" in shown
    assert "mean ± sd of fresh seeds" in (study.path / "report.html").read_text()
    lanes = json.loads(command("explain", study.path, rows[0]["trial"], "--json").out)["lanes"]
    assert lanes == 2


def test_the_search_is_the_same_with_and_without(study: TunedStudy, data: Path, tmp_path: Path) -> None:
    plain = tune(data, tmp_path / "plain", **{**ASKED, "confirm": 0})
    assert "confirmed" not in plain.view().meta
    assert lasting(plain.path)["trials"] == lasting(study.path)["trials"]


@pytest.mark.parametrize("after", [15, 45, 120, 160])
def test_it_is_resumed_with_the_same_bits(after: int, study: TunedStudy, data: Path, tmp_path: Path) -> None:
    asked: list[bool] = []

    def stop() -> bool:
        asked.append(True)
        return len(asked) > after

    recipe = build_recipe(target="y", **{**FAST, **ASKED})
    watched = Sitting(show=lambda _: None, say=lambda _: None, interrupted=stop)
    begin(str(data), recipe, Directory(tmp_path / "study"), watched, version=cotune.__version__)
    for _ in range(2):
        asked.clear()
        resume(Directory(tmp_path / "study"), watched)
    cotune.resume(tmp_path / "study")
    assert lasting(tmp_path / "study") == lasting(study.path)
    again = [(r.lane, r.epoch, r.train_loss, dict(r.metrics)) for r in fresh(tmp_path / "study")]
    assert again == [(r.lane, r.epoch, r.train_loss, dict(r.metrics)) for r in fresh(study.path)]
    with (
        Store.open(tmp_path / "study" / "study.sqlite") as one,
        Store.open(study.path / "study.sqlite") as other,
    ):
        assert one.meta()["confirmed"] == other.meta()["confirmed"]


def test_a_limit_of_epochs_holds_reruns_too(data: Path, tmp_path: Path) -> None:
    settings = {**ASKED, "trials": None, "lane_epochs": 200}
    study = tune(data, tmp_path / "study", **settings)
    view = study.view()
    assert view.meta["confirmed"]["finished"]
    again = len(fresh(study.path))
    assert again == BEST * 2 * 2 * 4
    assert 200 - 8 < sum(map(len, view.records.values())) + again <= 200


def test_cut_by_the_time_they_decide_nothing(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Reserve, "of", classmethod(lambda cls, *_: cls(0.0, 0)))
    settings = {**ASKED, "trials": None, "lane_epochs": 170, "rungs": False}
    view = tune(data, tmp_path / "study", **settings).view()
    assert view.meta["confirmed"]["finished"] is False
    scores = [t.score for t in view.ranked() if t.score is not None]
    assert scores == sorted(scores)


def settled(**settings: Any) -> int:
    recipe = make(**{"epochs": 50, "rungs": "asha", "patience": 0, **settings})
    return seeds_for(recipe, Stages("epochs", folds=1, seeds=1), Speed(0.01), generates=False)


@pytest.mark.parametrize(
    ("settings", "seeds"),
    [
        ({"trials": 100}, 0),
        ({"trials": 4000}, 3),
        ({"trials": 4000, "confirm": 0}, 0),
        ({"trials": 10, "confirm": 7}, 7),
        ({"lane_epochs": 10_000}, 0),
        ({"lane_epochs": 20_000}, 3),
        ({"lane_epochs": 20_000, "trials": 100}, 0),
        ({"time_limit": 10}, 0),
        ({"time_limit": 3600}, 3),
    ],
    ids=str,
)
def test_by_default_there_are_reruns_where_they_cost_little(settings: dict[str, Any], seeds: int) -> None:
    assert settled(**settings) == seeds


def test_reruns_that_would_take_most_of_the_epochs_are_refused() -> None:
    recipe, stages = make(epochs=50, lane_epochs=1500, confirm=4), Stages("epochs", folds=1, seeds=1)
    with pytest.raises(RecipeError, match=r"confirm 4 .* = 1000 lane-epochs, more than half of .* 1500"):
        check(recipe, stages)
    check(make(epochs=50, lane_epochs=2000, confirm=4), stages)
    with pytest.raises(RecipeError, match="change theirs as they go"):
        check(make(epochs=50, rungs="pbt", confirm=1), stages)


def test_what_to_expect_is_drawn_to_the_mean_by_as_much_as_luck_explains() -> None:
    def found(means: list[float], sd: float | None) -> list[dict[str, Any]]:
        return [{"mean": mean, "sd": sd, "scores": [mean] * 4} for mean in means]

    assert _expected(found([0.1, 0.2, 0.3], 0.0)) == pytest.approx([0.1, 0.2, 0.3])
    assert _expected(found([0.1, 0.2, 0.3], 9.0)) == pytest.approx([0.2, 0.2, 0.2])
    half = _expected(found([0.1, 0.2, 0.3], (0.5 * 0.01 * 4) ** 0.5))
    assert half == pytest.approx([0.15, 0.2, 0.25])
    assert _expected([{"mean": None, "sd": None, "scores": []}]) == [None]
