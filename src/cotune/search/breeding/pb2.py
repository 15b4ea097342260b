"""Population based bandits: a Gaussian process that changes with time chooses the settings of children.

| symbol | meaning                                                           | shape  |
|--------|-------------------------------------------------------------------|--------|
| X      | fusable settings of a stretch of training, in the unit cube        | [n, d] |
| t      | when the stretch ended, in stretches                               | [n]    |
| y      | what its figure gained, as normal scores among equal t             | [n]    |
| ω      | how much is forgotten from one stretch to the next                 | –      |
| k      | k((x, t), (x′, t′)) = matern(x, x′) · (1 − ω)^(|t − t′| / 2)       | –      |

A child's settings are those of the largest μ(x) + √β σ(x) at the time to come, β = 0.2 log(0.4 n). The children of one
boundary are chosen one after another: those before count as known in σ, so that they do not crowd.

Two deviations from the paper: gains are compared within a stretch, by rank, so that no unit and no trend is left; and
the figure reached so far is no input, since children begin at the figures of the best.

Source: Parker-Holder, Nguyen & Roberts, Provably efficient online hyperparameter optimization with population-based
bandits, NeurIPS 2020.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import qmc

from cotune.search.breeding.pbt import Pbt
from cotune.search.course import UNKNOWN, Course
from cotune.search.gaussian.evidence import normal_scores
from cotune.search.gaussian.process import Kernel, fit_kernel
from cotune.search.history import is_finite
from cotune.search.sampler import Brood, Curve
from cotune.search.seeds import generator
from cotune.search.threads import one_thread
from cotune.space import Space
from cotune.types import Params

Array = NDArray[np.float64]

ENOUGH = 8
"""Stretches that the model needs; until then children explore as in `pbt`."""
POINTS = 256
"""Stretches it holds, the newest."""
FORGETTING = (0.0, 0.05, 0.1, 0.2, 0.4)
"""Values of ω that are tried."""
EVEN, NEAR, SPREAD = 256, 64, 0.1
"""Candidates: an even spread, and neighbours of the parent, this far in units of the range."""
_JITTER = 1e-8


def pb2(space: Space, *, maximize: bool, seed: int, course: Course = UNKNOWN) -> "Pb2":
    """Population based bandits."""
    return Pb2(space, maximize=maximize, seed=seed, course=course)


@dataclass(frozen=True)
class Stretches:
    """What was learned so far: X, t and y of the table above."""

    places: Array
    times: Array
    gains: Array


@dataclass(frozen=True)
class Drift:
    """A kernel that forgets."""

    kernel: Kernel
    forgetting: float

    def __call__(self, a: Array, when_a: Array, b: Array, when_b: Array) -> Array:
        """k(a, b), shape [point of a, point of b]."""
        apart = np.abs(when_a[:, None] - when_b[None, :])
        values: Array = self.kernel(a, b) * (1.0 - self.forgetting) ** (0.5 * apart)
        return values

    def factor(self, places: Array, times: Array) -> tuple[Array, bool]:
        """Cholesky factor of the covariance of noisy values."""
        K = self(places, times, places, times)
        K[np.diag_indices_from(K)] += self.kernel.noise + _JITTER
        found: tuple[Array, bool] = cho_factor(K, lower=True)
        return found

    def likelihood(self, known: Stretches) -> float:
        """log p(y), but for a constant."""
        factor = self.factor(known.places, known.times)
        fit = float(known.gains @ cho_solve(factor, known.gains))
        return -0.5 * fit - float(np.log(np.diag(factor[0])).sum())


class Pb2(Pbt):
    """As `pbt`, but a model chooses what children try."""

    def breed(self, brood: Brood) -> list[Params]:
        """Settings of children, in the order of their numbers."""
        with one_thread():
            return self._breed(brood)

    def _breed(self, brood: Brood) -> list[Params]:
        known = self.stretches(brood)
        if known is None:
            return super().breed(brood)
        kernel = fit_kernel(known.places, known.gains)
        drift = max((Drift(kernel, w) for w in FORGETTING), key=lambda drift: drift.likelihood(known))
        pending: list[Array] = []
        found = []
        for place, parent in enumerate(brood.parents):
            now = parent.epoch / brood.every + 1.0
            chosen = self._chosen(brood, place, drift, known, now, pending)
            pending.append(self._place(chosen))
            found.append(chosen)
        return found

    def stretches(self, brood: Brood) -> Stretches | None:
        """Every stretch of `every` epochs that a trial has trained, if there are enough of them."""
        curves: dict[int, Curve] = {n: r.curve for n, _, r in self.history.trials() if r is not None}
        curves |= brood.curves
        sign = 1.0 if self.history.maximize else -1.0
        figures = {n: {epoch: sign * figure for epoch, _, figure in curve} for n, curve in curves.items()}
        by_time: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for number in sorted(figures):
            own, parent = figures[number], self.parents.get(number)
            born = 0 if parent is None else parent.epoch
            before = None if parent is None else figures.get(parent.trial, {}).get(parent.epoch)
            for end in range(born + brood.every, max(own, default=0) + 1, brood.every):
                after = own.get(end)
                if is_finite(before) and is_finite(after):
                    by_time[end].append((number, after - before))
                before = after
        rows = [
            (end, number, score)
            for end, gains in sorted(by_time.items())
            for (number, _), score in zip(gains, normal_scores([gain for _, gain in gains]), strict=True)
        ][-POINTS:]
        if len(rows) < ENOUGH:
            return None
        places = [self._place(self.history.params(number) or {}) for _, number, _ in rows]
        times = np.array([end / brood.every for end, _, _ in rows])
        return Stretches(np.array(places), times, np.array([score for _, _, score in rows]))

    def _place(self, params: Params) -> Array:
        """Fusable settings in the unit cube; one without a meaning lies in the middle."""
        return np.array([p.to_unit(params[p.name]) if p.name in params else 0.5 for p in self.fusable])

    def _chosen(
        self, brood: Brood, place: int, drift: Drift, known: Stretches, now: float, pending: list[Array]
    ) -> Params:
        parent = self.params(brood, place)
        rng = generator(self.seed, "bandit", brood.number + place)
        own = self._place(parent)
        even = qmc.Sobol(len(own), scramble=True, rng=rng).random(EVEN)
        near = np.clip(own + SPREAD * rng.standard_normal((NEAR, len(own))), 0.0, 1.0)
        active = np.array([p.name in parent for p in self.fusable])
        candidates = [self._settled(parent, point) for point in (*near, *even)]
        points = np.array([np.where(active, self._place(params), own) for params in candidates])
        merit = _upper(drift, known, points, now, pending)
        best_first = (candidates[i] for i in np.argsort(-merit, kind="stable").tolist())
        return next((params for params in best_first if self.fits(brood, parent, params)), parent)

    def _settled(self, parent: Params, point: Array) -> Params:
        """The parent's settings with the fusable ones at a point."""
        moved = {
            p.name: p.from_unit(float(x))
            for p, x in zip(self.fusable, point, strict=True)
            if p.name in parent
        }
        return {**parent, **moved}


def _upper(drift: Drift, known: Stretches, points: Array, now: float, pending: list[Array]) -> Array:
    """μ + √β σ at `points`, shape [point]."""
    when = np.full(len(points), now)
    k = drift(points, when, known.places, known.times)
    mean = k @ cho_solve(drift.factor(known.places, known.times), known.gains)
    places = np.vstack([known.places, *pending])
    times = np.concatenate([known.times, np.full(len(pending), now)])
    k = drift(points, when, places, times)
    explained = (k * cho_solve(drift.factor(places, times), k.T).T).sum(1)
    spread = np.sqrt(np.clip(drift.kernel.variance - explained, 0.0, None))
    beta = max(0.0, 0.2 * np.log(0.4 * len(known.gains)))
    found: Array = mean + beta**0.5 * spread
    return found
