"""BOHB's way to propose: TPE on the results of one budget, and a share of the trials without any model."""

from collections.abc import Iterator
from functools import partial

import optuna
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from cotune.search.course import UNKNOWN, Course
from cotune.search.history import History, is_finite
from cotune.search.samplers.optuna_backed import ModelSampler
from cotune.space import Space
from cotune.types import Status, TrialResult

EVERY = 3
"""One trial in so many is proposed without the model, as in the paper; where groups share structures, one group."""


def bohb(space: Space, *, maximize: bool, seed: int, course: Course = UNKNOWN) -> ModelSampler:
    """TPE on the deepest budget at which enough trials have a figure: two more than parameters, at least.

    Deviations: good and bad are modelled by Optuna's multivariate TPE in place of the paper's kernel density estimates;
    trials without a model are quasi-random; a figure counts once its trial has ended.

    Source: Falkner et al., BOHB: robust and efficient hyperparameter optimization at scale, 2018.
    """
    groups = course.groups
    return ModelSampler(
        space,
        maximize=maximize,
        seed=seed,
        make=_make,
        shared=groups.shared(space),
        groups=groups,
        study=partial(_study_of_one_budget, enough=len(space.parameters) + 2),
        without_model=lambda number: number // groups.size % EVERY == EVERY - 1,
    )


def _make(seed: int) -> BaseSampler:
    return TPESampler(n_startup_trials=1, multivariate=True, constant_liar=True, seed=seed)


def _study_of_one_budget(
    history: History, space: Space, sampler: BaseSampler, *, enough: int
) -> optuna.Study | None:
    """Trials with a figure at the deepest budget that enough have reached, and those that run; no others."""
    figures = _deepest(history, enough)
    if figures is None:
        return None
    study = optuna.create_study(direction=StudyDirection.MAXIMIZE, sampler=sampler)
    kinds = {p.name: p.distribution() for p in space.parameters}
    for number, params, result in history.trials():
        if number not in figures and result is not None:
            continue
        study.add_trial(
            create_trial(
                state=TrialState.COMPLETE if number in figures else TrialState.RUNNING,
                value=figures.get(number),
                params=dict(params),
                distributions={name: kind for name, kind in kinds.items() if name in params},
            )
        )
    return study


def _deepest(history: History, enough: int) -> dict[int, float] | None:
    """Trial number → figure (larger is better) at the deepest budget that enough trials have reached."""
    sign = 1.0 if history.maximize else -1.0
    for figures in _by_depth(history):
        if len(figures) >= enough:
            worst = min(sign * figure for figure in figures.values())
            known = {number: sign * figure for number, figure in figures.items()}
            return known | {r.number: worst for r in history.ended(Status.DIVERGED)}
    return None


def _by_depth(history: History) -> Iterator[dict[int, float]]:
    """Trial number → figure, at full length first, then at the epochs where trials were stopped."""
    there = history.ended(Status.COMPLETE)
    yield {r.number: r.score for r in there if is_finite(r.score)}
    stopped: dict[int, list[TrialResult]] = {}
    for r in history.ended(Status.STOPPED):
        stopped.setdefault(r.epochs, []).append(r)
    for epoch in sorted(stopped, reverse=True):
        there += stopped[epoch]  # whoever was stopped before has no figure here
        found = {r.number: _figure(r, epoch) for r in there}
        yield {number: figure for number, figure in found.items() if is_finite(figure)}


def _figure(result: TrialResult, epoch: int) -> float | None:
    for place in range(min(epoch, len(result.curve)) - 1, -1, -1):  # found at once if no epoch is missing
        if result.curve[place][0] == epoch:
            return result.curve[place][2]
    # Without a curve, and after early stopping, the score is all there is.
    ended_here = result.epochs == epoch and not result.curve
    ended_early = result.status is Status.COMPLETE and result.epochs < epoch
    return result.score if ended_here or ended_early else None
