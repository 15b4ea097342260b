"""Laws of successive halving."""

import math

from hypothesis import given
from hypothesis import strategies as st

from cotune.search import Rungs

scores = st.lists(st.floats(0, 1, allow_nan=False), min_size=1, max_size=60)


def rungs(*, reduction: int = 3, maximize: bool = True, epochs: int = 50, first: int = 3) -> Rungs:
    return Rungs(epochs=epochs, first=first, reduction=reduction, maximize=maximize)


def test_levels() -> None:
    assert rungs().levels == (3, 9, 27)
    assert rungs(epochs=27).levels == (3, 9)
    assert rungs(first=1, reduction=2, epochs=5).levels == (1, 2, 4)
    assert rungs(epochs=3).levels == ()


@given(scores, st.integers(2, 5), st.booleans())
def test_in_lock_step_the_best_go_on_and_they_are_few(
    values: list[float], reduction: int, maximize: bool
) -> None:
    stopped = rungs(reduction=reduction, maximize=maximize).judge([(i, 3, s) for i, s in enumerate(values)])
    on = set(range(len(values))) - stopped
    best = (max if maximize else min)(values)
    assert values.index(best) in on
    assert 1 <= len(on) <= math.ceil(len(values) / reduction)
    worst_on = (min if maximize else max)(values[i] for i in on)
    assert all((values[i] <= worst_on) if maximize else (values[i] >= worst_on) for i in stopped)


@given(scores, st.integers(2, 5), st.randoms(use_true_random=False))
def test_the_order_of_arrivals_does_not_matter(values: list[float], reduction: int, rng) -> None:
    arrivals = [(i, 3, s) for i, s in enumerate(values)]
    mixed = rng.sample(arrivals, len(arrivals))
    assert rungs(reduction=reduction).judge(arrivals) == rungs(reduction=reduction).judge(mixed)


@given(st.lists(scores, min_size=1, max_size=6), st.integers(2, 5))
def test_the_best_ever_seen_is_never_stopped(boundaries: list[list[float]], reduction: int) -> None:
    judge, best, number = rungs(reduction=reduction), -1.0, 0
    for values in boundaries:
        arrivals = [(number + i, 3, s) for i, s in enumerate(values)]
        number += len(values)
        stopped = judge.judge(arrivals)
        for trial, _, score in arrivals:
            if score > best:
                best, winner = score, trial
        assert winner not in stopped


def test_later_arrivals_are_judged_against_all_seen() -> None:
    judge = rungs()
    assert judge.judge([(i, 3, i / 10) for i in range(6)]) == {0, 1, 2, 3}
    assert judge.judge([(6, 3, 0.45)]) == frozenset()  # two of seven go on: 0.5 and 0.45
    assert judge.judge([(7, 3, 0.2)]) == {7}
    assert judge.judge([(5, 9, 0.0)]) == frozenset()  # the first at the next rung


def test_between_rungs_everybody_passes() -> None:
    assert rungs().judge([(0, 2, 0.0), (1, 4, 0.0)]) == frozenset()


def test_of_equals_the_lower_number_goes_on() -> None:
    assert rungs().judge([(2, 3, 0.5), (0, 3, 0.5), (1, 3, 0.5)]) == {1, 2}


def test_nan_is_worst() -> None:
    for maximize in (True, False):
        judge = rungs(maximize=maximize)
        assert judge.judge([(0, 3, math.nan), (1, 3, 0.1), (2, 3, 0.2)]) == ({0, 1} if maximize else {0, 2})


def test_judging_again_changes_nothing() -> None:
    judge = rungs()
    arrivals = [(i, 3, i / 10) for i in range(6)]
    assert judge.judge(arrivals) == judge.judge(arrivals)


@given(st.lists(st.tuples(st.integers(0, 20), st.floats(0, 1)), min_size=1, max_size=60), st.integers(2, 4))
def test_arrivals_one_by_one_are_judged_as_by_sorting_them_all(
    arrivals: list[tuple[int, float]], reduction: int
) -> None:
    judge, seen = rungs(reduction=reduction), {}
    for trial, score in arrivals:  # a trial may come again, with another score
        seen[trial] = score
        best = sorted(seen, key=lambda t: (-seen[t], t))[: max(1, len(seen) // reduction)]
        assert judge.judge([(trial, 3, score)]) == (frozenset() if trial in best else {trial})


def test_who_was_stopped_is_promoted_when_later_ones_are_worse() -> None:
    judge = rungs()
    assert judge.judge([(i, 3, i / 10) for i in range(6)]) == {0, 1, 2, 3}
    assert judge.promoted([0, 1, 2, 3]) == ()
    assert judge.judge([(i, 3, 0.0) for i in range(6, 12)]) == set(range(6, 12))
    assert judge.promoted(range(4)) == (3, 2)  # four of twelve go on: 5, 4, 3 and 2
    assert judge.promoted([2]) == (2,)
    assert judge.judge([(5, 9, 0.9), (3, 9, 0.4)]) == {3}
    assert judge.promoted([2, 3]) == (2,)
    judge.judge([(20 + i, 9, 0.1) for i in range(4)])
    assert judge.promoted([2, 3]) == (3, 2), "the deepest rung comes first"


@given(st.lists(scores, min_size=1, max_size=6), st.integers(2, 4))
def test_promotion_is_the_same_law_as_going_on(boundaries: list[list[float]], reduction: int) -> None:
    """Stopped and promoted together are what a judge says that sees all at once."""
    judge, arrivals, number = rungs(reduction=reduction), [], 0
    on: set[int] = set()
    for values in boundaries:
        new = [(number + i, 3, s) for i, s in enumerate(values)]
        number += len(values)
        arrivals += new
        on |= {trial for trial, _, _ in new} - judge.judge(new)
        waiting = set(range(number)) - on
        promoted = judge.promoted(waiting)
        assert set(promoted) == waiting - rungs(reduction=reduction).judge(arrivals)
