"""The strategies by name."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cotune.errors import RecipeError, did_you_mean
from cotune.search.breeding.pb2 import pb2
from cotune.search.breeding.pbt import pbt
from cotune.search.course import Course
from cotune.search.gaussian.batches import gaussian
from cotune.search.guarded import Guarded
from cotune.search.rungs.table import BREEDING
from cotune.search.sampler import Explorer, Sampler
from cotune.search.samplers.bayesian import bayesian
from cotune.search.samplers.bohb import bohb
from cotune.search.samplers.brute_force import brute_force
from cotune.search.samplers.cmaes import cmaes
from cotune.search.samplers.genetic import genetic
from cotune.search.samplers.gp import gp
from cotune.search.samplers.grid import grid
from cotune.search.samplers.nsga2 import nsga2
from cotune.search.samplers.sequence import quasi_random, random
from cotune.search.samplers.tpe import tpe
from cotune.search.several.objectives import Objectives
from cotune.search.several.ranked import Ranked
from cotune.search.several.scalarised import Scalarised
from cotune.space import Space


@dataclass(frozen=True)
class Strategy:
    """A row of the table.

    Args:
        make: its sampler, from a space, the direction and a seed.
        course: whether `make` is told the course of the study as well.
        full: whether some of its trials are trained in full, whatever the rungs say.
        rungs: how its trials are stopped early where the recipe leaves that to it; a key of `RUNGS`.
        several: how it serves several objectives; a key of `SEVERAL`, or "no".
    """

    make: Callable[..., Sampler]
    course: bool = False
    full: bool = False
    rungs: str = "asha"
    several: str = "ranked"


STRATEGIES: dict[str, Strategy] = {
    "auto": Strategy(gaussian, course=True, full=True, several="scalarised"),
    "grid": Strategy(grid, several="blind"),
    "random": Strategy(random, course=True, several="blind"),
    "quasi-random": Strategy(quasi_random, course=True, several="blind"),
    "tpe": Strategy(tpe, course=True),
    "gp": Strategy(gp, several="scalarised"),
    "nsga2": Strategy(nsga2, course=True),
    "asha": Strategy(random, course=True, several="blind"),
    "hyperband": Strategy(random, course=True, rungs="hyperband", several="no"),
    "bohb": Strategy(bohb, course=True, rungs="hyperband", several="no"),
    "pbt": Strategy(pbt, course=True, rungs=BREEDING, several="no"),
    "pb2": Strategy(pb2, course=True, rungs=BREEDING, several="no"),
    "bayesian": Strategy(bayesian, course=True, several="scalarised"),
    "cmaes": Strategy(cmaes, course=True, several="no"),
    "genetic": Strategy(genetic, course=True),
    "evolution": Strategy(genetic, course=True),
    "brute-force": Strategy(brute_force, course=True, several="blind"),
}


def strategy(name: str) -> Strategy:
    """The row of a strategy.

    Raises:
        RecipeError: there is no such strategy.
    """
    if name not in STRATEGIES:
        raise RecipeError(
            f"search.strategy must be one of {', '.join(STRATEGIES)}, but got '{name}'"
            + did_you_mean(name, STRATEGIES)
        )
    return STRATEGIES[name]


def check_rungs(name: str, rungs: str, sampler: Sampler) -> None:
    """Raise `RecipeError` if a strategy and a way of stopping do not go together.

    Args:
        name: of the strategy.
        rungs: a key of `RUNGS`.
        sampler: the strategy's.
    """
    if isinstance(sampler, Explorer) != (rungs == BREEDING):
        law = f"population based training needs a strategy and rungs that know of children ({BREEDING})"
        raise RecipeError(
            f"{law}, but search.strategy is '{name}' and search.rungs is '{rungs}'; leave rungs at auto"
        )


SEVERAL: dict[str, Callable[[Callable[[], Sampler], Objectives, int], Sampler]] = {
    "blind": lambda make, _, __: make(),
    "ranked": lambda make, objectives, _: Ranked(make, objectives),
    "scalarised": lambda make, objectives, seed: Scalarised(make, objectives, seed=seed),
}
"""How a sampler of one score serves several objectives: it does not look at results at all, it is told places in
their common order, or mixtures of them. A strategy of another word knows one score alone, and is refused."""


def make_sampler(
    name: str,
    space: Space,
    *,
    maximize: bool,
    seed: int,
    course: Course | None = None,
    objectives: Objectives | None = None,
) -> Sampler:
    """A sampler by the name of its strategy.

    Args:
        name: a key of `STRATEGIES`.
        space: what is searched.
        maximize: whether larger scores are better.
        seed: of the study; equal seeds propose equal configurations.
        course: what the study has settled; groups of usual size, and no trial in full, where it is left out.
        objectives: what trials are compared by, where that is more than their scores.

    Raises:
        RecipeError: there is no such strategy, or it cannot search this space.
    """
    row = strategy(name)
    make = partial(
        row.make, space, seed=seed, **({"course": course} if row.course and course is not None else {})
    )
    if objectives is None or not objectives.beside:
        found = make(maximize=maximize)
        watches = isinstance(found, Explorer)  # over its children too
        return Guarded(found, space, seed=seed) if space.constraints and not watches else found
    if row.several not in SEVERAL:
        law = f"search.strategy {name} knows one score, and search.objectives names more"
        able = ", ".join(each for each, other in STRATEGIES.items() if other.several in SEVERAL)
        raise RecipeError(f"{law}; choose among {able}")
    found = SEVERAL[row.several](partial(make, maximize=False), objectives, seed)
    return Guarded(found, space, seed=seed) if space.constraints else found
