"""The strategies by name."""

from collections.abc import Callable

from cotune.errors import RecipeError, did_you_mean
from cotune.search.gp import gp
from cotune.search.grid import grid
from cotune.search.sampler import Sampler
from cotune.search.sequence import quasi_random, random
from cotune.search.thompson import thompson
from cotune.search.tpe import tpe
from cotune.space import Space

STRATEGIES: dict[str, Callable[..., Sampler]] = {
    "auto": thompson,
    "grid": grid,
    "random": random,
    "quasi-random": quasi_random,
    "tpe": tpe,
    "gp": gp,
}


def make_sampler(strategy: str, space: Space, *, maximize: bool, seed: int) -> Sampler:
    """A sampler by the name of its strategy.

    Args:
        strategy: a key of `STRATEGIES`.
        space: what is searched.
        maximize: whether larger scores are better.
        seed: of the study; equal seeds propose equal configurations.

    Raises:
        RecipeError: there is no such strategy, or it cannot search this space.
    """
    if strategy not in STRATEGIES:
        raise RecipeError(
            f"search.strategy must be one of {', '.join(STRATEGIES)}, but got '{strategy}'"
            + did_you_mean(strategy, STRATEGIES)
        )
    return STRATEGIES[strategy](space, maximize=maximize, seed=seed)
