"""A sampler that models one score serves several objectives: every group of trials has its own mixture of them.

| symbol | meaning                                                                           | shape            |
|--------|-----------------------------------------------------------------------------------|------------------|
| z      | normal scores of each objective, the best moved to 0; less is better               | [trial objective] |
| w      | weights of a group of trials, their sum is 1                                       | [objective]      |
| s      | what the sampler is told: max_i w_i z_i + ρ Σ_i w_i z_i, less is better            | [trial]          |

Whatever the shape of the front, each of its points is the best for some weights. These are a pure function of the
trial's number: the first group looks at the score alone, the others' weights fill the simplex evenly. A group of
trials shares its structure (see `cotune.search.structure`), and with it its size: so it shares its weights as well.

Source: Knowles, ParEGO, 2006 (augmented Chebyshev scalarisation, new weights for every step); Paria et al., A flexible
framework for multi-objective Bayesian optimization using random scalarizations, 2019 (with Thompson sampling).
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cotune.search.gaussian.evidence import normal_scores
from cotune.search.history import is_finite
from cotune.search.sampler import Sampler
from cotune.search.samplers.sequence import sobol
from cotune.search.seeds import seed_of
from cotune.search.several.dominance import Points, as_points
from cotune.search.several.objectives import Objectives
from cotune.search.structure import GROUP
from cotune.types import Params, Trial, TrialResult

RHO = 0.05
"""How much the sum counts beside the largest, so that what is dominated is never as good."""


class Scalarised:
    """Tells a sampler of one score a mixture of the objectives, another for every group of trials.

    Args:
        make: the sampler, of a score of which less is better; a new one for every group.
        objectives: what trials are compared by.
        seed: of the study.
    """

    def __init__(self, make: Callable[[], Sampler], objectives: Objectives, *, seed: int) -> None:
        self._make = make
        self._objectives = objectives
        self._count = 1 + len(objectives.beside)
        self._points = sobol(self._count - 1, seed=seed_of(seed, "weights of objectives"))
        self._trials: dict[int, Trial] = {}
        self._results: dict[int, TrialResult] = {}

    def add(self, trial: Trial) -> None:
        """This trial is running now."""
        self._trials[trial.number] = trial

    def tell(self, result: TrialResult) -> None:
        """This trial has ended."""
        self._trials[result.number] = Trial(result.number, result.params)
        self._results[result.number] = result

    def weights(self, number: int) -> NDArray[np.float64]:
        """Of the trial of this number, shape [objective]; even over the simplex by the gaps between sorted numbers."""
        group = number // GROUP
        if not group:
            return np.array([1.0, *[0.0] * (self._count - 1)])
        cuts = np.concatenate([[0.0], np.sort(self._points(group)), [1.0]])
        gaps: NDArray[np.float64] = cuts[1:] - cuts[:-1]
        return gaps

    def ask(self, number: int, count: int) -> list[Params]:
        """Configurations for the trials `number` … `number + count − 1`."""
        found: list[Params] = []
        known = _Known(list(self._results.values()), self._objectives)
        while len(found) < count:
            first = number + len(found)
            wanted = min(count - len(found), GROUP - first % GROUP)
            sampler = self._make()
            for n in sorted(self._trials):
                sampler.add(self._trials[n])
            for n, params in enumerate(found, number):
                sampler.add(Trial(n, params))
            for result in known.mixed(self.weights(first)):
                sampler.tell(result)
            some = sampler.ask(first, wanted)
            found += some
            if len(some) < wanted:
                break
        return found


class _Known:
    """All results, and z of them: of their scores, and of their figures at each epoch."""

    def __init__(self, results: list[TrialResult], objectives: Objectives) -> None:
        self._results = sorted(results, key=lambda result: result.number)
        scored = [result for result in self._results if is_finite(result.score)]
        self._scores = _Column([r.number for r in scored], [objectives.of(r) or () for r in scored])
        rows: dict[int, list[tuple[int, tuple[float, ...]]]] = defaultdict(list)
        for result in scored:
            for epoch, losses in objectives.by_epoch(result).items():
                rows[epoch].append((result.number, losses))
        self._epochs = {
            epoch: _Column([n for n, _ in pairs], [losses for _, losses in pairs])
            for epoch, pairs in rows.items()
        }

    def mixed(self, weights: NDArray[np.float64]) -> list[TrialResult]:
        """The results with s in the place of their figures; those without a score as they are."""
        scores = self._scores.mixed(weights)
        epochs = {epoch: column.mixed(weights) for epoch, column in self._epochs.items()}
        return [
            replace(
                result,
                score=scores[result.number],
                curve=tuple((epoch, loss, epochs[epoch][result.number]) for epoch, loss, _ in result.curve),
                values=(),
                sides=(),
            )
            if result.number in scores
            else replace(result, curve=(), values=(), sides=())
            for result in self._results
        ]


class _Column:
    """z of some trials."""

    def __init__(self, numbers: list[int], losses: list[tuple[float, ...]]) -> None:
        self._numbers = numbers
        self._z = _scaled(as_points(losses)) if losses else np.zeros((0, 1))

    def mixed(self, weights: NDArray[np.float64]) -> dict[int, float]:
        """s by trial number."""
        if not self._numbers:
            return {}
        parts = self._z * weights
        mixed = parts.max(axis=1) + RHO * parts.sum(axis=1)
        return dict(zip(self._numbers, mixed.tolist(), strict=True))


def _scaled(losses: Points) -> Points:
    scores = np.stack([normal_scores(column.tolist()) for column in losses.T], axis=1)
    found: Points = scores - scores.min(axis=0)
    return found
