"""Nothing is proposed that breaks a limit on what is known of a network before it is trained."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from cotune.search.history import Key, key
from cotune.search.sampler import Sampler, Watcher
from cotune.search.seeds import generator
from cotune.search.structure import Groups
from cotune.space import Space
from cotune.types import Params, Trial, TrialResult

STEPS, REDRAWS = 8, 16
"""Steps on the way to a configuration that is allowed; draws of one at random."""
WALKED = 2**14
"""Larger finite spaces are not listed."""


class Feasible:
    """Passes a sampler's proposals on; in the place of one that is not allowed comes a near one that is.

    It lies on the straight line, in the unit cube, from what was proposed to an allowed configuration drawn at random,
    as near to the proposal as some steps find. What a group of trials shares is moved alone, and in the same
    direction for the whole group, so the group goes on sharing it. In a finite space it is the nearest that was not
    tried.

    Args:
        sampler: who proposes. It is told what was trained.
        space: what is searched.
        allowed: whether a configuration keeps the limits; the same answer whenever it is asked.
        smallest: one that does.
        seed: of the study.
        groups: of trials that share a structure; those of usual size by default.
    """

    def __init__(
        self,
        sampler: Sampler,
        space: Space,
        *,
        allowed: Callable[[Params], bool],
        smallest: Params,
        seed: int,
        groups: Groups | None = None,
    ) -> None:
        self._sampler = sampler
        self._space = space
        self._allowed = allowed
        self._smallest = np.array(space.to_unit(smallest))
        self._seed = seed
        self._groups = groups or Groups()
        names = {p.name for p in self._groups.shared(space)}
        self._shared = np.array([p.name in names for p in space.parameters], dtype=bool)
        self._structural = np.array([not p.fusable for p in space.parameters], dtype=bool)
        self._tried: dict[int, Key] = {}

    def add(self, trial: Trial) -> None:
        """This trial is running now."""
        self._tried[trial.number] = key(trial.params)
        self._sampler.add(trial)

    def tell(self, result: TrialResult) -> None:
        """This trial has ended."""
        self._tried[result.number] = key(result.params)
        self._sampler.tell(result)

    def watch(self, result: TrialResult) -> None:
        """This trial goes on from a rung."""
        if isinstance(self._sampler, Watcher):
            self._sampler.watch(result)

    def ask(self, number: int, count: int) -> list[Params]:
        """Configurations for the trials `number` … `number + count − 1`, all of them allowed."""
        taken = set(self._tried.values())
        found: list[Params] = []
        for n, params in enumerate(self._sampler.ask(number, count), number):
            mended = self._untried(params, taken) if self._listed else self._near(n, params)
            if mended is None:
                break
            found.append(mended)
            taken.add(key(mended))
        return found

    @property
    def _listed(self) -> bool:
        size = self._space.size()
        return size is not None and size <= WALKED

    @cached_property
    def _all(self) -> list[tuple[Params, np.ndarray]]:
        """Every configuration that is allowed, and where it lies."""
        walked = (params for params in self._space.walk() if self._allowed(params))
        return [(params, np.array(self._space.to_unit(params))) for params in walked]

    def _untried(self, params: Params, taken: set[Key]) -> Params | None:
        if key(params) not in taken and self._allowed(params):
            return params
        left = [(other, place) for other, place in self._all if key(other) not in taken]
        if not left:
            return None
        here = np.array(self._space.to_unit(params))
        return min(left, key=lambda pair: float(((pair[1] - here) ** 2).sum()))[0]

    def _near(self, number: int, params: Params) -> Params:
        if self._allowed(params):
            return params
        here = np.array(self._space.to_unit(params))
        for moved in (self._shared, self._structural):
            if moved.any():
                goal = self._goal(number, here, moved)
                found = self._first([self._toward(here, goal, moved, i / STEPS) for i in range(1, STEPS + 1)])
                if found is not None:
                    return found
        return self._space.from_unit(self._smallest.tolist())

    def _goal(self, number: int, here: np.ndarray, moved: np.ndarray) -> np.ndarray:
        """A point whose moved coordinates are allowed beside the others of `here`, at random where that is found."""
        rng = generator(self._seed, "allowed", self._groups.leader_of(number))
        drawn = rng.random((REDRAWS, len(here)))
        for point in drawn:
            if self._allowed(self._toward(here, point, moved, 1.0)):
                return np.asarray(point)
        return self._smallest

    def _first(self, candidates: Sequence[Params]) -> Params | None:
        return next((params for params in candidates if self._allowed(params)), None)

    def _toward(self, here: np.ndarray, goal: np.ndarray, moved: np.ndarray, share: float) -> Params:
        point = np.where(moved, here + share * (goal - here), here)
        return self._space.from_unit(point.tolist())
