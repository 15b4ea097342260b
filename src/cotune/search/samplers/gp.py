"""Gaussian process with expected improvement."""

from optuna.samplers import BaseSampler, GPSampler

from cotune.search.samplers.optuna_backed import ModelSampler
from cotune.search.structure import Groups
from cotune.space import Space
from cotune.types import Status


def gp(space: Space, *, maximize: bool, seed: int) -> ModelSampler:
    """Log expected improvement over what completed and what runs. Slow: seconds per trial.

    Every trial has a structure of its own, and stopped trials are not looked at.

    Source: Optuna's GPSampler; Ament et al., Unexpected improvements to expected improvement, 2023.
    """
    learns_from = (Status.COMPLETE,)
    return ModelSampler(
        space,
        maximize=maximize,
        seed=seed,
        make=_make,
        groups=Groups(1),
        learns_from=learns_from,
        without_model=lambda _: False,
    )


def _make(seed: int) -> BaseSampler:
    return GPSampler(n_startup_trials=1, seed=seed)
