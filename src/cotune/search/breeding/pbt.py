"""Population based training: a child's settings are its parent's, each a little more or less, or drawn anew.

Source: Jaderberg et al., Population based training of neural networks, 2017.
"""

import math

import numpy as np

from cotune.errors import RecipeError
from cotune.search.course import UNKNOWN, Course
from cotune.search.guarded import Guarded
from cotune.search.history import History
from cotune.search.sampler import Brood
from cotune.search.samplers.sequence import quasi_random
from cotune.search.seeds import generator
from cotune.space import Parameter, Space
from cotune.types import Params, Parent, Trial, TrialResult, Value

RESAMPLED = 0.25
"""Chance that a setting is drawn anew."""

FACTORS = (0.8, 1.2)
"""What it is multiplied by otherwise."""

TRIES = 16
"""Settings tried for a child, until one fits its parent's networks; then it has the parent's own."""


def pbt(space: Space, *, maximize: bool, seed: int, course: Course = UNKNOWN) -> "Pbt":
    """Population based training."""
    return Pbt(space, maximize=maximize, seed=seed, course=course)


class Pbt:
    """First trials are quasi-random; children explore near their parents. What is structural stays in the family."""

    def __init__(self, space: Space, *, maximize: bool, seed: int, course: Course = UNKNOWN) -> None:
        self.fusable = tuple(p for p in space.parameters if p.fusable)
        if space.parameters and not self.fusable:
            law = "population based training changes fusable parameters while networks train"
            remedy = "search one of them, such as lr, or take another strategy"
            raise RecipeError(
                f"{law}, but none of these is: {', '.join(p.name for p in space.parameters)}; {remedy}"
            )
        self.seed, self._space = seed, space
        self.history = History(maximize=maximize)
        self.parents: dict[int, Parent] = {}
        self._roots = Guarded(
            quasi_random(space, maximize=maximize, seed=seed, course=course), space, seed=seed
        )

    def ask(self, number: int, count: int) -> list[Params]:
        """Trials that begin at the start."""
        return self._roots.ask(number, count)

    def add(self, trial: Trial) -> None:
        """This trial is running now."""
        self.history.add(trial)
        self._roots.add(trial)
        if trial.parent is not None:
            self.parents[trial.number] = trial.parent

    def tell(self, result: TrialResult) -> None:
        """This trial has ended."""
        self.history.tell(result)
        self._roots.tell(result)

    def breed(self, brood: Brood) -> list[Params]:
        """Settings of children, in the order of their numbers."""
        return [self.perturbed(brood, place) for place in range(len(brood.parents))]

    def perturbed(self, brood: Brood, place: int) -> Params:
        """One child's settings."""
        parent = self.params(brood, place)
        rng = generator(self.seed, "explore", brood.number + place)
        for _ in range(TRIES):
            found = dict(parent)
            for p in self.fusable:
                if p.name in found:
                    found[p.name] = _explored(p, found[p.name], rng)
            if found != parent and self.fits(brood, parent, found):
                return found
        return parent

    def fits(self, brood: Brood, parent: Params, child: Params) -> bool:
        """Whether a child may have these settings: by the constraints, and by its parent's networks."""
        return self._space.feasible(child) and brood.fits(parent, child)

    def params(self, brood: Brood, place: int) -> Params:
        """The settings of a child's parent."""
        found = self.history.params(brood.parents[place].trial)
        assert found is not None
        return found


def _explored(parameter: Parameter, value: Value, rng: np.random.Generator) -> Value:
    """A setting drawn anew, or a little more or less; of a list of choices, the next one up or down."""
    anew, place, up = rng.random() < RESAMPLED, rng.random(), int(rng.integers(2))
    if anew:
        return parameter.from_unit(place)
    points = parameter.points
    if parameter.kind == "categorical":
        assert points is not None
        return points[min(max(points.index(value) + 2 * up - 1, 0), len(points) - 1)]
    assert isinstance(value, int | float)
    moved = value * FACTORS[up]
    if parameter.kind == "int":  # else a small number would stay what it is
        moved = math.ceil(moved) if up else math.floor(moved)
    return parameter.from_unit(parameter.to_unit(moved))
