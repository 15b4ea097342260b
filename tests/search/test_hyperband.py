"""Laws of Hyperband's brackets."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotune.recipe import make
from cotune.search import Bracket, make_judge
from cotune.search.rungs.halving import Rungs
from cotune.search.rungs.hyperband import Hyperband
from cotune.study.slots import Lengths

asked_for = st.tuples(st.integers(1, 100), st.integers(1, 5), st.integers(2, 5))


def hyperband(epochs: int = 50, first: int = 3, reduction: int = 3, *, maximize: bool = True) -> Hyperband:
    return Hyperband(epochs=epochs, first=first, reduction=reduction, maximize=maximize)


@given(asked_for)
@settings(max_examples=25, deadline=None)
def test_brackets_begin_a_rung_later_each_and_have_the_sizes_of_the_paper(
    asked: tuple[int, int, int],
) -> None:
    judge = hyperband(*asked)
    whole = Rungs(epochs=asked[0], first=asked[1], reduction=asked[2], maximize=True).levels
    assert [bracket.levels for bracket in judge.brackets] == [
        whole[place:] for place in range(len(whole) + 1)
    ]
    most, reduction = len(whole), asked[2]
    assert list(judge.sizes) == [
        math.ceil((most + 1) / (s + 1) * reduction**s - 1e-9) for s in range(most, -1, -1)
    ]
    assert sum(bracket.share for bracket in judge.brackets) == pytest.approx(1)


@given(asked_for, st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_a_bracket_follows_from_the_number_and_every_round_has_its_shares(
    asked: tuple[int, int, int], since: int
) -> None:
    judge, again = hyperband(*asked), hyperband(*asked, maximize=False)
    total = sum(judge.sizes)
    round_ = [judge.bracket(since + i) for i in range(total)]
    assert round_ == [again.bracket(since + i) for i in range(total)]
    assert [round_.count(place) for place in range(len(judge.sizes))] == list(judge.sizes)


def test_brackets_are_spread_evenly() -> None:
    judge = hyperband()
    total = sum(judge.sizes)
    assert judge.sizes == (27, 12, 6, 4)
    for count in range(1, total + 1):
        had = [judge.bracket(i) for i in range(count)]
        assert all(
            abs(had.count(place) - count * size / total) < 2 for place, size in enumerate(judge.sizes)
        ), count


@pytest.mark.parametrize("maximize", [True, False])
def test_trials_are_judged_among_their_bracket_alone(maximize: bool) -> None:
    judge, sign = hyperband(maximize=maximize), 1 if maximize else -1
    arrivals = [(trial, 3, sign * trial / 100) for trial in range(49)]
    stopped = judge.judge(arrivals)
    first = [trial for trial in range(49) if judge.bracket(trial) == 0]
    assert stopped == set(first[:-9]), (
        "nine of the twenty-seven of the first bracket go on; the others are not asked"
    )
    second = [trial for trial in range(49) if judge.bracket(trial) == 1]
    at_nine = judge.judge([(trial, 9, sign * trial / 100) for trial in [*first[-9:], *second]])
    assert at_nine == {*first[-9:-3], *second[:-4]}
    last = [trial for trial in range(49) if judge.bracket(trial) == 3]
    assert not any(judge.judge([(trial, epoch, -sign) for trial in last]) for epoch in range(1, 51))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_the_order_of_arrivals_does_not_matter(values: list[float], rng) -> None:
    arrivals = [(i, 3, s) for i, s in enumerate(values)]
    assert hyperband().judge(arrivals) == hyperband().judge(rng.sample(arrivals, len(arrivals)))


def test_without_room_for_a_rung_there_is_one_bracket_and_nobody_is_stopped() -> None:
    judge = hyperband(epochs=3)
    assert (judge.sizes, judge.brackets) == ((1,), (Bracket(1.0, ()),))
    assert judge.judge([(0, 3, 0.0), (1, 3, 1.0)]) == frozenset()


def test_lengths_are_the_mean_over_brackets() -> None:
    found = Lengths.of(make(epochs=50, patience=0, trials=10, rungs="hyperband"))
    each = [3 + 6 / 3 + 18 / 9 + 23 / 27, 9 + 18 / 3 + 23 / 9, 27 + 23 / 3, 50]
    assert found.longest == 50
    assert found.mean == pytest.approx(
        sum(n * mean for n, mean in zip((27, 12, 6, 4), each, strict=True)) / 49
    )


def test_judges_are_made_by_name() -> None:
    made = make_judge("hyperband", epochs=50, first=3, reduction=3, maximize=True)
    assert isinstance(made, Hyperband)
    assert make_judge("none", epochs=50, first=3, reduction=3, maximize=True) is None
