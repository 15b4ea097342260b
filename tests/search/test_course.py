"""Trials in full: which they are, and that no rung stops them."""

import pytest

from cotune.recipe import make
from cotune.search import Rungs, exempting, make_judge
from cotune.search.course import SEED, SHARE, UNKNOWN, Course
from cotune.search.rungs.exempt import Exempting
from cotune.search.rungs.table import RUNGS
from cotune.search.structure import Groups
from cotune.study.slots import course_of, judge_of

COURSE = Course(Groups(1), at_once=64, epochs=52, mean=8.8)


def test_trainings_in_full_take_their_share_of_the_slots() -> None:
    begin = round(64 * 52 / 8.8)
    later = [COURSE.is_full(n) for n in range(begin, begin + 1000)]
    spent = 52 * sum(later), 8.8 * (1000 - sum(later))
    assert spent[0] / sum(spent) == pytest.approx(SHARE, abs=0.05)
    assert sum(COURSE.is_full(n) for n in range(SEED * 20)) == 20  # few before


def test_nobody_is_in_full_where_nothing_is_known_or_no_rung_stops_anybody() -> None:
    assert not any(UNKNOWN.is_full(n) for n in range(1000))
    assert not any(Course(Groups(1), at_once=64, epochs=8, mean=8).is_full(n) for n in range(1000))


def test_a_rung_compares_those_in_full_and_lets_them_go_on() -> None:
    plain = Rungs(epochs=50, first=3, reduction=3, maximize=True)
    judge = exempting(Rungs(epochs=50, first=3, reduction=3, maximize=True), lambda number: number % 2 == 0)
    arrivals = [(n, 3, float(n)) for n in range(12)]
    stopped = plain.judge(arrivals)
    assert stopped == frozenset(range(8))
    assert judge.judge(arrivals) == {1, 3, 5, 7}
    assert judge.brackets == plain.brackets
    assert judge.reason(9) == plain.reason(9)


@pytest.mark.parametrize(("strategy", "is_exempt"), [("auto", True), ("tpe", False), ("random", False)])
def test_only_strategies_that_say_so_train_in_full(strategy: str, is_exempt: bool) -> None:
    recipe = make(strategy=strategy, rungs="asha", lanes=8, epochs=30, structure_group=4)
    course = course_of(recipe, lanes_per_trial=2)
    assert (course.at_once == 4) == is_exempt
    assert course.groups == Groups(4)
    assert isinstance(judge_of(recipe, course, maximize=True), Exempting) == is_exempt


@pytest.mark.parametrize("name", [name for name, make in RUNGS.items() if make is not None])
def test_who_exempts_some_gives_the_others_reasons(name: str) -> None:
    judge = make_judge(name, epochs=50, first=3, reduction=3, maximize=True)
    assert judge is not None
    said = exempting(judge, lambda _: False).reason(9)
    assert said == judge.reason(9)
    assert "epoch 9" in said
    assert ("curve" in said) == (name == "extrapolate")
