"""Configurations trained side by side on the same seeds: everything that chance decides is equal between them.

A lane's chance is its seed's (first weights, row order, masks), and its rows are its fold's. So configurations are
compared in pairs, seed by seed, and only what they do differently is between them.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from statistics import fmean

from cotune.engine.devices import Compute
from cotune.engine.lanes import Lane
from cotune.engine.loop import Engine, slots
from cotune.engine.outcome import Halt, Halted, Outcome
from cotune.engine.parallel import cores, one_thread_a_kernel
from cotune.engine.rng import seed_of
from cotune.study.lanes import LaneFactory
from cotune.types import LaneId, Params

LANES_PER_CORE = 16
"""Lanes in training at once on a CPU: enough to keep its cores busy to the end of each epoch. More would cost nothing,
but seeds would be complete later, and what is interrupted keeps its complete seeds."""


@dataclass
class Course:
    """How a lane went: (train loss, figure) by epoch; `lost` if it met a number that is not finite, or did not fit."""

    points: list[tuple[float, float]] = field(default_factory=list)
    lost: bool = False


@dataclass(frozen=True)
class Plan:
    """What is trained.

    Args:
        configs: full configurations.
        seeds, folds: how many.
        seed: of the study.
        scratch: places of configurations whose weights are all drawn, whatever the study's begin with.
    """

    configs: Sequence[Params]
    seeds: int
    folds: int
    seed: int
    scratch: frozenset[int] = frozenset()

    @property
    def lanes(self) -> int:
        """All of them."""
        return len(self.configs) * self.seeds * self.folds

    @property
    def order(self) -> list[LaneId]:
        """The lanes' names, seed by seed: what is broken off has whole seeds."""
        return [
            LaneId(config, fold * self.seeds + seed)
            for seed in range(self.seeds)
            for config in range(len(self.configs))
            for fold in range(self.folds)
        ]

    def lane(self, name: LaneId, factory: LaneFactory) -> Lane:
        """A lane; its seed is that of every configuration's lane of the same fold and seed, and of no trial's."""
        lane = factory.lane(name, self.configs[name.trial])
        start = None if name.trial in self.scratch else lane.start
        return replace(lane, seed=seed_of(self.seed, "ablation", name.index), start=start)


def train(
    plan: Plan,
    factory: LaneFactory,
    engine: Engine,
    *,
    metric: str,
    compute: Compute,
    halt: Halt,
    tell: Callable[[int], None],
) -> dict[LaneId, Course]:
    """Train all lanes for all their epochs; returns those that came to their end, whole seeds first.

    Args:
        factory: of a recipe with the plan's seeds.
        engine: without lanes.
        metric: the figure.
        compute: where the engine computes.
        halt: asked at every step; `True` ends training.
        tell: called with the lane-epochs trained, after every epoch.
    """
    done: dict[LaneId, Course] = {}
    waiting = plan.order
    first = [plan.lane(name, factory) for name in waiting[: len(plan.configs)]]
    at_once = min(slots(lane.structure, len(lane.train), compute) for lane in first)
    if compute.on_host:
        at_once = min(at_once, LANES_PER_CORE * cores())
    trained = 0
    with one_thread_a_kernel(), suppress(Halted):
        for start in range(0, len(waiting), at_once):
            names = waiting[start : start + at_once]
            courses = {name: Course() for name in names}
            engine.join([plan.lane(name, factory) for name in names])
            for _ in range(first[0].epochs):
                if not engine.lanes:
                    break
                _note(engine.train_epoch(halt=halt), courses, engine, metric)
                trained += len(names)
                tell(trained)
            engine.leave(names)
            done.update(courses)
    return done


def _note(outcome: Outcome, courses: dict[LaneId, Course], engine: Engine, metric: str) -> None:
    lost = {divergence.lane for divergence in outcome.divergences} | set(outcome.failed)
    for name in lost:
        courses[name].lost = True
    engine.leave(lost)
    for record in outcome.records:
        courses[record.lane].points.append((record.train_loss, record.metrics[metric]))


def complete_seeds(plan: Plan, done: dict[LaneId, Course]) -> int:
    """Seeds of which every lane came to its end; they are the first ones."""
    return len(done) // (len(plan.configs) * plan.folds)


def scores(
    plan: Plan, done: dict[LaneId, Course], config: int, *, seeds: int, maximize: bool
) -> tuple[float | None, ...]:
    """A configuration's score for each of the first seeds: each lane's best epoch, mean over folds.

    `None` where a lane was lost.
    """
    best = max if maximize else min
    found: list[float | None] = []
    for seed in range(seeds):
        courses = [done[LaneId(config, fold * plan.seeds + seed)] for fold in range(plan.folds)]
        lost = any(course.lost or not course.points for course in courses)
        found.append(None if lost else fmean(best(figure for _, figure in c.points) for c in courses))
    return tuple(found)


def differ(plan: Plan, done: dict[LaneId, Course], config: int, other: int, *, seeds: int) -> bool:
    """Whether two configurations went differently anywhere in the first seeds."""
    return any(
        done[LaneId(config, index)] != done[LaneId(other, index)]
        for seed in range(seeds)
        for index in range(seed, plan.folds * plan.seeds, plan.seeds)
    )
