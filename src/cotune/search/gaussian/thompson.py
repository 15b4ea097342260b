"""The default: batches by Thompson sampling from a Gaussian process, a quarter of them quasi-random.

Every proposal is the best of many candidates under a function of its own, drawn from the posterior: a batch
spreads by as much as the model is unsure, and costs one fit however large it is. The quasi-random quarter
keeps the search safe where the model is wrong.

Source: Kandasamy et al., Parallelised Bayesian optimisation via Thompson sampling, 2018.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from cotune.search.distinct import distinct
from cotune.search.gaussian.cube import Cube
from cotune.search.gaussian.evidence import ENOUGH, Evidence, evidence, normal_scores
from cotune.search.gaussian.process import Draws, Kernel, fit_kernel
from cotune.search.history import History, Key, key
from cotune.search.samplers.sequence import start
from cotune.search.seeds import generator
from cotune.search.structure import is_even_quarter, leader_of, shared
from cotune.search.threads import one_thread
from cotune.search.trend import Trend
from cotune.space import Space
from cotune.types import Params, Trial, TrialResult

Array = NDArray[np.float64]

POINTS = 300
"""Results the model holds at most: the best half of them, and the newest."""
FITTED = 96
"""Results the kernel is fitted on at most."""
SOBOL, BEST, NEIGHBOURS, SPREAD = 512, 16, 32, 0.08
"""Candidates: Sobol points, and Gaussian neighbours (spread in units of the range) of the best results."""


def thompson(space: Space, *, maximize: bool, seed: int) -> "ThompsonSampler":
    """The default strategy."""
    return ThompsonSampler(space, maximize=maximize, seed=seed)


class ThompsonSampler:
    """Batch Thompson sampling on ranks, at the longest training that enough trials have had."""

    def __init__(self, space: Space, *, maximize: bool, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._history = History(maximize=maximize)
        self._start = start(space, seed=seed)
        self._cube = Cube(space)
        self._trend = Trend(space, self._cube.settle)
        names = {p.name for p in shared(space)}
        self._shared = np.array([p.name in names for p in space.parameters], dtype=bool)
        self._fitted: tuple[tuple[tuple[int, float], ...], Kernel] | None = None
        self._places: dict[int, Array] = {}
        even = qmc.Sobol(len(space.parameters), scramble=True, rng=generator(seed, "even"))
        self._even = even.random(SOBOL)

    def add(self, trial: Trial) -> None:
        """This trial is running now."""
        self._history.add(trial)

    def tell(self, result: TrialResult) -> None:
        """This trial has ended."""
        self._history.tell(result)

    def ask(self, number: int, count: int) -> list[Params]:
        """Configurations for the trials `number` … `number + count − 1`."""
        with one_thread():
            return self._batch(number, count)

    def _batch(self, number: int, count: int) -> list[Params]:
        batch: dict[int, Params] = {}
        taken = self._history.tried()
        grouped = bool(self._shared.any())
        modelled = {n for n in range(number, number + count) if not is_even_quarter(n, grouped=grouped)}
        propose = self._proposer(number, count) if modelled else None
        for n in range(number, number + count):
            leader = batch.get(leader_of(n)) or self._history.params(leader_of(n))
            model = propose if n in modelled else None
            wanted = model(n, leader, taken) if model else self._start.configuration(n)
            again = partial(generator, self._seed, "again", n)
            params = distinct(self._space, wanted, taken=taken, draw=again)
            if params is None:
                break
            batch[n] = params
            taken.add(key(params))
        return list(batch.values())

    def _proposer(self, number: int, count: int) -> "_Proposer | None":
        known = evidence(self._history)
        if known is None or not self._space.parameters:
            return None
        rows = _newest_and_best(known)
        X, y = self._points([known.numbers[i] for i in rows]), normal_scores(known.figures)[rows]
        expected = self._trend.weighed(X, y) if self._trend else None
        draws = Draws(
            self._kernel(known),
            X,
            y if expected is None else y - expected(X),
            features=generator(self._seed, "features", number),
            weights=[generator(self._seed, "weights", n) for n in range(number, number + count)],
        )
        pool = self._candidates(X[np.argsort(-y, kind="stable")[:BEST]], number)
        at = draws.at if expected is None else lambda points: draws.at(points) + expected(points)[:, None]
        return _Proposer(self._space, self._cube, at, pool, first=number, shared=self._shared)

    def _points(self, numbers: Sequence[int]) -> Array:
        """Where trials sit in the cube; remembered, because most are asked for again and again."""
        new = [n for n in numbers if n not in self._places]
        if new:
            points = [self._space.to_unit(self._history.params(n) or {}) for n in new]
            self._places.update(zip(new, self._cube.settle(np.array(points)), strict=True))
        return np.stack([self._places[n] for n in numbers])

    def _kernel(self, known: Evidence) -> Kernel:
        """Fitted anew whenever the results have doubled, on the first of them by trial number.

        So that a rebuild fits the same: what was fitted before is never looked at, except to spare the work.
        """
        count = len(known.figures)
        rows = np.arange(max(ENOUGH, 2 ** (count.bit_length() - 1)))
        rows = rows[:: -(-len(rows) // FITTED)]
        chosen = tuple((known.numbers[i], known.figures[i]) for i in rows)
        if self._fitted is None or self._fitted[0] != chosen:
            numbers, figures = zip(*chosen, strict=True)
            self._fitted = (chosen, fit_kernel(self._points(numbers), normal_scores(figures)))
        return self._fitted[1]

    def _candidates(self, best: Array, number: int) -> Array:
        rng = generator(self._seed, "candidates", number)
        even = (self._even + rng.random(best.shape[1])) % 1.0  # as even as before, and elsewhere
        near = np.repeat(best, NEIGHBOURS, axis=0)
        near = near + SPREAD * rng.standard_normal(near.shape)
        return self._cube.settle(np.concatenate([even, near]))


def _newest_and_best(known: Evidence) -> NDArray[np.intp]:
    """Which results the model holds, by trial number."""
    figures = np.asarray(known.figures)
    if len(figures) <= POINTS:
        return np.arange(len(figures))
    order = np.argsort(-figures, kind="stable")
    best, rest = order[: POINTS // 2], np.sort(order[POINTS // 2 :])
    return np.sort(np.concatenate([best, rest[-(POINTS - len(best)) :]]))


class _Proposer:
    """Picks a batch's proposals out of candidates: each the best one under a function of its own."""

    def __init__(
        self,
        space: Space,
        cube: Cube,
        at: Callable[[Array], Array],
        pool: Array,
        *,
        first: int,
        shared: NDArray[np.bool_],
    ) -> None:
        self._space, self._cube, self._at, self._pool = space, cube, at, pool
        self._first = first
        self._shared = shared
        self._values: Array | None = None
        self._group: tuple[int, Array, Array] | None = None

    def __call__(self, number: int, leader: Params | None, taken: set[Key]) -> Params:
        """The configuration for trial `number`, with the structure of `leader` if it has one."""
        column = number - self._first
        if leader is None or not self._shared.any():
            if self._values is None:
                self._values = self._at(self._pool)
            return self._pick(self._pool, self._values[:, column], taken)
        points, values = self._of_group(leader_of(number), leader)
        return self._pick(points, values[:, column], taken)

    def _of_group(self, group: int, leader: Params) -> tuple[Array, Array]:
        """Candidates with the leader's structure, half as many, and the functions' values there."""
        if self._group is None or self._group[0] != group:
            points = self._pool[::2].copy()
            points[:, self._shared] = np.array(self._space.to_unit(leader))[self._shared]
            points = self._cube.settle(points)
            self._group = (group, points, self._at(points))
        return self._group[1], self._group[2]

    def _pick(self, points: Array, values: Array, taken: set[Key]) -> Params:
        for place in np.argsort(-values, kind="stable"):
            params = self._space.from_unit(points[place].tolist())
            if key(params) not in taken and self._space.feasible(params):
                return params
        return self._space.from_unit(points[0].tolist())
