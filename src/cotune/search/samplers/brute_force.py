"""Brute force: every configuration of a finite space once, in an order that is spread over the space.

A grid goes through the space row by row, so that a study which is ended early has seen a corner of it. Here the
structures take turns, in random order, a group of trials each, and within a structure the order is random: whatever
has been seen at some time is an even sample.

Source: Optuna's BruteForceSampler, for the idea.
"""

from collections.abc import Iterator
from itertools import islice

from cotune.errors import RecipeError
from cotune.search.course import UNKNOWN, Course
from cotune.search.samplers.grid import must_be_finite
from cotune.search.seeds import generator
from cotune.search.structure import Groups, structure
from cotune.space import Space
from cotune.types import Params, Trial, TrialResult, Value

MOST = 100_000
"""Configurations of a space that can be gone through."""


class BruteForceSampler:
    """Trial `n` is configuration `n` of the shuffled space."""

    def __init__(self, space: Space, *, seed: int, groups: Groups = UNKNOWN.groups) -> None:
        self._left = _shuffled(space, seed, groups)
        self._given: list[Params] = []

    def ask(self, number: int, count: int) -> list[Params]:
        """Configurations `number` … `number + count − 1`; fewer once all were given."""
        self._given.extend(islice(self._left, max(0, number + count - len(self._given))))
        return self._given[number : number + count]

    def add(self, trial: Trial) -> None:
        """Nothing to learn."""

    def tell(self, result: TrialResult) -> None:
        """Nothing to learn."""


def _shuffled(space: Space, seed: int, groups: Groups) -> Iterator[Params]:
    parameters = groups.shared(space)
    found: dict[tuple[Value, ...], list[Params]] = {}
    for params in space.walk():
        shape = structure(params, parameters)
        found.setdefault(tuple(shape.get(p.name) for p in parameters), []).append(params)
    rng = generator(seed, "brute-force")
    queues = [[members[i] for i in rng.permutation(len(members))] for members in found.values()]
    queues = [queues[i] for i in rng.permutation(len(queues))]
    while queues:
        # The last group of a structure may be short; the next then begins inside a group of trials, and shares it.
        for queue in queues:
            yield from queue[: groups.size]
        queues = [queue[groups.size :] for queue in queues if len(queue) > groups.size]


def brute_force(
    space: Space,
    *,
    maximize: bool,  # noqa: ARG001
    seed: int,
    course: Course = UNKNOWN,
) -> BruteForceSampler:
    """Every configuration of a finite space, shuffled.

    Raises:
        RecipeError: a parameter is continuous, or there are too many configurations.
    """
    must_be_finite(space, "brute force")
    size = space.size()
    assert size is not None
    if size > MOST:
        raise RecipeError(
            f"brute force goes through at most {MOST:,} configurations, but this space has {size:,}; search "
            "fewer parameters, or coarser steps, or choose another strategy (search.strategy: auto)"
        )
    return BruteForceSampler(space, seed=seed, groups=course.groups)
