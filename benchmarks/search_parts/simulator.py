"""An engine of 64 slots whose lanes train in no time: search alone, by the hour.

One engine-epoch is one epoch of all slots. Trials are asked for as slots get free, judged, stopped, told and replaced
at the same boundary as in `cotune.study.loop`, by the same ledger; only the figures come from a table. A budget is
counted in full trainings: as many engine-epochs as one trial takes that nobody stops.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cotune.search import (
    Bracket,
    Course,
    Groups,
    Judge,
    Watcher,
    exempting,
    make_judge,
    make_sampler,
    strategy,
)
from cotune.study.ledger import Ledger
from cotune.study.proposals import Proposals
from cotune.types import Divergence, LaneId, Params, Record, Status, Trial, TrialResult
from search_parts.tasks import Task

SLOTS = 64
BUDGETS = (0.5, 1.0, 2.0, 4.0)
"""Full trainings."""
METRIC = "figure"


class Contender(Protocol):
    """A way to search. A trial is added with what is truly trained, which may not be what was proposed (`TaskSet`)."""

    judge: Judge | None
    """Who is stopped early; `None` where every trial runs its course."""

    def ask(self, number: int, count: int) -> list[Params]:
        """Configurations for the trials `number` … `number + count − 1`; fewer when there are no more."""

    def add(self, trial: Trial) -> None:
        """This trial is running now."""

    def tell(self, result: TrialResult) -> None:
        """This trial has ended; its curve has (epoch, loss, validation figure) for every epoch."""


@dataclass(frozen=True)
class Run:
    """What came of one search."""

    best: tuple[float, ...]
    """Best validation figure so far after each engine-epoch, NaN while there is none."""
    trials: int
    diverged: int
    asked: int
    """Configurations asked for."""
    proposing: float
    """Seconds of asking, adding and telling."""

    def at(self, trainings: float, epochs: int) -> float:
        """The best figure after so many full trainings of `epochs`."""
        return self.best[max(1, math.ceil(trainings * epochs)) - 1]


def simulate(task: Task, contender: Contender, *, trainings: float = 4.0, slots: int = SLOTS) -> Run:
    """Search a task with as many engine-epochs as `trainings` full trainings take."""
    ledger = Ledger(
        metric=METRIC, maximize=task.maximize, epochs=task.epochs, rungs=contender.judge, patience=0
    )
    training: dict[int, Params] = {}
    epochs: dict[int, int] = {}
    tried: set[int] = set()
    best: list[float] = []
    started = diverged = asked = 0
    proposing, exhausted = 0.0, False
    for _ in range(math.ceil(trainings * task.epochs)):
        free = slots - len(training)
        if free and not exhausted:
            since = time.perf_counter()
            found = contender.ask(started, free)
            asked += len(found)
            exhausted = len(found) < free
            for params in found:
                real = task.nearest(params, tried)
                if real is None:
                    exhausted = True
                    break
                tried.add(real[0])
                trial = Trial(started, real[1])
                contender.add(trial)
                ledger.start(trial, 1)
                training[started], epochs[started] = real[1], 0
                started += 1
            proposing += time.perf_counter() - since
        if not training:
            best.append(best[-1])
            continue
        numbers = list(training)
        for number in numbers:
            epochs[number] += 1
        figures = task.figures(list(training.values()), [epochs[n] for n in numbers])
        ended = _judged(ledger, numbers, [epochs[n] for n in numbers], figures.tolist())
        best.append(_better(best[-1] if best else math.nan, figures.tolist(), maximize=task.maximize))
        since = time.perf_counter()
        for result in map(ledger.forget, ended):
            diverged += result.status is Status.DIVERGED
            contender.tell(result)
            del training[result.number]
        if isinstance(contender, Watcher):
            for result in ledger.passed():
                contender.watch(result)
        proposing += time.perf_counter() - since
    return Run(tuple(best), started, diverged, asked, proposing)


def _judged(
    ledger: Ledger, numbers: Sequence[int], epochs: Sequence[int], figures: Sequence[float]
) -> list[TrialResult]:
    records, divergences = [], []
    for number, epoch, figure in zip(numbers, epochs, figures, strict=True):
        lane = LaneId(number, 0)
        if math.isnan(figure):
            divergences.append(Divergence(lane, epoch, "simulated"))
        else:
            records.append(Record(lane, epoch, epoch, 0.0, {METRIC: figure}))
    return list(ledger.judge(records, divergences).ended)


def _better(best: float, figures: Sequence[float], *, maximize: bool) -> float:
    known = [f for f in (best, *figures) if not math.isnan(f)]
    return (max if maximize else min)(known, default=math.nan)


def _course(name: str, task: Task, judge: Judge | None, slots: int) -> Course:
    """What a study on compiled loops would settle: structures vary freely; some trials may be trained in full."""
    brackets = judge.brackets if judge is not None else (Bracket(1.0, ()),)
    mean = sum(each.share * each.mean(task.epochs, reduction=3) for each in brackets)
    at_once = slots if strategy(name).full else None
    return Course(Groups(1), at_once=at_once, epochs=task.epochs, mean=mean)


class Ours:
    """A strategy of cotune's, with its sampler, its way of stopping, and its asking a little ahead.

    Args:
        task: what is searched.
        name: of the strategy.
        seed: of the study.
        rungs: a key of `RUNGS`, or "auto" for what the strategy comes with.
        slots: trials at once.
    """

    def __init__(
        self, task: Task, name: str = "auto", *, seed: int, rungs: str = "auto", slots: int = SLOTS
    ) -> None:
        rungs = strategy(name).rungs if rungs == "auto" else rungs
        judge = make_judge(rungs, epochs=task.epochs, first=3, reduction=3, maximize=task.maximize)
        course = _course(name, task, judge, slots)
        self._sampler = make_sampler(name, task.space, maximize=task.maximize, seed=seed, course=course)
        self._proposals = Proposals(self._sampler, at_once=slots, trials=None, started=0)
        self.judge = exempting(judge, course.is_full) if judge is not None and course.at_once else judge

    def ask(self, number: int, count: int) -> list[Params]:
        """As the loop of a study asks."""
        return self._proposals.take(number, count)

    def add(self, trial: Trial) -> None:
        """To the sampler."""
        self._sampler.add(trial)

    def tell(self, result: TrialResult) -> None:
        """To the sampler."""
        self._sampler.tell(result)

    def watch(self, result: TrialResult) -> None:
        """To the sampler, if it looks at trials that train."""
        if isinstance(self._sampler, Watcher):
            self._sampler.watch(result)
