"""The default: batches by Thompson sampling from a Gaussian process, a quarter of them quasi-random.

Every proposal is the best of many candidates under a function of its own, drawn from the posterior: a batch
spreads by as much as the model is unsure, and costs one fit however large it is. The quasi-random quarter
keeps the search safe where the model is wrong.

Source: Kandasamy et al., Parallelised Bayesian optimisation via Thompson sampling, 2018.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from cotune.search.cube import Cube
from cotune.search.distinct import distinct
from cotune.search.evidence import ENOUGH, Evidence, evidence, normal_scores
from cotune.search.gaussian import Draws, Kernel, fit_kernel
from cotune.search.history import History, Key, key
from cotune.search.seeds import generator
from cotune.search.sequence import start
from cotune.search.structure import is_even_quarter, leader_of, shared
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
        names = {p.name for p in shared(space)}
        self._shared = np.array([p.name in names for p in space.parameters], dtype=bool)
        self._fitted: tuple[bytes, Kernel] | None = None

    def add(self, trial: Trial) -> None:
        """This trial is running now."""
        self._history.add(trial)

    def tell(self, result: TrialResult) -> None:
        """This trial has ended."""
        self._history.tell(result)

    def ask(self, number: int, count: int) -> list[Params]:
        """Configurations for the trials `number` … `number + count − 1`."""
        batch: dict[int, Params] = {}
        taken = self._history.tried()
        propose = self._proposer(number, count)
        for n in range(number, number + count):
            leader = batch.get(leader_of(n)) or self._history.params(leader_of(n))
            if propose is None or is_even_quarter(n, grouped=bool(self._shared.any())):
                wanted = self._start.configuration(n)
            else:
                wanted = propose(n, leader, taken)
            rng = generator(self._seed, "again", n)
            params = distinct(self._space, wanted, taken=taken, rng=rng)
            if params is None:
                break
            batch[n] = params
            taken.add(key(params))
        return list(batch.values())

    def _proposer(self, number: int, count: int) -> "_Proposer | None":
        known = evidence(self._history.results(), maximize=self._history.maximize)
        if known is None or not self._space.parameters:
            return None
        X, y = self._known(known, _newest_and_best(known))
        draws = Draws(
            self._kernel(known),
            X,
            y,
            features=generator(self._seed, "features", number),
            weights=[generator(self._seed, "weights", n) for n in range(number, number + count)],
        )
        pool = self._candidates(X[np.argsort(-y, kind="stable")[:BEST]], number)
        return _Proposer(self._space, self._cube, draws, pool, first=number, shared=self._shared)

    def _known(self, known: Evidence, rows: NDArray[np.intp]) -> tuple[Array, Array]:
        points = np.array([self._space.to_unit(known.params[i]) for i in rows])
        return self._cube.settle(points), normal_scores(known.figures)[rows]

    def _kernel(self, known: Evidence) -> Kernel:
        """Fitted anew whenever the results have doubled, on the first of them by trial number.

        So that a rebuild fits the same: what was fitted before is never looked at, except to spare the work.
        """
        count = len(known.figures)
        rows = np.arange(max(ENOUGH, 2 ** (count.bit_length() - 1)))
        rows = rows[:: -(-len(rows) // FITTED)]
        chosen = Evidence(tuple(known.params[i] for i in rows), tuple(known.figures[i] for i in rows))
        X, y = self._known(chosen, np.arange(len(rows)))
        data = X.tobytes() + y.tobytes()
        if self._fitted is None or self._fitted[0] != data:
            self._fitted = (data, fit_kernel(X, y))
        return self._fitted[1]

    def _candidates(self, best: Array, number: int) -> Array:
        rng = generator(self._seed, "candidates", number)
        even = qmc.Sobol(best.shape[1], scramble=True, rng=rng).random(SOBOL)
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
        draws: Draws,
        pool: Array,
        *,
        first: int,
        shared: NDArray[np.bool_],
    ) -> None:
        self._space, self._cube, self._draws, self._pool = space, cube, draws, pool
        self._first = first
        self._shared = shared
        self._values: Array | None = None
        self._group: tuple[int, Array, Array] | None = None

    def __call__(self, number: int, leader: Params | None, taken: set[Key]) -> Params:
        """The configuration for trial `number`, with the structure of `leader` if it has one."""
        column = number - self._first
        if leader is None or not self._shared.any():
            if self._values is None:
                self._values = self._draws.at(self._pool)
            return self._pick(self._pool, self._values[:, column], taken)
        points, values = self._of_group(leader_of(number), leader)
        return self._pick(points, values[:, column], taken)

    def _of_group(self, group: int, leader: Params) -> tuple[Array, Array]:
        """Candidates with the leader's structure, half as many, and the functions' values there."""
        if self._group is None or self._group[0] != group:
            points = self._pool[::2].copy()
            points[:, self._shared] = np.array(self._space.to_unit(leader))[self._shared]
            points = self._cube.settle(points)
            self._group = (group, points, self._draws.at(points))
        return self._group[1], self._group[2]

    def _pick(self, points: Array, values: Array, taken: set[Key]) -> Params:
        for place in np.argsort(-values, kind="stable"):
            params = self._space.from_unit(points[place].tolist())
            if key(params) not in taken:
                return params
        return self._space.from_unit(points[0].tolist())
