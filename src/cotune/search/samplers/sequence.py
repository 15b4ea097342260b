"""Random and quasi-random search: sequences of points that no result changes.

Trial `n` is point `n`, however many are asked for at once. The structure of a group of trials is a point of a
sequence of its own, numbered by group: every eighth point of a Sobol sequence fills the cube badly, because
equal low bits of the number are equal high bits of the coordinates.

Source: Bergstra & Bengio, Random search for hyper-parameter optimization, 2012; Owen, Scrambling Sobol' and
Niederreiter–Xing points, 1998.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from cotune.search.beliefs import Beliefs
from cotune.search.course import UNKNOWN, Course
from cotune.search.distinct import distinct
from cotune.search.history import Key, key
from cotune.search.seeds import generator, seed_of
from cotune.search.structure import Groups
from cotune.space import Space
from cotune.space.feasible import mended
from cotune.types import Params, Trial, TrialResult

Array = NDArray[np.float64]

Points = Callable[[int], Array]
"""Point number → coordinates."""

REDRAWS = 64
"""Times that a point which breaks a constraint is drawn anew."""


def uniform(dimensions: int, *, seed: int) -> Points:
    """Independent uniform points, each from a generator of its own."""
    return lambda number: generator(seed, number).random(dimensions)


def sobol(dimensions: int, *, seed: int) -> Points:
    """A scrambled Sobol sequence."""
    if dimensions == 0:
        return lambda _: np.empty(0)
    known = np.empty((0, dimensions))

    def point(number: int) -> NDArray[np.float64]:
        nonlocal known
        if number >= len(known):
            # Whole powers of two from the start: the prefix does not depend on how often this grew.
            engine = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed))
            known = engine.random_base2(max(8, number.bit_length()))
        found: NDArray[np.float64] = known[number]
        return found

    return point


class Sequence:
    """The points of a space in a fixed order, none twice while a finite space holds another.

    Args:
        space: whose points.
        points: makes a sequence of a number of dimensions.
        seed: of the study.
        beliefs: where it is to begin, and what part of the points follows what is believed; `None`: none.
    """

    def __init__(
        self,
        space: Space,
        points: Callable[..., Points],
        *,
        seed: int,
        groups: Groups = UNKNOWN.groups,
        beliefs: Beliefs | None = None,
    ) -> None:
        self._space = space
        self._seed = seed
        self._beliefs = beliefs
        self._groups = groups
        names = {p.name for p in groups.shared(space)}
        self._kept = frozenset(names)
        self._shared = np.array([p.name in names for p in space.parameters], dtype=bool)
        self._structures = points(len(names), seed=seed_of(seed, "structures"))
        self._free = points(len(space.parameters) - len(names), seed=seed_of(seed, "free"))
        self._given: list[Params | None] = []
        self._taken: set[Key] = set()

    def configuration(self, number: int) -> Params:
        """Configuration `number`, though a finite space may have had it before."""
        begin = None if self._beliefs is None else self._beliefs.first(number)
        if begin is not None:
            return begin
        point = self._point(number)
        params = self._space.from_unit(point.tolist())
        if self._space.feasible(params):
            return params
        return self._feasible(number, point)

    def _point(self, number: int) -> Array:
        place = np.empty(len(self._shared))
        place[~self._shared] = self._free(number)
        group = number // self._groups.size
        place[self._shared] = self._structures(group)
        if self._beliefs is None:
            return place
        return self._beliefs.bent(place, number, self._shared, leader=group * self._groups.size)

    def _feasible(self, number: int, point: Array) -> Params:
        """Point `number` drawn anew until it meets the constraints, or else moved; a group keeps its structure."""
        first = self._groups.leader_of(number)
        rng = generator(self._seed, "feasible", number)
        free = ~self._shared
        if number != first:
            leader = np.array(self._space.to_unit(self.configuration(first)))
            point = np.where(free, point, leader)
        else:
            free = np.ones_like(free)
        for _ in range(REDRAWS):
            params = self._space.from_unit(point.tolist())
            if self._space.feasible(params):
                return params
            point = np.where(free, rng.random(len(point)), point)
        return mended(self._space, params, rng, kept=self._kept)

    def params(self, number: int) -> Params | None:
        """The configuration of trial `number`; `None` once the space is used up."""
        if self._space.size() is None:
            return self.configuration(number)
        while len(self._given) <= number:
            n = len(self._given)
            again = partial(generator, self._seed, "again", n)
            params = distinct(self._space, self.configuration(n), taken=self._taken, draw=again)
            self._given.append(params)
            if params is not None:
                self._taken.add(key(params))
        return self._given[number]


class SequenceSampler:
    """A strategy that does not learn."""

    def __init__(self, sequence: Sequence) -> None:
        self._sequence = sequence

    def ask(self, number: int, count: int) -> list[Params]:
        """Points `number` … `number + count − 1`; fewer once a finite space is used up."""
        found = (self._sequence.params(n) for n in range(number, number + count))
        return [params for params in found if params is not None]

    def add(self, trial: Trial) -> None:
        """Nothing to learn."""

    def tell(self, result: TrialResult) -> None:
        """Nothing to learn."""


def random(space: Space, *, maximize: bool, seed: int, course: Course = UNKNOWN) -> SequenceSampler:  # noqa: ARG001
    """Random search."""
    return SequenceSampler(Sequence(space, uniform, seed=seed_of(seed, "random"), groups=course.groups))


def quasi_random(space: Space, *, maximize: bool, seed: int, course: Course = UNKNOWN) -> SequenceSampler:  # noqa: ARG001
    """Points that fill the space more evenly than random ones."""
    return SequenceSampler(Sequence(space, sobol, seed=seed_of(seed, "sobol"), groups=course.groups))


def start(space: Space, *, seed: int, groups: Groups = UNKNOWN.groups) -> Sequence:
    """Where the strategies that learn begin: quasi-random, but for what is believed; its first point is the centre."""
    beliefs = Beliefs(space, seed=seed)
    return Sequence(space, sobol, seed=seed_of(seed, "sobol"), groups=groups, beliefs=beliefs)
