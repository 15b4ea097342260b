"""A study's history in Optuna's words, in memory, and quiet.

| cotune   | Optuna                                                                       |
|----------|------------------------------------------------------------------------------|
| running  | RUNNING: samplers keep away from it                                          |
| complete | COMPLETE with its score                                                      |
| stopped  | PRUNED with the figure of its last epoch as intermediate value               |
| diverged | COMPLETE with the worst finite score so far: bad, and not the end of the world |
| failed   | FAIL: it is no score. Where it did not fit into memory, `feasible` keeps away from there |
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from cotune.search.history import History, is_finite
from cotune.space import Parameter, Space
from cotune.types import Params, Status, TrialResult


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna without log lines and without warnings of experimental features; undone afterwards."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(before)


def study_of(history: History, space: Space, sampler: optuna.samplers.BaseSampler) -> optuna.Study:
    """An Optuna study that holds `history`, trials in order of their numbers.

    It is built anew for every batch: what a diverged trial is taken for changes as results arrive, and
    Optuna's finished trials cannot be changed.
    """
    direction = StudyDirection.MAXIMIZE if history.maximize else StudyDirection.MINIMIZE
    study = optuna.create_study(direction=direction, sampler=sampler)
    worst = history.worst()
    known = {p.name: p for p in space.parameters}
    for _, params, result in history.trials():
        state, value, intermediate = _told(result, worst)
        study.add_trial(frozen(known, params, state, value, intermediate))
    return study


def frozen(
    known: Mapping[str, Parameter],
    params: Params,
    state: TrialState,
    value: float | None,
    intermediate: Mapping[int, float] | None = None,
) -> FrozenTrial:
    """A trial in Optuna's words.

    Args:
        known: the space's parameters, by name.
        params: its configuration.
        state, value, intermediate: how it stands.
    """
    return create_trial(
        state=state,
        value=value,
        params={name: known[name].to_optuna(setting) for name, setting in params.items()},
        distributions={name: known[name].distribution() for name in params},
        intermediate_values=dict(intermediate or {}),
    )


def _told(
    result: TrialResult | None, worst: float | None
) -> tuple[TrialState, float | None, dict[int, float]]:
    if result is None:
        return TrialState.RUNNING, None, {}
    match result.status:
        case Status.COMPLETE if is_finite(result.score):
            return TrialState.COMPLETE, result.score, {}
        case Status.STOPPED:
            epoch, figure = last_figure(result)
            if is_finite(figure):
                return TrialState.PRUNED, None, {epoch: figure}
    if result.status is Status.FAILED or worst is None:
        return TrialState.FAIL, None, {}
    return TrialState.COMPLETE, worst, {}


def last_figure(result: TrialResult) -> tuple[int, float | None]:
    """(epoch, validation figure) of the last epoch; the score stands in where no curve was kept."""
    if result.curve:
        epoch, _, figure = result.curve[-1]
        return epoch, figure
    return result.epochs, result.score
