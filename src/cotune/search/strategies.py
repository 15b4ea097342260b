"""The strategies by name."""

from collections.abc import Callable
from dataclasses import dataclass

from cotune.errors import RecipeError, did_you_mean
from cotune.search.course import Course
from cotune.search.gaussian.batches import gaussian
from cotune.search.guarded import Guarded
from cotune.search.sampler import Sampler
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
        course: whether `make` is told the course of the study as well.
        full: whether some of its trials are trained in full, whatever the rungs say.
        rungs: how its trials are stopped early where the recipe leaves that to it; a key of `RUNGS`.
    """

    make: Callable[..., Sampler]
    course: bool = False
    full: bool = False
    rungs: str = "asha"


STRATEGIES: dict[str, Strategy] = {
    "auto": Strategy(gaussian, course=True, full=True),
    "grid": Strategy(grid),
    "random": Strategy(random, course=True),
    "quasi-random": Strategy(quasi_random, course=True),
    "tpe": Strategy(tpe, course=True),
    "gp": Strategy(gp),
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


def make_sampler(
    name: str, space: Space, *, maximize: bool, seed: int, course: Course | None = None
) -> Sampler:
    """A sampler by the name of its strategy.

    Args:
        name: a key of `STRATEGIES`.
        space: what is searched.
        maximize: whether larger scores are better.
        seed: of the study; equal seeds propose equal configurations.
        course: what the study has settled; groups of usual size, and no trial in full, where it is left out.

    Raises:
        RecipeError: there is no such strategy, or it cannot search this space.
    """
    row = strategy(name)
    more = {"course": course} if row.course and course is not None else {}
    found = row.make(space, maximize=maximize, seed=seed, **more)
    return Guarded(found, space, seed=seed) if space.constraints else found
