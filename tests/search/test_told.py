"""What Optuna is told of each ending, and what the default's model is."""

import math

import numpy as np
import pytest
from optuna.samplers import RandomSampler
from optuna.trial import TrialState
from toys import SMOOTH, result

from cotune.search.gaussian.evidence import RUNG, Evidence, normal_scores
from cotune.search.history import OUT_OF_MEMORY, History
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


def levels_of(results: list[TrialResult], *, maximize: bool = True) -> dict[float, dict[int, float]]:
    """Level → trial → figure."""
    history = History(maximize=maximize)
    evidence = Evidence(history)
    for r in results:
        history.tell(r)
        evidence.tell(r)
    return {round(level, 3): dict(entries) for level, entries in evidence.levels()}


def trial(number: int, status: Status, *figures: float, score: float | None = None) -> TrialResult:
    curve = tuple((epoch, 0.0, figure) for epoch, figure in enumerate(figures, 1))
    return TrialResult(number, MIDDLE, status, score, len(figures), 1.0, curve=curve)


STOPPED = [trial(10 + i, Status.STOPPED, 1.0, 2.0, 3.0 + i) for i in range(RUNG)]
RUNG_3 = round(math.log(3) / math.log(9), 3)


def test_a_stopped_trial_is_known_up_to_its_rung_and_no_further() -> None:
    whole = trial(0, Status.COMPLETE, 1, 2, 5, 6, 7, 8, 9, 9.5, 9, score=9.5)
    levels = levels_of([whole, *STOPPED])
    assert levels[RUNG_3] == {0: 5.0, 10: 3.0, 11: 4.0, 12: 5.0, 13: 6.0}
    assert levels[1.0] == {0: 9.5}


def test_a_trial_under_way_is_known_where_it_passed() -> None:
    levels = levels_of([trial(3, Status.RUNNING, 1, 2, 7)])
    assert list(levels.values())[-1] == {3: 7.0}
    ended = levels_of([trial(3, Status.RUNNING, 1, 2, 7), trial(3, Status.COMPLETE, *range(9), score=8.0)])
    assert ended == {1.0: {3: 8.0}, RUNG_3: {3: 7.0}}


@pytest.mark.parametrize("maximize", [True, False])
def test_a_diverged_trial_is_as_bad_as_the_worst_and_no_worse(maximize: bool) -> None:
    whole = trial(0, Status.COMPLETE, *([4.0] * 9), score=4.0)
    levels = levels_of([trial(1, Status.DIVERGED), whole, *STOPPED], maximize=maximize)
    sign = 1.0 if maximize else -1.0
    worst = min(figure for entries in levels.values() for n, figure in entries.items() if n != 1)
    assert levels[1.0] == {0: sign * 4.0, 1: worst}


def test_out_of_memory_is_no_figure_at_all() -> None:
    failed = TrialResult(7, MIDDLE, Status.FAILED, None, 0, 1.0, OUT_OF_MEMORY)
    assert all(7 not in entries for entries in levels_of([failed, *STOPPED]).values())


def test_evidence_does_not_depend_on_the_order_of_events() -> None:
    results = [*STOPPED, *(trial(i, Status.COMPLETE, *range(i, i + 9), score=i + 8.0) for i in range(8))]
    mixed = [results[i] for i in np.random.default_rng(0).permutation(len(results))]
    assert levels_of(results) == levels_of(mixed)


def test_normal_scores_are_ranks() -> None:
    scores = normal_scores([3.0, 1e9, -5.0, 3.0])
    assert scores[1] == -scores[2] > 0
    assert scores[0] == scores[3] == 0
    assert np.array_equal(scores, normal_scores([30.0, 31.0, 1.0, 30.0]))
