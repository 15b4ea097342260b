"""A sampler of one score serves several objectives: it is told places in their common order.

Whoever looks at nothing but which trials are better than which (a Parzen estimator, a genetic algorithm) loses
nothing by that: with a genetic algorithm it is NSGA-II, with TPE it is the multi-objective TPE but for its weights.

Source: Deb et al., A fast and elitist multiobjective genetic algorithm: NSGA-II, 2002; Ozaki et al., Multiobjective
tree-structured Parzen estimator for computationally expensive optimization problems, 2020.
"""

from collections.abc import Callable
from dataclasses import replace

from cotune.search.history import is_finite
from cotune.search.sampler import Sampler
from cotune.search.several.dominance import as_points
from cotune.search.several.objectives import Objectives
from cotune.search.several.order import order
from cotune.types import Params, Status, Trial, TrialResult


class Ranked:
    """Tells a sampler of one score each trial's place; less is better.

    Places change with every result, so the sampler is made anew for every batch.

    Args:
        make: the sampler, of a score of which less is better.
        objectives: what trials are compared by.
        stopped_complete: whether a trial that was stopped is told as complete: that it fell behind, its place says.
    """

    def __init__(
        self, make: Callable[[], Sampler], objectives: Objectives, *, stopped_complete: bool = False
    ) -> None:
        self._make = make
        self._objectives = objectives
        self._stopped_complete = stopped_complete
        self._trials: dict[int, Trial] = {}
        self._results: dict[int, TrialResult] = {}

    def add(self, trial: Trial) -> None:
        """This trial is running now."""
        self._trials[trial.number] = trial

    def tell(self, result: TrialResult) -> None:
        """This trial has ended."""
        self._trials[result.number] = Trial(result.number, result.params)
        self._results[result.number] = result

    def ask(self, number: int, count: int) -> list[Params]:
        """Configurations for the trials `number` … `number + count − 1`."""
        sampler = self._make()
        for n in sorted(self._trials):
            sampler.add(self._trials[n])
        for result in self._told():
            sampler.tell(result)
        return sampler.ask(number, count)

    def _told(self) -> list[TrialResult]:
        results = [self._results[n] for n in sorted(self._results)]
        scored = [result for result in results if is_finite(result.score)]
        losses = [self._objectives.of(result) or () for result in scored]
        places = {scored[at].number: float(place) for place, at in enumerate(order(as_points(losses)))}
        return [self._at(result, places.get(result.number)) for result in results]

    def _at(self, result: TrialResult, place: float | None) -> TrialResult:
        if place is None:
            return replace(result, score=None, curve=(), values=(), sides=())
        complete = self._stopped_complete and result.status is Status.STOPPED
        return replace(
            result,
            status=Status.COMPLETE if complete else result.status,
            score=place,
            curve=((result.epochs, result.curve[-1][1] if result.curve else 0.0, place),),
            values=(),
            sides=(),
        )
