"""Tree-structured Parzen estimator."""

from optuna.samplers import BaseSampler, TPESampler

from cotune.search.course import UNKNOWN, Course
from cotune.search.samplers.optuna_backed import ModelSampler
from cotune.space import Space


def tpe(space: Space, *, maximize: bool, seed: int, course: Course = UNKNOWN) -> ModelSampler:
    """Multivariate TPE; running trials count as bad, so that a batch spreads.

    Source: Bergstra et al., Algorithms for hyper-parameter optimization, 2011; Optuna's implementation.
    """
    shared = course.groups.shared(space)
    return ModelSampler(space, maximize=maximize, seed=seed, make=_make, shared=shared, groups=course.groups)


def _make(seed: int) -> BaseSampler:
    return TPESampler(n_startup_trials=1, multivariate=True, constant_liar=True, seed=seed)
