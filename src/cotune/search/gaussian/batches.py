"""The default: batches of proposals from a Gaussian process over configurations and lengths of training.

Every batch is one model. Its proposals are chosen one after the other, each where the expected gain is largest given
those before it and the trials under way, which are believed to end as expected. A quarter is quasi-random, which keeps
the search safe where the model is wrong. Some trials are trained in full, see `course`.

Source: Ginsbourger, Le Riche & Carraro 2010 (batches by believing); Swersky, Snoek & Adams, Freeze-thaw Bayesian
optimization, 2014 (a model over lengths of training); Li et al. 2020 (rungs).
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from cotune.search.course import UNKNOWN, Course
from cotune.search.distinct import distinct
from cotune.search.gaussian.cube import Cube
from cotune.search.gaussian.evidence import ENOUGH, Evidence, normal_scores
from cotune.search.gaussian.feasible import Feasible, feasible
from cotune.search.gaussian.posterior import Belief, Posterior
from cotune.search.gaussian.process import Kernel, fit_kernel
from cotune.search.history import History, Key, key
from cotune.search.samplers.sequence import start
from cotune.search.seeds import generator
from cotune.search.threads import one_thread
from cotune.search.trend import Trend
from cotune.space import Space
from cotune.types import Params, Trial, TrialResult

Array = NDArray[np.float64]

POINTS = 256
"""Figures the model holds at most."""
FITTED = 96
"""Figures the kernel is fitted on at most."""
SOBOL, BEST, NEIGHBOURS = 256, 16, 16
"""Candidates: Sobol points, and neighbours of the best results."""
SPREADS = (0.2, 0.07, 0.02)
"""Of neighbours, in units of the range, in turn."""
FITTING = 2.0
"""A proposal that fits a population in training is taken if it promises at least one part in so many of the best, where
structures come in groups."""
NEAR = 128
"""Candidates of the second look, around what was best in the first."""


def gaussian(space: Space, *, maximize: bool, seed: int, course: Course = UNKNOWN) -> "GaussianSampler":
    """The default strategy."""
    return GaussianSampler(space, maximize=maximize, seed=seed, course=course)


class GaussianSampler:
    """Batches by expected gain, at the longest training."""

    def __init__(self, space: Space, *, maximize: bool, seed: int, course: Course) -> None:
        self._space = space
        self._seed = seed
        self._course, self._groups = course, course.groups
        self._history = History(maximize=maximize)
        self._evidence = Evidence(self._history)
        self._start = start(space, seed=seed, groups=self._groups)
        self._cube = Cube(space)
        self._trend = Trend(space, self._cube.settle)
        names = {p.name for p in self._groups.shared(space)}
        self._shared = np.array([p.name in names for p in space.parameters], dtype=bool)
        self._fitted: tuple[tuple[tuple[float, int, float], ...], Kernel] | None = None
        self._places: dict[int, Array] = {}
        even = qmc.Sobol(len(space.parameters), scramble=True, rng=generator(seed, "even"))
        self._even = even.random(SOBOL)

    def add(self, trial: Trial) -> None:
        """This trial is running now."""
        self._history.add(trial)

    def tell(self, result: TrialResult) -> None:
        """This trial has ended."""
        self._history.tell(result)
        self._evidence.tell(result)

    def watch(self, result: TrialResult) -> None:
        """This trial goes on from a rung."""
        self.tell(result)

    def ask(self, number: int, count: int) -> list[Params]:
        """Configurations for the trials `number` … `number + count − 1`."""
        with one_thread():
            return self._batch(number, count)

    def _batch(self, number: int, count: int) -> list[Params]:
        batch: dict[int, Params] = {}
        taken = self._history.tried()
        modelled = {n for n in range(number, number + count) if self._is_modelled(n)}
        propose = self._proposer(number) if modelled else None
        for n in range(number, number + count):
            first = self._groups.leader_of(n)
            leader = batch.get(first) or self._history.params(first)
            model = propose if n in modelled else None
            wanted = model(leader, taken) if model else self._start.configuration(n)
            again = partial(generator, self._seed, "again", n)
            params = distinct(self._space, wanted, taken=taken, draw=again)
            if params is None:
                break
            batch[n] = params
            taken.add(key(params))
        return list(batch.values())

    def _is_modelled(self, number: int) -> bool:
        return self._course.is_full(number) or not self._groups.is_even_quarter(number)

    def _proposer(self, number: int) -> "_Proposer | None":
        levels = self._evidence.levels()
        if self._evidence.scored < ENOUGH or not self._space.parameters:
            return None
        chosen = _select(levels, POINTS)
        X, y = self._rows(chosen), normal_scores([figure for _, _, figure in chosen])
        running = self._history.running()
        awaited = _full(self._points(running)) if running else None
        expected = self._trend.weighed(X[:, :-1], y) if self._trend else None
        trend = None if expected is None else lambda rows: expected(rows[:, :-1])
        posterior = Posterior(self._kernel(levels), X, y, awaited, trend)
        # What is expected at the longest training of those that were seen, not what was measured: that is noisy.
        seen = X.copy()
        seen[:, -1] = 1.0
        belief = posterior.at(seen)
        best = np.unique(np.argsort(-belief.mean, kind="stable")[: 4 * BEST])
        order = best[np.argsort(-belief.mean[best], kind="stable")]
        return _Proposer(
            self._space,
            self._cube,
            posterior,
            self._candidates(X[order[:BEST], :-1], number),
            incumbent=float(belief.mean.max()),
            feasible=feasible(self._history, self._space),
            shared=self._shared,
            running=None if awaited is None or not self._shared.any() else awaited[:, :-1],
            rng=generator(self._seed, "near", number),
        )

    def _points(self, numbers: Sequence[int]) -> Array:
        """Where trials sit in the cube; remembered, because most are asked for again and again."""
        new = [n for n in numbers if n not in self._places]
        if new:
            points = [self._space.to_unit(self._history.params(n) or {}) for n in new]
            self._places.update(zip(new, self._cube.settle(np.array(points)), strict=True))
        return np.stack([self._places[n] for n in numbers])

    def _rows(self, chosen: Sequence[tuple[float, int, float]]) -> Array:
        points = self._points([number for _, number, _ in chosen])
        return np.column_stack([points, [level for level, _, _ in chosen]])

    def _kernel(self, levels: Sequence[tuple[float, list[tuple[int, float]]]]) -> Kernel:
        """Fitted anew whenever the results of a level have doubled, on the first of them by trial number.

        So that a rebuild fits the same: what was fitted before is never looked at, except to spare the work.
        """
        first = [
            (level, entries[: 2 ** (len(entries).bit_length() - 1)])
            for level, entries in levels
            if len(entries) > 7
        ]
        chosen = tuple(_select(first, FITTED))
        if self._fitted is None or self._fitted[0] != chosen:
            y = normal_scores([figure for _, _, figure in chosen])
            self._fitted = (chosen, fit_kernel(self._rows(chosen), y))
        return self._fitted[1]

    def _candidates(self, best: Array, number: int) -> Array:
        rng = generator(self._seed, "candidates", number)
        even = (self._even + rng.random(best.shape[1])) % 1.0  # as even as before, and elsewhere
        return self._cube.settle(np.concatenate([even, neighbours(best, NEIGHBOURS, rng)]))


def neighbours(points: Array, count: int, rng: np.random.Generator) -> Array:
    """Gaussian neighbours, `count` of each point, some of which differ from it in a few coordinates only."""
    near = np.repeat(points, count, axis=0)
    spread = np.resize(SPREADS, len(near))[:, None]
    dimensions = near.shape[1]
    moved = rng.random(near.shape) < rng.choice([1.0, 0.5, 2.0 / dimensions], size=(len(near), 1))
    found: Array = near + moved * spread * rng.standard_normal(near.shape)
    return found


def _select(
    levels: Sequence[tuple[float, list[tuple[int, float]]]], most: int
) -> list[tuple[float, int, float]]:
    """(level, number, figure): half of the room that is left to each level, and of that half for its best, half for its
    newest."""
    chosen: list[tuple[float, int, float]] = []
    for place, (level, entries) in enumerate(levels):
        room = most - len(chosen)
        share = room if place == len(levels) - 1 else room // 2
        if len(entries) > share:
            order = sorted(entries, key=lambda entry: (-entry[1], entry[0]))
            best, rest = order[: share // 2], sorted(order[share // 2 :])
            entries = sorted(best + rest[len(rest) - (share - len(best)) :])
        chosen += [(level, number, figure) for number, figure in entries]
    return chosen


class _Proposer:
    """Picks a batch's proposals out of candidates."""

    def __init__(
        self,
        space: Space,
        cube: Cube,
        posterior: Posterior,
        pool: Array,
        *,
        incumbent: float,
        feasible: Feasible | None,
        shared: NDArray[np.bool_],
        running: Array | None,
        rng: np.random.Generator,
    ) -> None:
        self._space, self._cube, self._posterior, self._pool = space, cube, posterior, pool
        self._incumbent, self._feasible, self._shared, self._rng = incumbent, feasible, shared, rng
        self._running = None if running is None else np.unique(running[:, shared], axis=0)
        self._looked: tuple[Params | None, Belief, Array] | None = None

    def __call__(self, leader: Params | None, taken: set[Key]) -> Params:
        """The next configuration, with the structure of `leader` if it has one."""
        belief, chance = self._look(leader)
        worth = belief.log_gain(self._incumbent) + chance
        for place in np.argsort(-worth, kind="stable"):
            params = self._space.from_unit(belief.points[place, :-1].tolist())
            if key(params) not in taken and self._space.feasible(params):
                self._posterior.expect(belief, int(place))
                return params
        return self._space.from_unit(belief.points[0, :-1].tolist())

    def _look(self, leader: Params | None) -> tuple[Belief, Array]:
        """Candidates with the leader's structure: all of the pool, then the surroundings of the best."""
        fixed = leader if self._shared.any() else None
        if self._looked is None or self._looked[0] != fixed:
            points = self._settled(self._pool, fixed)
            if fixed is None:
                points = np.concatenate([points, self._fitting(points[::2])])
            belief = self._posterior.at(_full(points))
            worth = belief.log_gain(self._incumbent) + self._chance(points)
            top = points[np.argsort(-worth, kind="stable")[:8]]
            near = self._settled(neighbours(top, NEAR // 8, self._rng), fixed)
            belief = belief.joined(self._posterior.at(_full(near)))
            self._looked = (
                fixed,
                belief,
                self._chance(belief.points[:, :-1]) + self._bonus(belief.points, fixed),
            )
        return self._looked[1], self._looked[2]

    def _settled(self, points: Array, leader: Params | None) -> Array:
        if leader is not None:
            points = points.copy()
            points[:, self._shared] = np.array(self._space.to_unit(leader))[self._shared]
        return self._cube.settle(points)

    def _fitting(self, points: Array) -> Array:
        """The same with the structures of populations that train, in turn: a trial that joins one costs less."""
        if self._running is None:
            return points[:0]
        points = points.copy()
        points[:, self._shared] = np.resize(self._running, (len(points), self._running.shape[1]))
        return self._cube.settle(points)

    def _bonus(self, points: Array, leader: Params | None) -> Array:
        if self._running is None or leader is not None:
            return np.zeros(len(points))
        apart = np.abs(points[:, :-1][:, None, self._shared] - self._running[None]).max(axis=2).min(axis=1)
        return np.where(apart < 1e-9, np.log(FITTING), 0.0)

    def _chance(self, points: Array) -> Array:
        return self._feasible.penalty(points) if self._feasible else np.zeros(len(points))


def _full(points: Array) -> Array:
    return np.column_stack([points, np.ones(len(points))])
