"""What Optuna is told of each ending, and what the default's model is."""

import math

import numpy as np
import pytest
from optuna.samplers import RandomSampler
from optuna.trial import TrialState
from toys import SMOOTH, result

from cotune.search.gaussian.evidence import ENOUGH, Evidence, evidence, normal_scores
from cotune.search.history import History
from cotune.search.samplers.told import quiet, study_of
from cotune.types import Status, Trial, TrialResult

MIDDLE = SMOOTH.middle()


def told(*results: TrialResult, maximize: bool = False, running: int | None = None) -> list:
    history = History(maximize=maximize)
    if running is not None:
        history.add(Trial(running, MIDDLE))
    for r in results:
        history.tell(r)
    with quiet():
        return study_of(history, SMOOTH, RandomSampler(0)).trials


def test_complete_is_its_score() -> None:
    (trial,) = told(result(0, MIDDLE, Status.COMPLETE, 0.5))
    assert (trial.state, trial.value, trial.params) == (TrialState.COMPLETE, 0.5, MIDDLE)


def test_stopped_is_pruned_with_the_figure_of_its_last_epoch() -> None:
    (trial,) = told(result(0, MIDDLE, Status.STOPPED, 0.5))
    assert trial.state is TrialState.PRUNED
    assert trial.intermediate_values == {3: 7.5}  # the curve of `result`: score + 10 − epoch


def test_stopped_without_a_curve_has_its_score() -> None:
    (trial,) = told(TrialResult(0, MIDDLE, Status.STOPPED, 0.5, 4, 1.0))
    assert trial.intermediate_values == {4: 0.5}


@pytest.mark.parametrize("maximize", [False, True])
def test_diverged_is_the_worst_finite_score_so_far(maximize: bool) -> None:
    results = [
        result(0, MIDDLE, Status.DIVERGED, None),
        result(1, MIDDLE, Status.COMPLETE, 0.25),
        result(2, MIDDLE, Status.COMPLETE, 0.75),
        result(3, MIDDLE, Status.DIVERGED, math.nan),
        result(4, MIDDLE, Status.COMPLETE, math.inf),
    ]
    trials = told(*results, maximize=maximize)
    worst = 0.25 if maximize else 0.75
    for number in (0, 3, 4):
        assert (trials[number].state, trials[number].value) == (TrialState.COMPLETE, worst)


def test_diverged_before_any_score_says_nothing() -> None:
    (trial,) = told(result(0, MIDDLE, Status.DIVERGED, None))
    assert trial.state is TrialState.FAIL


def test_failed_is_no_score_at_all() -> None:
    trials = told(result(0, MIDDLE, Status.COMPLETE, 0.5), result(1, MIDDLE, Status.FAILED, None))
    assert (trials[1].state, trials[1].value) == (TrialState.FAIL, None)


def test_running_is_seen() -> None:
    assert [t.state for t in told(result(0, MIDDLE, Status.COMPLETE, 0.5), running=1)] == [
        TrialState.COMPLETE,
        TrialState.RUNNING,
    ]


def known_of(results: list[TrialResult], *, maximize: bool) -> Evidence | None:
    history = History(maximize=maximize)
    for r in results:
        history.tell(r)
    return evidence(history)


def many(status: Status, count: int, first: int = 0) -> list[TrialResult]:
    return [result(first + i, MIDDLE, status, float(first + i)) for i in range(count)]


def test_full_trainings_are_compared_by_score() -> None:
    known = known_of([*many(Status.COMPLETE, ENOUGH), *many(Status.STOPPED, 40, 100)], maximize=False)
    assert known is not None
    assert known.figures == tuple(-float(i) for i in range(ENOUGH))


def test_too_few_full_trainings_are_compared_where_others_were_stopped() -> None:
    results = [*many(Status.COMPLETE, 4), *many(Status.STOPPED, 20, 4)]
    known = known_of(results, maximize=False)
    assert known is not None
    assert known.figures == tuple(-(i + 7.0) for i in range(24))  # all at epoch 3
    assert known_of(results[1:], maximize=False) is None


def test_early_stopping_before_the_rung_keeps_its_score() -> None:
    patient = TrialResult(0, MIDDLE, Status.COMPLETE, -1.0, 2, 1.0, curve=((1, 0.0, -1.0), (2, 0.0, 5.0)))
    known = known_of([patient, *many(Status.STOPPED, 24, 1)], maximize=True)
    assert known is not None
    assert known.figures[0] == -1.0


def test_diverged_is_as_bad_as_the_worst_and_failed_is_left_out() -> None:
    results = [*many(Status.COMPLETE, 24), *many(Status.FAILED, 1, 24)]
    results.append(TrialResult(25, MIDDLE, Status.DIVERGED, None, 1, 1.0))
    known = known_of(results, maximize=True)
    assert known is not None
    assert known.figures == (*map(float, range(24)), 0.0)


def test_normal_scores_are_ranks() -> None:
    scores = normal_scores([3.0, 1e9, -5.0, 3.0])
    assert scores[1] == -scores[2] > 0
    assert scores[0] == scores[3] == 0
    assert np.array_equal(scores, normal_scores([30.0, 31.0, 1.0, 30.0]))
