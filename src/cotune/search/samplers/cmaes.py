"""Covariance matrix adaptation: a normal distribution over the numbers, moved and shaped by ranks.

The distribution is over the numbers that trials need not share; whole and stepped ones have a margin, which keeps a
coordinate from sticking to one value. Names, and the structure that a group of trials shares, are inherited as in
`genetic`.

Results are told in generations: those that have ended, by trial number, so many at a time. A result that comes late is
put where it belongs and all that follows is told again, so that the state is a function of the results alone; as
trials overlap, some of a generation were drawn before the distribution last moved, which ranks can stand. Once it has
shrunk to a point, it begins anew elsewhere with twice the generation.

Source: Hansen & Ostermeier, Completely derandomized self-adaptation in evolution strategies, 2001; Hamano et al.,
CMA-ES with margin, 2022; Auger & Hansen, A restart CMA evolution strategy with increasing population size, 2005; the
`cmaes` package's implementation.
"""

import math
from copy import deepcopy
from dataclasses import dataclass, field, replace

import numpy as np
from cmaes import CMAwM
from numpy.typing import NDArray

from cotune.search.course import UNKNOWN, Course
from cotune.search.history import History, is_finite
from cotune.search.samplers.genetic import GeneticSampler
from cotune.search.samplers.told import last_figure
from cotune.search.seeds import generator, seed_of
from cotune.search.structure import Groups
from cotune.search.threads import one_thread
from cotune.space import Parameter, Space
from cotune.types import Params, Status, Trial, TrialResult, Value

SPREAD = 0.25
"""Standard deviation at the start, in units of the range."""

LEAST = 12
"""Results of a generation, at least."""

POINT = 5e-4
"""A generation with less spread than this is a point: networks cannot tell such differences."""

Merit = tuple[float, float]
"""How far a trial came, and its figure there; smaller is better."""


class CmaSampler:
    """Evolution whose numbers come from a distribution that adapts."""

    def __init__(self, space: Space, *, maximize: bool, seed: int, groups: Groups = UNKNOWN.groups) -> None:
        names = {p.name for p in groups.shared(space)}
        self._space = space
        self._seed = seed
        self._numbers = tuple(p for p in space.parameters if p.kind != "categorical" and p.name not in names)
        self._rest = GeneticSampler(space, maximize=maximize, seed=seed, groups=groups)
        self._history = History(maximize=maximize)
        self._states: list[_State] = []

    def add(self, trial: Trial) -> None:
        """This trial is running now."""
        self._history.add(trial)
        self._rest.add(trial)

    def tell(self, result: TrialResult) -> None:
        """This trial has ended."""
        self._history.tell(result)
        self._rest.tell(result)

    def ask(self, number: int, count: int) -> list[Params]:
        """Configurations for the trials `number` … `number + count − 1`."""
        if not self._numbers:
            return self._rest.ask(number, count)
        with one_thread():
            state = self._state()
            return self._rest.ask(number, count, numbers=lambda n, again: self._drawn(state, n, again))

    def _drawn(self, state: "_State", number: int, again: int) -> dict[str, Value]:
        """The numbers of trial `number`, those that turn out inactive too."""
        state.law.reseed_rng(seed_of(self._seed, "draw", number, again))
        point = state.law.mean if number == 0 and not again else state.law.ask()[0]
        return {p.name: p.nearest(p.from_unit(float(x))) for p, x in zip(self._numbers, point, strict=False)}

    def _state(self) -> "_State":
        """After all whole generations; what is known from the last time is not told again."""
        order = [(r.number, _merit(r, maximize=self._history.maximize)) for r in self._history.results()]
        states = self._states or [_State(_law(self._numbers, self._seed, 0))]
        sound = 1
        while sound < len(states) and states[sound].told == order[states[sound].since : states[sound].until]:
            sound += 1
        del states[sound:]
        while states[-1].until + states[-1].law.population_size <= len(order):
            states.append(self._after(states[-1], order))
        self._states = states
        return states[-1]

    def _after(self, state: "_State", order: list[tuple[int, Merit]]) -> "_State":
        """One generation later."""
        law: CMAwM = deepcopy(state.law)
        since, until = state.until, state.until + law.population_size
        told = order[since:until]
        places = {number: place for place, (number, _) in enumerate(sorted(told, key=lambda t: (t[1], t[0])))}
        points = np.stack([self._point(number, law) for number, _ in told])
        law.tell([(point, float(places[number])) for point, (number, _) in zip(points, told, strict=True)])
        after = _State(law, since, until, told, state.restarts)
        if law.should_stop() or (points.std(axis=0) < POINT).all():
            restarts = state.restarts + 1
            return replace(after, law=_law(self._numbers, self._seed, restarts), restarts=restarts)
        return after

    def _point(self, number: int, law: CMAwM) -> NDArray[np.float64]:
        """Where a trial sits; a number that it does not have is at the mean, which teaches nothing."""
        params = self._history.params(number) or {}
        point: NDArray[np.float64] = law.mean.copy()
        for i, p in enumerate(self._numbers):
            if p.name in params:
                point[i] = p.to_unit(params[p.name])
        return point


@dataclass(frozen=True)
class _State:
    """The distribution after some generations, the last of which was told from the results `since` … `until − 1`."""

    law: CMAwM
    since: int = 0
    until: int = 0
    told: list[tuple[int, Merit]] = field(default_factory=list)
    restarts: int = 0


def _law(numbers: tuple[Parameter, ...], seed: int, restart: int) -> CMAwM:
    mean = np.array([p.middle for p in numbers])
    if restart:
        mean = generator(seed, "restart", restart).random(len(numbers))
    steps = np.array([_step(p) for p in numbers])
    bounds = np.stack([steps / 2.0, 1.0 - steps / 2.0], axis=1)
    if len(numbers) == 1:  # the package wants two coordinates: one that decides nothing
        mean, steps, bounds = (
            np.append(mean, 0.5),
            np.append(steps, 0.0),
            np.append(bounds, [[0.0, 1.0]], axis=0),
        )
    usual = 4 + int(3 * math.log(len(mean)))
    mean = np.clip(mean, bounds[:, 0], bounds[:, 1])
    generation = max(LEAST, usual) * 2**restart
    return CMAwM(mean, SPREAD, bounds, steps, population_size=generation, seed=seed_of(seed, "law"))


def _step(p: Parameter) -> float:
    """Between two values of a stepped number; 0 where they are as good as a continuum."""
    if p.points is None or len(p.points) < 2 or getattr(p.setting, "log", False):
        return 0.0
    return 1.0 / len(p.points)


def _merit(result: TrialResult, *, maximize: bool) -> Merit:
    """Whoever came farther is better: those that stayed behind were stopped for being worse.

    So results of one generation need no common length. Whatever diverged or failed is worse than all.
    """
    sign = -1.0 if maximize else 1.0
    if result.status is Status.COMPLETE and is_finite(result.score):
        return (-math.inf, sign * result.score)
    if result.status is Status.STOPPED:
        epoch, figure = last_figure(result)
        if is_finite(figure):
            return (-float(epoch), sign * figure)
    return (1.0, 0.0)


def cmaes(space: Space, *, maximize: bool, seed: int, course: Course = UNKNOWN) -> CmaSampler:
    """CMA-ES with margin on the numbers, evolution on all else."""
    return CmaSampler(space, maximize=maximize, seed=seed, groups=course.groups)
