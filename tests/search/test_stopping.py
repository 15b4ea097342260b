"""Patience and limits."""

import math

import pytest

from cotune.search import Limits, Patience


@pytest.mark.parametrize("maximize", [True, False])
def test_patience_counts_epochs_without_a_gain(maximize: bool) -> None:
    sign = 1 if maximize else -1
    patience = Patience(2, maximize)
    figures = [0.1, 0.3, 0.2, 0.4, 0.4, 0.3]
    assert [patience.update(0, sign * figure) for figure in figures] == [False] * 5 + [True]


def test_trials_wait_on_their_own() -> None:
    patience = Patience(1, True)
    assert not patience.update(0, 0.5)
    assert not patience.update(1, 0.1)
    assert patience.update(0, 0.5)
    assert not patience.update(1, 0.2)


def test_nan_is_no_gain() -> None:
    patience = Patience(2, False)
    assert [patience.update(0, s) for s in (math.nan, math.nan)] == [False, True]


def test_zero_never_ends() -> None:
    patience = Patience(0, True)
    assert not any(patience.update(0, 0.0) for _ in range(100))


def test_limits() -> None:
    limits = Limits(trials=10, seconds=60.0, lane_epochs=500)
    assert [limits.trials_left(n) for n in (0, 9, 10, 12)] == [10, 1, 0, 0]
    assert limits.used(ended=1, lane_epochs=100, seconds=30.0) == 0.5
    assert limits.used(ended=10, lane_epochs=600, seconds=30.0) == 1.0


def test_without_limits_nothing_ends() -> None:
    limits = Limits(None, None, None)
    assert limits.trials_left(10**6) is None
    assert limits.used(ended=5, lane_epochs=5, seconds=5.0) == 0.0
