"""Worths: means, intervals and p-values against SciPy, Holm's correction, and what is concluded."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cotune.records.ablation import HELPS, HURTS, UNSEEN, Worth
from cotune.study.ablation.worth import LEVEL, holm, judged, paired, ranked

probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def worth(scores: Sequence[float | None], *, name: str = "t", added: bool = False) -> Worth:
    return Worth(name, "kind", added, {}, tuple(scores), None, None, None, None, None, UNSEEN, "")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=12))
def test_a_worth_is_scipys_paired_t_test(pairs: list[tuple[float, float]]) -> None:
    d = [a - b for a, b in pairs]
    if max(d) - min(d) < 1e-6:
        return
    found = paired(d)
    known = stats.ttest_rel([a for a, _ in pairs], [b for _, b in pairs])
    low, high = known.confidence_interval(1 - LEVEL)
    assert found.mean == pytest.approx(sum(d) / len(d), abs=1e-9)
    assert found.p == pytest.approx(known.pvalue, rel=1e-6)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-6, abs=1e-9)


def test_equal_differences_have_the_sign_tests_p() -> None:
    found = paired([0.3 - 0.2, 0.2 - 0.1, 0.1, 0.1, 0.1])
    assert (found.low, found.high) == (None, None)
    assert found.p == stats.binomtest(5, 5).pvalue
    nothing = paired([0.0] * 5)
    assert (nothing.mean, nothing.low, nothing.high, nothing.p) == (0, None, None, 1)


def test_one_seed_has_a_mean_and_no_more() -> None:
    assert paired([0.5]).p is None
    assert paired([0.5]).mean == 0.5


def test_holm_is_what_holm_wrote() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(probabilities)
def test_holms_laws(ps: list[float]) -> None:
    corrected = holm(ps)
    assert all(p <= c <= 1 for p, c in zip(ps, corrected, strict=True))
    assert min(corrected) == pytest.approx(min(1, len(ps) * min(ps))), "of the smallest, Bonferroni's"
    in_order = [c for _, c in sorted(zip(ps, corrected, strict=True))]
    assert all(a <= b for a, b in pairwise(in_order))


WINNER = (0.9, 0.91, 0.89, 0.9, 0.92)
WORSE = (0.8, 0.82, 0.79, 0.81, 0.83)


@pytest.mark.parametrize("added", [False, True], ids=["taken out", "put in"])
@pytest.mark.parametrize("maximize", [False, True], ids=["less is better", "more is better"])
def test_a_worth_is_turned_so_that_above_zero_is_better_with_it(added: bool, maximize: bool) -> None:
    (found,) = ranked([judged(worth(WORSE, added=added), WINNER, maximize=maximize)])
    better_with = maximize is not added
    assert found.worth == pytest.approx(0.094 if better_with else -0.094)
    assert found.direction == (HELPS if better_with else HURTS)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.worth < found.high


def test_a_seed_without_a_score_on_either_side_is_no_pair() -> None:
    found = judged(worth((0.8, None, 0.79, 0.81, 0.83)), (0.9, 0.91, None, 0.9, 0.92), maximize=True)
    assert found.worth == pytest.approx((0.1 + 0.09 + 0.09) / 3)
    assert "1 of 4 seeds could not be trained" in found.note


@pytest.mark.parametrize(("added", "direction"), [(False, HELPS), (True, HURTS)])
def test_what_breaks_training_is_told_without_a_figure(added: bool, direction: str) -> None:
    found = judged(worth((None,) * 5, added=added), WINNER, maximize=True)
    assert (found.worth, found.p, found.direction) == (None, None, direction)
    assert "no network could be trained" in found.note


def test_many_techniques_are_corrected_for_and_idle_ones_do_not_count() -> None:
    slight = (0.89, 0.895, 0.885, 0.896, 0.9)
    tried = [judged(worth(slight, name="slight"), WINNER, maximize=True)]
    idle = [judged(worth(WINNER, name=f"i{i}"), WINNER, maximize=True, differs=False) for i in range(9)]
    (alone,) = ranked(tried)
    assert alone.direction == HELPS
    assert alone.p == alone.p_holm
    with_idle = {w.technique: w for w in ranked([*tried, *idle])}
    assert with_idle["slight"] == alone
    assert with_idle["i0"].p_holm == 1
    assert "changed nothing" in with_idle["i0"].note
    noise = (0.9, 0.905, 0.9, 0.91, 0.9)
    others = [judged(worth(noise, name=f"n{i}"), WINNER, maximize=True) for i in range(40)]
    crowded = {w.technique: w for w in ranked([*tried, *others])}["slight"]
    assert crowded.p == alone.p
    assert crowded.direction == UNSEEN
    assert "may be chance" in crowded.note
    apart = ranked([*tried, *(judged(worth(noise, added=True), WINNER, maximize=True) for _ in range(40))])
    assert apart[0] == alone, "what was put in is another question"


def test_equal_scores_of_unequal_trainings_are_a_test_and_have_no_interval() -> None:
    slight = judged(worth((0.89, 0.895, 0.885, 0.896, 0.9), name="slight"), WINNER, maximize=True)
    level = [judged(worth(WINNER, name=f"l{i}"), WINNER, maximize=True) for i in range(9)]
    found = {w.technique: w for w in ranked([slight, *level])}
    assert slight.p is not None
    assert found["slight"].p_holm == pytest.approx(10 * slight.p), "scores do not say which are dropped"
    assert (found["l0"].worth, found["l0"].low, found["l0"].high, found["l0"].p) == (0, None, None, 1)
    assert found["l0"].differs
    assert "changed nothing" not in found["l0"].note
    idle = judged(worth(WINNER), WINNER, maximize=True, differs=False)
    assert (idle.worth, idle.low, idle.high, idle.p, idle.differs) == (0, 0, 0, 1, False)


def test_ranking_again_in_other_company_forgets_the_first() -> None:
    slight = judged(worth((0.89, 0.895, 0.885, 0.896, 0.9), name="slight"), WINNER, maximize=True)
    others = [
        judged(worth((0.9, 0.905, 0.9, 0.91, 0.9), name=f"n{i}"), WINNER, maximize=True) for i in range(40)
    ]
    crowded = ranked([slight, *others])
    assert ranked(crowded) == crowded
    among = {w.technique: w for w in crowded}["slight"]
    assert "may be chance" in among.note
    assert ranked([among]) == ranked([slight])
    assert ranked([slight])[0].direction == HELPS


def test_those_taken_out_stand_first_and_the_highest_before_the_lower() -> None:
    made = [
        judged(worth(WORSE, name="b", added=True), WINNER, maximize=False),
        judged(worth(WINNER, name="c"), WINNER, maximize=True),
        judged(worth(WORSE, name="a"), WINNER, maximize=True),
        judged(worth((None,) * 5, name="d"), WINNER, maximize=True),
    ]
    assert [w.technique for w in ranked(made)] == ["d", "a", "c", "b"]
