"""The strategies by name."""

from collections.abc import Callable
from dataclasses import dataclass

from cotune.errors import RecipeError, did_you_mean
from cotune.search.gaussian.thompson import thompson
from cotune.search.guarded import Guarded
from cotune.search.sampler import Sampler
from cotune.search.samplers.bayesian import bayesian
from cotune.search.samplers.brute_force import brute_force
from cotune.search.samplers.cmaes import cmaes
from cotune.search.samplers.genetic import genetic
from cotune.search.samplers.gp import gp
from cotune.search.samplers.grid import grid
from cotune.search.samplers.sequence import quasi_random, random
from cotune.search.samplers.tpe import tpe
from cotune.space import Space


@dataclass(frozen=True)
class Strategy:
    """A row of the table.

    Args:
        make: its sampler, from a space, the direction and a seed.
        rungs: how its trials are stopped early where the recipe leaves that to it; a key of `RUNGS`.
    """

    make: Callable[..., Sampler]
    rungs: str = "asha"


STRATEGIES: dict[str, Strategy] = {
    "auto": Strategy(thompson),
    "grid": Strategy(grid),
    "random": Strategy(random),
    "quasi-random": Strategy(quasi_random),
    "tpe": Strategy(tpe),
    "gp": Strategy(gp),
    "bayesian": Strategy(bayesian),
    "cmaes": Strategy(cmaes),
    "genetic": Strategy(genetic),
    "evolution": Strategy(genetic),
    "brute-force": Strategy(brute_force),
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


def make_sampler(name: str, space: Space, *, maximize: bool, seed: int) -> Sampler:
    """A sampler by the name of its strategy.

    Args:
        name: a key of `STRATEGIES`.
        space: what is searched.
        maximize: whether larger scores are better.
        seed: of the study; equal seeds propose equal configurations.

    Raises:
        RecipeError: there is no such strategy, or it cannot search this space.
    """
    found = strategy(name).make(space, maximize=maximize, seed=seed)
    return Guarded(found, space, seed=seed) if space.constraints else found
