"""A genetic algorithm over one score or several."""

from typing import Any

from optuna.samplers import BaseSampler, NSGAIISampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from cotune.search.course import UNKNOWN, Course
from cotune.search.samplers.optuna_backed import STARTUP, ModelSampler
from cotune.search.several.objectives import Objectives
from cotune.search.several.ranked import Ranked
from cotune.space import Space
from cotune.types import Status

POPULATION = 2 * STARTUP
"""Parents at most: the best of all trials so far."""


class SteadyNSGAII(NSGAIISampler):
    """Without generations, which a batch that ends trial by trial has none of: parents are the best of all so far."""

    def get_trial_generation(self, study: Study, trial: FrozenTrial) -> int:  # noqa: ARG002
        """Every trial that is asked for is a child of those that have ended."""
        return 1

    def get_population(self, study: Study, generation: int) -> list[FrozenTrial]:  # noqa: ARG002
        """Those that have ended."""
        return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def nsga2(space: Space, *, maximize: bool, seed: int, course: Course = UNKNOWN) -> Ranked:
    """NSGA-II: tournaments among the best trials, uniform crossover, mutation of one value in a configuration.

    Source: Deb et al. 2002; Optuna's NSGAIISampler, a steady-state form of it.
    """

    def make() -> ModelSampler:
        return ModelSampler(
            space,
            maximize=False,
            seed=seed,
            make=_make,
            shared=course.groups.shared(space),
            groups=course.groups,
            learns_from=(Status.COMPLETE,),
        )

    return Ranked(make, Objectives(maximize), stopped_complete=True)


def _make(seed: int) -> BaseSampler:
    options: dict[str, Any] = {"population_size": POPULATION, "seed": seed}
    return SteadyNSGAII(**options)
