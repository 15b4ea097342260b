"""How many lanes train at once, and how much of their slots is used."""

import pytest

from cotune.recipe import Recipe, make
from cotune.study import budget, slots
from cotune.study.budget import LEAST_LANES, Pace, Speed
from cotune.study.slots import BUSY, EMPTY, LANES_PER_CORE, Lengths, kept_busy, worth_having
from study.tiny import csv, tune


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "cores", lambda: 2)


def recipe(**settings: object) -> Recipe:
    return make(**{"epochs": 100, "trials": 500, "rungs": "asha", **settings})


@pytest.mark.parametrize(
    ("settings", "longest", "mean"),
    [
        ({}, 60, 3 + 6 / 3 + 18 / 9 + 33 / 27),  # rungs at 3, 9, 27; 81 lies beyond thrice the patience
        ({"patience": 0}, 100, 3 + 6 / 3 + 18 / 9 + 54 / 27 + 19 / 81),
        ({"epochs": 20}, 20, 3 + 6 / 3 + 11 / 9),
        ({"rungs": False}, 60, 60),
        ({"first_rung": 1, "reduction": 2, "epochs": 4}, 4, 1 + 1 / 2 + 2 / 4),
    ],
    ids=str,
)
def test_lengths(settings: dict, longest: float, mean: float) -> None:
    found = Lengths.of(recipe(**settings))
    assert (found.longest, found.mean) == (longest, pytest.approx(mean))


@pytest.mark.parametrize("settings", [{}, {"trials": 5000}, {"trials": None, "lane_epochs": 9000}], ids=str)
def test_so_many_slots_are_busy_enough_and_more_would_not_be(settings: dict) -> None:
    asked = recipe(**settings)
    lengths, count = Lengths.of(asked), kept_busy(asked, lanes_per_trial=1)
    work = asked.search.lane_epochs or asked.search.trials * lengths.mean
    assert work / (work + EMPTY * lengths.longest * count) == pytest.approx(BUSY)


def test_the_nearer_limit_counts_and_without_one_nobody_knows() -> None:
    both = kept_busy(recipe(lane_epochs=100), lanes_per_trial=1)
    assert both == kept_busy(recipe(trials=None, lane_epochs=100), lanes_per_trial=1)
    assert kept_busy(recipe(trials=None, time_limit=9), lanes_per_trial=1) == float("inf")


@pytest.mark.parametrize("lanes_per_trial", [1, 3, 5, 24, 100])
@pytest.mark.parametrize("most", [4, 64, 200])
@pytest.mark.parametrize("settings", [{"trials": 1}, {}, {"trials": 10**6}], ids=str)
def test_slots_are_whole_trials_within_bounds(settings: dict, most: int, lanes_per_trial: int) -> None:
    found = worth_having(recipe(**settings), most=most, lanes_per_trial=lanes_per_trial, lane_seconds=None)
    assert found % lanes_per_trial == 0
    assert found == lanes_per_trial or found <= most
    if most >= LANES_PER_CORE * 2 + lanes_per_trial:
        assert found > LANES_PER_CORE * 2 - lanes_per_trial


def test_under_a_time_limit_long_epochs_need_fewer_slots() -> None:
    asked = recipe(trials=None, time_limit=60)
    found = [worth_having(asked, most=64, lanes_per_trial=1, lane_seconds=s) for s in (1e-4, 4e-3, 1.0)]
    assert found == [64, 30, 8]


@pytest.mark.parametrize(("share", "new"), [(0.1, 60), (0.5, 12), (1.0, 6)])
def test_near_the_end_a_new_trial_is_reckoned_at_what_it_takes_on_average(
    share: float, new: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "cores", lambda: 2)
    pace = Pace(Speed(1.0), share=share)
    assert pace.new_lanes(epochs=10, training=4, seconds_left=50.1) == new, "10 lanes have time for 10 epochs"
    assert pace.new_lanes(epochs=10, training=10, seconds_left=50.0) == 0
    assert pace.new_lanes(epochs=10, training=0, seconds_left=0.1) == LEAST_LANES, (
        "better than an idle machine"
    )


STUDIES = [
    pytest.param({"trials": 500}, marks=pytest.mark.slow),
    {"trials": 500, "search": "random"},
    pytest.param({"trials": 100, "cv": 5}, marks=pytest.mark.slow),
]


@pytest.mark.parametrize("settings", STUDIES, ids=str)
def test_a_study_uses_its_capacity(settings: dict, tmp_path) -> None:
    """With rungs, patience and folds, its tail included: all its slots over all its epochs."""
    more = {"epochs": 100, "width": [8, 16], "metric": "log_loss", **settings}
    study = tune(csv(tmp_path, rows=80), tmp_path / "study", **more)
    assert study.show()["capacity_used"] >= 0.9


def test_too_many_slots_stay_empty(tmp_path) -> None:
    """What the figure above is worth: slots that the trials cannot fill are counted as unused."""
    more = {"epochs": 100, "width": [8, 16], "metric": "log_loss", "trials": 100, "lanes": 64}
    study = tune(csv(tmp_path, rows=80), tmp_path / "study", **more)
    assert study.show()["capacity_used"] < 0.6
