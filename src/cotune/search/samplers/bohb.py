"""BOHB's way to propose: TPE on the results of one budget, and a share of the trials without any model."""

from functools import partial

import optuna
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import TrialState

from cotune.search.course import UNKNOWN, Course
from cotune.search.deepest import deepest
from cotune.search.history import History
from cotune.search.samplers.optuna_backed import ModelSampler
from cotune.search.samplers.told import frozen
from cotune.space import Space

EVERY = 3
"""One trial in so many is proposed without the model, as in the paper; where groups share structures, one group."""


def bohb(space: Space, *, maximize: bool, seed: int, course: Course = UNKNOWN) -> ModelSampler:
    """TPE on the deepest budget at which enough trials have a figure: two more than parameters, at least.

    Deviations: good and bad are modelled by Optuna's multivariate TPE in place of the paper's kernel density estimates;
    trials without a model are quasi-random; a figure counts once its trial has ended.

    Source: Falkner et al., BOHB: robust and efficient hyperparameter optimization at scale, 2018.
    """
    which = course.groups.shared(space)
    size = course.groups.size if which else 1
    return ModelSampler(
        space,
        maximize=maximize,
        seed=seed,
        make=_make,
        shared=which,
        groups=course.groups,
        study=partial(_study_of_one_budget, enough=len(space.parameters) + 2),
        without_model=lambda number: number // size % EVERY == EVERY - 1,
    )


def _make(seed: int) -> BaseSampler:
    return TPESampler(n_startup_trials=1, multivariate=True, constant_liar=True, seed=seed)


def _study_of_one_budget(
    history: History, space: Space, sampler: BaseSampler, *, enough: int
) -> optuna.Study | None:
    """Trials with a figure at the deepest budget that enough have reached, and those that run; no others."""
    figures = deepest(history, enough=enough)
    if figures is None:
        return None
    study = optuna.create_study(direction=StudyDirection.MAXIMIZE, sampler=sampler)
    known = {p.name: p for p in space.parameters}
    for number, params, result in history.trials():
        if number not in figures and result is not None:
            continue
        state = TrialState.COMPLETE if number in figures else TrialState.RUNNING
        study.add_trial(frozen(known, params, state, figures.get(number)))
    return study
