"""The best trials once more, with seeds that no search has seen.

The best of many scores is too good: of equally good trials the one that was lucky is ranked first. So the few best are
trained again, in full, with fresh seeds, whose mean decides which of them wins. What is handed over are the winner's
networks as the search trained them.

The mean of a trial's reruns is free of the search's luck. That of the winner is the best of m means, which is a little
too good again: what to expect of it is that mean, drawn to the mean of all by the part of their spread that luck
explains (empirical Bayes; Efron & Morris, Stein's estimation rule and its competitors, 1973).

| symbol | meaning                                     |
|--------|---------------------------------------------|
| m      | the best trials that are trained again      |
| N      | fresh seeds of each                         |
| F      | folds                                       |
| E      | epochs of a training that nobody stops      |

All m·N·F lanes train at once; they take at most m·N·F·E lane-epochs, which are kept back from the limits of the study.
"""

import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cotune.engine.lanes import Lane
from cotune.errors import RecipeError
from cotune.recipe import Recipe
from cotune.recipe.stages import FRESH, Stages
from cotune.records.confirmed import rank
from cotune.search import BREEDING, Patience
from cotune.study.budget import Speed
from cotune.study.lanes import LaneFactory
from cotune.study.slots import TIRED, Lengths
from cotune.types import LaneId, Params, Record, TrialResult

BEST = 5
"""m."""

SEEDS = 3
"""N where the recipe leaves it open and there is room."""

ROOM = 0.05
"""There is room where it costs at most this part of each limit that the study has."""

MOST = 0.5
"""And where N is asked for, it may take this part of the time or of the epochs."""

SLACK = 1.2
"""Time that is kept back, as a multiple of what it should take."""


def lanes_of(seeds: int, *, folds: int) -> int:
    """m·N·F."""
    return BEST * seeds * folds


def longest(recipe: Recipe) -> int:
    """E."""
    epochs = _epochs(recipe)
    return min(epochs, TIRED * recipe.training.patience or epochs)


def _epochs(recipe: Recipe) -> int:
    assert isinstance(recipe.training.epochs, int)
    return recipe.training.epochs


def seconds_of(recipe: Recipe, seeds: int, *, folds: int, speed: Speed) -> float:
    """Time to keep back."""
    return SLACK * longest(recipe) * speed.round_seconds(lanes_of(seeds, folds=folds)) if seeds else 0.0


def check(recipe: Recipe, stages: Stages) -> None:
    """Raise `RecipeError` where the reruns that a recipe asks for would take most of its epochs, or make no sense."""
    search, epochs = recipe.search, _epochs(recipe)
    if search.confirm == "auto" or not search.confirm:
        return
    asked, cost = search.confirm, lanes_of(search.confirm, folds=stages.folds) * epochs
    if search.rungs == BREEDING:
        law = f"search.confirm {asked} trains a configuration from the start, but trials of {search.strategy} change "
        raise RecipeError(f"{law}theirs as they go; leave it out")
    if search.lane_epochs is not None and cost > MOST * search.lane_epochs:
        runs = f"{BEST} trials × {asked} seeds × {stages.folds} folds × {epochs} epochs"
        law = f"search.confirm {asked} takes up to {runs}"
        law += f" = {cost} lane-epochs, more than half of search.lane_epochs {search.lane_epochs}"
        raise RecipeError(f"{law}; ask for fewer seeds, or for more lane-epochs")


def seeds_for(recipe: Recipe, stages: Stages, speed: Speed, *, generates: bool) -> int:
    """N: as the recipe asks; where it leaves it open, `SEEDS` if there is room, else none.

    Args:
        recipe: resolved; its number of epochs too.
        stages: of a trial.
        speed: how fast lanes train here, where the study has a time limit.
        generates: whether rows are generated.
    """
    search, folds = recipe.search, stages.folds
    if search.confirm != "auto":
        return search.confirm
    if generates or search.objectives or search.rungs == BREEDING:
        return 0
    asked, cost = SEEDS, lanes_of(SEEDS, folds=folds) * _epochs(recipe)
    room = [cost <= ROOM * search.lane_epochs] if search.lane_epochs is not None else []
    if search.trials is not None:
        work = search.trials * len(stages.lanes(0)) * Lengths.of(recipe, stages).mean
        room.append(lanes_of(asked, folds=folds) * longest(recipe) <= ROOM * work)
    if search.time_limit is not None:
        room.append(seconds_of(recipe, asked, folds=folds, speed=speed) <= ROOM * search.time_limit)
    return asked if room and all(room) else 0


@dataclass(frozen=True)
class Reserve:
    """What is kept back of a study's limits."""

    seconds: float
    lane_epochs: int

    @classmethod
    def of(cls, recipe: Recipe, stages: Stages, speed: Speed) -> "Reserve":
        """What the reruns of a recipe may take; at most half of the time."""
        search, folds = recipe.search, stages.folds
        seeds = search.confirm if isinstance(search.confirm, int) else 0
        seconds = seconds_of(recipe, seeds, folds=folds, speed=speed)
        return cls(
            min(seconds, MOST * (search.time_limit or 0.0)), lanes_of(seeds, folds=folds) * _epochs(recipe)
        )


