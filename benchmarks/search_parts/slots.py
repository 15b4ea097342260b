"""The engine that all contenders share: 64 slots, an epoch of all of them at a time, nobody waits.

A contender starts trials in free slots, sees every trial's figure after every epoch, and says which of them leave. A
trial that left may be started again and goes on where it was: pausing and thawing cost nothing, to no contender. Who
reaches the full length, or meets a number that is not finite, leaves by itself.
"""

import math
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from cotune.search import Watcher
from cotune.study.ledger import Ledger
from cotune.types import Divergence, LaneId, Params, Record, Status, Trial
from search_parts.simulator import METRIC, SLOTS, Contender, Run
from search_parts.tasks import Task

Start = tuple[int, Params]
"""(trial number, what it trains); a number that was seen before goes on where it stopped."""
Shown = tuple[int, int, float]
"""(trial number, epoch, figure); NaN where it diverged."""


class Player(Protocol):
    """A contender as the engine sees it."""

    def start(self, free: int) -> Sequence[Start]:
        """Trials for free slots: at most `free`, none where the contender waits for others."""

    def show(self, figures: Sequence[Shown]) -> Iterable[int]:
        """What every trial in a slot has reached; back come the numbers that leave their slots."""

    @property
    def proposing(self) -> float:
        """Seconds in which the contender was thinking."""

    def close(self) -> None:
        """The run is over."""


def play(task: Task, player: Player, *, trainings: float = 4.0, slots: int = SLOTS) -> Run:
    """Search a task with as many engine-epochs as `trainings` full trainings take."""
    training: dict[int, Params] = {}
    reached: dict[int, int] = {}
    best: list[float] = []
    diverged: set[int] = set()
    better = max if task.maximize else min
    for _ in range(math.ceil(trainings * task.epochs)):
        if len(training) < slots:
            training.update(player.start(slots - len(training)))
        if len(training) > slots:
            raise RuntimeError(
                f"{len(training)} trials in {slots} slots: a contender starts more than is free"
            )
        numbers = sorted(training)
        for number in numbers:
            reached[number] = reached.get(number, 0) + 1
        figures: list[float] = []
        if numbers:
            found = task.figures([training[n] for n in numbers], [reached[n] for n in numbers])
            figures = [float(figure) for figure in found]
        known = [figure for figure in (*best[-1:], *figures) if not math.isnan(figure)]
        best.append(better(known, default=math.nan))
        shown = [(n, reached[n], figure) for n, figure in zip(numbers, figures, strict=True)]
        leaving = set(player.show(shown))
        diverged |= {n for n, _, figure in shown if math.isnan(figure)}
        leaving |= {n for n, epoch, figure in shown if epoch == task.epochs or math.isnan(figure)}
        training = {n: params for n, params in training.items() if n not in leaving}
    return Run(tuple(best), len(reached), len(diverged), len(reached), player.proposing)


class Judged:
    """A contender that proposes, is told how trials ended, and leaves to a judge who is stopped.

    It goes through the ledger of a study, as `search_parts.simulator.simulate` does.
    """

    def __init__(self, task: Task, contender: Contender) -> None:
        self._task, self._contender = task, contender
        self._ledger = Ledger(
            metric=METRIC, maximize=task.maximize, epochs=task.epochs, rungs=contender.judge, patience=0
        )
        self._tried: set[int] = set()
        self._started = 0
        self._exhausted = False
        self.proposing = 0.0

    def start(self, free: int) -> list[Start]:
        """What the contender proposes, or the nearest that has a curve."""
        if self._exhausted:
            return []
        since = time.perf_counter()
        found = self._contender.ask(self._started, free)
        self._exhausted = len(found) < free
        started: list[Start] = []
        for params in found:
            real = self._task.nearest(params, self._tried)
            if real is None:
                self._exhausted = True
                break
            self._tried.add(real[0])
            trial = Trial(self._started, real[1])
            self._contender.add(trial)
            self._ledger.start(trial, 1)
            started.append((self._started, real[1]))
            self._started += 1
        self.proposing += time.perf_counter() - since
        return started

    def show(self, figures: Sequence[Shown]) -> list[int]:
        """By the ledger; the contender is told of those that ended."""
        records, divergences = [], []
        for number, epoch, figure in figures:
            lane = LaneId(number, 0)
            if math.isnan(figure):
                divergences.append(Divergence(lane, epoch, "simulated"))
            else:
                records.append(Record(lane, epoch, epoch, 0.0, {METRIC: figure}))
        ended = self._ledger.judge(records, divergences).ended
        since = time.perf_counter()
        for result in map(self._ledger.forget, ended):
            self._contender.tell(result)
        if isinstance(self._contender, Watcher):
            for result in self._ledger.passed():
                self._contender.watch(result)
        self.proposing += time.perf_counter() - since
        return [result.number for result in ended if result.status is not Status.RUNNING]

    def close(self) -> None:
        """Nothing is open."""
