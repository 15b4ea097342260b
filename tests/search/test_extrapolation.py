"""Laws of stopping by extrapolated curves."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotune.search.rungs.extrapolation import Extrapolation

EPOCHS = 30


def judge(*, maximize: bool = True) -> Extrapolation:
    return Extrapolation(epochs=EPOCHS, first=3, reduction=3, maximize=maximize)


def played(
    curves: list[list[float]], *, maximize: bool = True, begin: list[int] | None = None
) -> dict[int, int]:
    """Trial → epoch at which it was stopped, of trials that begin at these boundaries."""
    made, stopped, sign = judge(maximize=maximize), {}, 1 if maximize else -1
    begin = begin or [0] * len(curves)
    for boundary in range(1, EPOCHS + max(begin) + 1):
        here = [
            (trial, boundary - begin[trial], sign * curve[boundary - begin[trial] - 1])
            for trial, curve in enumerate(curves)
            if trial not in stopped and 1 <= boundary - begin[trial] <= EPOCHS
        ]
        epochs = {trial: epoch for trial, epoch, _ in here}
        stopped |= {trial: epochs[trial] for trial in made.judge(here)}
    return stopped


def rising(final: float, *, pace: float = 4.0) -> list[float]:
    return [final * (1 - math.exp(-t / pace)) for t in range(1, EPOCHS + 1)]


finals = st.lists(st.floats(0.3, 0.9), min_size=2, max_size=12)


@given(finals, st.booleans(), st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_a_clearly_better_trial_is_never_stopped(others: list[float], maximize: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    curves = [rising(final, pace=rng.uniform(2, 8)) for final in others]
    curves.append([figure + 0.02 for figure in rising(1.0, pace=rng.uniform(2, 8))])
    begin = rng.integers(0, 20, len(curves)).tolist()
    stopped = played(curves, maximize=maximize, begin=begin)
    assert len(curves) - 1 not in stopped
    assert min(stopped.values(), default=6) >= 6


@given(st.lists(st.lists(st.floats(0, 1), min_size=EPOCHS, max_size=EPOCHS), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_whoever_is_best_at_a_boundary_passes_it(curves: list[list[float]]) -> None:
    made, left = judge(), set(range(len(curves)))
    best = [np.maximum.accumulate(curve) for curve in curves]
    for epoch in range(1, EPOCHS + 1):
        stopped = made.judge([(trial, epoch, curves[trial][epoch - 1]) for trial in left])
        high = max(best[trial][epoch - 1] for trial in left)
        assert all(best[trial][epoch - 1] < high for trial in stopped)
        left -= stopped


def test_the_hopeless_are_stopped_soon_and_the_good_train_on() -> None:
    curves = [rising(final) for final in (0.9, 0.88, 0.5, 0.4, 0.3, 0.2)]
    stopped = played(curves)
    assert {2, 3, 4, 5} <= set(stopped)
    assert max(stopped[n] for n in (2, 3, 4, 5)) < 20
    assert 0 not in stopped


def test_the_order_of_arrivals_does_not_matter() -> None:
    one, other = judge(), judge()
    for epoch in range(1, 12):
        here = [(trial, epoch, rising(0.2 + 0.07 * trial)[epoch - 1]) for trial in range(10)]
        assert one.judge(here) == other.judge(here[::-1])


def test_nothing_is_judged_before_the_sixth_epoch_nor_at_the_last() -> None:
    made = judge()
    for epoch in (1, 2, 3, 4, 5, EPOCHS):
        assert made.judge([(0, epoch, 1.0), (1, epoch, 0.0)]) == frozenset()


def test_a_trial_without_a_number_is_stopped_and_one_that_found_one_late_is_judged_by_it() -> None:
    made = judge()
    for epoch in range(1, 6):
        made.judge([(0, epoch, math.nan), (1, epoch, math.nan if epoch < 4 else 0.5), (2, epoch, 0.5)])
    stopped = made.judge([(0, 6, math.nan), (1, 6, 0.6), (2, 6, 0.5)])
    assert 0 in stopped
    assert 1 not in stopped


@pytest.mark.parametrize("first", [1, 3, 10])
def test_how_long_trials_take_is_reckoned_as_in_successive_halving(first: int) -> None:
    made = Extrapolation(epochs=50, first=first, reduction=3, maximize=True)
    (course,) = made.brackets
    assert course.levels[0] == 2 * first
    assert course.share == 1