def _expected(found: Sequence[Mapping[str, Any]]) -> list[float | None]:
    """Means, each drawn to the mean of all by the part of their spread that luck explains."""
    means = [each["mean"] for each in found if each["mean"] is not None]
    spread = statistics.variance(means) if len(means) > 1 else 0.0
    noises = [each["sd"] ** 2 / len(each["scores"]) for each in found if each["sd"] is not None]
    luck = statistics.fmean(noises) if noises else 0.0
    kept = max(0.0, 1 - luck / spread) if spread > 0 else 0.0
    middle = statistics.fmean(means) if means else 0.0
    return [None if each["mean"] is None else middle + kept * (each["mean"] - middle) for each in found]


class Confirming:
    """The reruns: a function of the trials that are chosen, and of the records in the order of their boundaries.

    Args:
        trials: those that are trained again, best first.
        factory: makes lanes.
        metric, maximize: the figure.
        epochs, patience: of every training.
        seeds: N.
    """

    def __init__(
        self,
        trials: Sequence[int],
        factory: LaneFactory,
        *,
        metric: str,
        maximize: bool,
        epochs: int,
        patience: int,
        seeds: int,
    ) -> None:
        self.trials = tuple(trials)
        self._factory, self._stages = factory, factory.stages
        self._metric, self._maximize, self._epochs, self._seeds = metric, maximize, epochs, seeds
        self._patience = Patience(patience, maximize)
        self._best: dict[LaneId, float] = {}
        self._running = {self._place(trial, seed) for trial in trials for seed in range(seeds)}
        self._diverged: set[int] = set()

    def _place(self, trial: int, seed: int) -> int:
        return trial * self._seeds + seed

    def names(self, trial: int, seed: int) -> list[LaneId]:
        """The lanes of a rerun, one for each fold."""
        first, stages = (FRESH + seed) * self._stages.whole, self._stages
        return [LaneId(trial, first + fold * stages.seeds) for fold in range(stages.folds)]

    def lanes(self, params: Mapping[int, Params]) -> list[Lane]:
        """All of them, as they begin.

        Args:
            params: configurations by trial.
        """
        return [
            self._factory.lane(name, params[trial])
            for trial in self.trials
            for seed in range(self._seeds)
            for name in self.names(trial, seed)
        ]

    def take(self, records: Collection[Record]) -> list[LaneId]:
        """Take note of a boundary; the lanes that have come to their end. One without a record has diverged."""
        by_lane = {record.lane: record for record in records}
        over = []
        for trial in self.trials:
            for seed in range(self._seeds):
                place, names = self._place(trial, seed), self.names(trial, seed)
                if place in self._running and self._is_over(place, [by_lane.get(name) for name in names]):
                    self._running.discard(place)
                    over += names
        return over

    def _is_over(self, place: int, records: Sequence[Record | None]) -> bool:
        known = [record for record in records if record is not None]
        if len(known) < len(records):
            self._diverged.add(place)
            return True
        for record in known:
            figure, best = record.metrics[self._metric], self._best.get(record.lane)
            if best is None or (figure > best if self._maximize else figure < best):
                self._best[record.lane] = figure
        mean = sum(record.metrics[self._metric] for record in known) / len(known)
        bored = self._patience.update(place, mean)
        return bored or known[0].epoch >= self._epochs

    def facts(self) -> dict[str, Any]:
        """What is kept: {seeds, finished, trials: {number: {scores, mean, sd, expected, diverged}}}.

        Scores are of seeds, each the mean over folds; `None` stands where too few are left.
        """
        found = {}
        for trial in self.trials:
            fine = [seed for seed in range(self._seeds) if self._place(trial, seed) not in self._diverged]
            scores = [
                sum(self._best.get(name, math.nan) for name in names) / len(names)
                for names in (self.names(trial, seed) for seed in fine)
            ]
            scores = [score for score in scores if math.isfinite(score)]
            found[str(trial)] = {
                "scores": scores,
                "mean": statistics.fmean(scores) if scores else None,
                "sd": statistics.stdev(scores) if len(scores) > 1 else None,
                "diverged": self._seeds - len(fine),
            }
        for each, value in zip(found.values(), _expected(list(found.values())), strict=True):
            each["expected"] = value
        return {"seeds": self._seeds, "finished": not self._running, "trials": found}

    def ranked(self, results: Sequence[TrialResult]) -> list[int]:
        """The numbers of these trials: those that were trained again by what came of it, then the others as they come.

        Until all reruns are over nothing is changed.
        """
        facts, last = self.facts(), (math.inf, 0.0)
        numbers = [result.number for result in results]
        return sorted(numbers, key=lambda n: rank(facts, n, maximize=self._maximize) or last)
