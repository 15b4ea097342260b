"""Contenders that learn nothing: Sobol points, and who of them is stopped.

| contender | who goes on                                                                          |
|-----------|--------------------------------------------------------------------------------------|
| sobol     | everybody                                                                            |
| one-epoch | one in 16 by its first epoch, to the end: about half of the slots' time is first epochs |
| asha      | one in 3 at epochs 3, 9, 27, against all that were seen there: cotune's own rungs    |
| hyperband | Hyperband's brackets (η 3, from 2 epochs), each in step with itself; a new one begins where all wait |

Source: Li et al., Hyperband, 2018; Li et al., A system for massively parallel hyperparameter tuning, 2020.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import qmc

from cotune.search import Judge
from cotune.search.rungs.halving import Rungs
from cotune.types import Params, Trial, TrialResult
from search_parts.slots import Shown, Start
from search_parts.tasks import Task

ETA = 3
ONE_IN = 16


class Points:
    """A scrambled Sobol sequence in a task's space."""

    def __init__(self, task: Task, seed: int) -> None:
        self._space = task.space
        self._sobol = qmc.Sobol(len(task.space.parameters), scramble=True, rng=np.random.default_rng(seed))
        self._known: list[list[float]] = []

    def __getitem__(self, number: int) -> Params:
        while number >= len(self._known):
            self._known += self._sobol.random(64).tolist()
        return self._space.from_unit(self._known[number])


class Sobol:
    """Sobol points under a judge.

    Args:
        task: what is searched.
        seed: of the sequence.
        judge: who is stopped early; `None` for nobody.
    """

    def __init__(self, task: Task, *, seed: int, judge: Judge | None = None) -> None:
        self._points = Points(task, seed)
        self.judge = judge

    def ask(self, number: int, count: int) -> list[Params]:
        """The next points."""
        return [self._points[n] for n in range(number, number + count)]

    def add(self, trial: Trial) -> None:
        """Nothing to learn."""

    def tell(self, result: TrialResult) -> None:
        """Nothing to learn."""


def one_epoch(task: Task) -> Judge:
    """The first epoch decides: one in 16 of all that were seen goes on, and then to the end."""
    return Rungs(epochs=2, first=1, reduction=ONE_IN, maximize=task.maximize)


def asha(task: Task) -> Judge:
    """Rungs at epochs 3, 9, 27."""
    return Rungs(epochs=task.epochs, first=3, reduction=ETA, maximize=task.maximize)


def brackets(epochs: int, *, eta: int = ETA, least: int = 2) -> list[list[tuple[int, int]]]:
    """Hyperband's brackets, longest first: [(configurations, epochs they are trained to), …] for each.

    With R the full length and s = ⌊log(R / least) / log η⌋ … 0: n = ⌈(s_max + 1) ηˢ / (s + 1)⌉, of which ⌊n / ηⁱ⌋ are
    trained to R / ηˢ⁻ⁱ.

    Example:
        >>> brackets(27, least=3)
        [[(9, 3), (3, 9), (1, 27)], [(5, 9), (1, 27)], [(3, 27)]]
    """
    most = 0
    while round(epochs / eta ** (most + 1)) >= least:
        most += 1
    return [
        [
            (math.ceil((most + 1) * eta**s / (s + 1)) // eta**i, round(epochs / eta ** (s - i)))
            for i in range(s + 1)
        ]
        for s in range(most, -1, -1)
    ]


@dataclass
class _Bracket:
    """A bracket in training."""

    stages: list[tuple[int, int]]
    place: int = 0
    waiting: list[int] = field(default_factory=list)
    """Trials to be started, or started again, in this stage."""
    running: set[int] = field(default_factory=set)
    reached: dict[int, float] = field(default_factory=dict)
    """Trial → figure (larger is better) at this stage's epochs."""

    @property
    def until(self) -> int:
        """The epochs of this stage."""
        return self.stages[self.place][1]

    def advance(self) -> None:
        """If the stage is done, the best go on to the next."""
        if self.waiting or self.running or self.place + 1 >= len(self.stages):
            return
        self.place += 1
        count = self.stages[self.place][0]
        ranked = sorted(self.reached, key=lambda n: (-self.reached[n], n))
        self.waiting = [n for n in ranked if self.reached[n] > -math.inf][:count]
        self.reached = {}


class Hyperband:
    """Sobol points in Hyperband's brackets, resumed where they were paused.

    Within a bracket a stage begins when the one before is done. Free slots go to the oldest bracket that can use them;
    if all wait, the next bracket begins.
    """

    def __init__(self, task: Task, *, seed: int) -> None:
        self._task = task
        self._points = Points(task, seed)
        self._sign = 1.0 if task.maximize else -1.0
        self._kinds = brackets(task.epochs)
        self._brackets: list[_Bracket] = []
        self._of: dict[int, _Bracket] = {}
        self._params: dict[int, Params] = {}
        self._tried: set[int] = set()
        self._begun = 0
        self.proposing = 0.0

    def start(self, free: int) -> list[Start]:
        """Trials of the oldest bracket first."""
        started: list[Start] = []
        while len(started) < free:
            bracket = next((b for b in self._brackets if b.waiting), None) or self._next()
            if bracket is None:
                break
            number = bracket.waiting.pop(0)
            bracket.running.add(number)
            started.append((number, self._params[number]))
        return started

    def _next(self) -> _Bracket | None:
        """A new bracket with points of its own; `None` when nothing is left to be tried."""
        stages = self._kinds[self._begun % len(self._kinds)]
        numbers = []
        for _ in range(stages[0][0]):
            number = len(self._params)
            real = self._task.nearest(self._points[number], self._tried)
            if real is None:
                break
            self._tried.add(real[0])
            self._params[number] = real[1]
            numbers.append(number)
        if not numbers:
            return None
        bracket = _Bracket(list(stages), waiting=numbers)
        self._of.update(dict.fromkeys(numbers, bracket))
        self._brackets.append(bracket)
        self._begun += 1
        return bracket

    def show(self, figures: Sequence[Shown]) -> list[int]:
        """Whoever reached its stage's epochs leaves."""
        leaving = []
        for number, epoch, figure in figures:
            bracket = self._of[number]
            lost = math.isnan(figure)
            if lost or epoch >= bracket.until:
                bracket.running.discard(number)
                bracket.reached[number] = -math.inf if lost else self._sign * figure
                leaving.append(number)
        for bracket in self._brackets:
            bracket.advance()
        return leaving

    def close(self) -> None:
        """Nothing is open."""
