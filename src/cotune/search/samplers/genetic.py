"""Evolution: children of the better of the newest results, and of the best of all.

A parent is the winner of a tournament. Those that take part are the newest results and a few of the best ever: what is
only old dies out, as in regularized evolution, so that a lucky figure has no children for ever; the best of all stay.
Only results of equal length are compared, see `deepest`. Until there are enough of them the search is quasi-random,
and so is one structure in eight.

Source: Holland, Adaptation in natural and artificial systems, 1975; Real et al., Regularized evolution for image
classifier architecture search, 2019.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from cotune.search.course import UNKNOWN, Course
from cotune.search.deepest import deepest
from cotune.search.distinct import distinct
from cotune.search.history import History, Key, key
from cotune.search.samplers.crossing import Crossing
from cotune.search.samplers.sequence import start
from cotune.search.seeds import generator
from cotune.search.structure import Groups, shared, structure
from cotune.space import Space
from cotune.types import Params, Trial, TrialResult, Value

ALIVE, ELITE = 48, 8
"""The newest results, and the best of all: these may be parents."""

CONTEST = 6
"""Of those, so many take part in a tournament."""

TRIES = 8
"""Children until one is new."""

Numbers = Callable[[int, int], dict[str, Value]]
"""(trial number, how often a child of it was known already) → values by name."""


@dataclass(frozen=True)
class Population:
    """Who may be a parent, by trial number; larger merits are better."""

    members: tuple[Params, ...]
    merits: tuple[float, ...]

    def parent(self, rng: np.random.Generator) -> Params:
        """The winner of a tournament."""
        there = rng.choice(len(self.members), size=min(CONTEST, len(self.members)), replace=False)
        winner = max(map(int, np.sort(there)), key=lambda i: self.merits[i])
        return self.members[winner]


class GeneticSampler:
    """Evolution of whole configurations."""

    def __init__(self, space: Space, *, maximize: bool, seed: int, groups: Groups = UNKNOWN.groups) -> None:
        self._space = space
        self._groups = groups
        self._seed = seed
        self._shared = shared(space)
        self._crossing = Crossing(space)
        self._start = start(space, seed=seed, groups=groups)
        self._history = History(maximize=maximize)

    def add(self, trial: Trial) -> None:
        """This trial is running now."""
        self._history.add(trial)

    def tell(self, result: TrialResult) -> None:
        """This trial has ended."""
        self._history.tell(result)

    def ask(self, number: int, count: int, *, numbers: Numbers | None = None) -> list[Params]:
        """Configurations for the trials `number` … `number + count − 1`.

        Args:
            numbers: what is not inherited.
        """
        batch: dict[int, Params] = {}
        taken = self._history.tried()
        population = self._population()
        for n in range(number, number + count):
            first = self._groups.leader_of(n)
            leader = batch.get(first) or self._history.params(first)
            wanted = self._wanted(n, leader, population, taken, numbers)
            params = distinct(
                self._space, wanted, taken=taken, draw=partial(generator, self._seed, "again", n)
            )
            if params is None:
                break
            batch[n] = params
            taken.add(key(params))
        return list(batch.values())

    def _population(self) -> Population | None:
        merits = deepest(self._history)
        if merits is None:
            return None
        newest = sorted(merits)[-ALIVE:]
        best = sorted(merits, key=lambda n: (-merits[n], n))[:ELITE]
        alive = sorted({*newest, *best})
        members = tuple(self._history.params(n) or {} for n in alive)
        return Population(members, tuple(merits[n] for n in alive))

    def _wanted(
        self,
        number: int,
        leader: Params | None,
        population: Population | None,
        taken: set[Key],
        numbers: Numbers | None,
    ) -> Params:
        fresh = self._start.configuration(number)
        if not self._space.parameters or (population is None and numbers is None):
            return fresh
        rng = generator(self._seed, "child", number)
        child = fresh
        for again in range(TRIES):
            if population is not None:
                mother, father = population.parent(rng), population.parent(rng)
                shape = self._shape(rng, number, leader, mother, fresh)
                child = self._crossing.child(rng, mother, father, shape)
            if numbers is not None:
                drawn = numbers(number, again)
                child = {name: drawn.get(name, value) for name, value in child.items()}
            if key(child) not in taken:
                break
        return child

    def _shape(
        self, rng: np.random.Generator, number: int, leader: Params | None, mother: Params, fresh: Params
    ) -> Params:
        """The structure of trial `number`: its group's, or if it begins a group one of its own."""
        if leader is not None:
            return structure(leader, self._shared)
        if number // self._groups.size % 8 == 7:
            return structure(fresh, self._shared)
        return self._crossing.structure(rng, mother)


def genetic(space: Space, *, maximize: bool, seed: int, course: Course = UNKNOWN) -> GeneticSampler:
    """Tournaments, crossover, mutation, elitism and aging."""
    return GeneticSampler(space, maximize=maximize, seed=seed, groups=course.groups)
