"""A population: lanes of equal structure, trained as one computation, joined and left at epoch boundaries."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch

from cotune.engine import slots
from cotune.engine.bank import Stack
from cotune.engine.compiled import CALL_OPERATIONS, Bound, Described, operations
from cotune.engine.course import WINDOW, Course
from cotune.engine.devices import ON_HOST, Compute
from cotune.engine.faults import Fault
from cotune.engine.first_weights import first_rows
from cotune.engine.judging import Judging
from cotune.engine.lanes import Lane, Structure
from cotune.engine.memory import is_out_of_memory
from cotune.engine.metrics import METRICS
from cotune.engine.outcome import Halt, Halted, Outcome, Way, never
from cotune.engine.parallel import HEAVY, Job, cores, in_parallel
from cotune.engine.schedules import plateau
from cotune.engine.state import State
from cotune.engine.step import Run
from cotune.nets.layout import Layout
from cotune.types import Divergence, LaneId, Record

MOST_JUDGED = 32
"""Lanes whose figures are worked out together."""


class Population:
    """Lanes of one structure.

    Args:
        structure: what they have in common.
        stack: the rows of their variants.
        metric: name of the figure that decides a lane's best epoch.
        also: names of further figures to record.
        chunk: lanes that step together; halved when memory runs out, and remembered.
        way: how lanes step, see `Way`; those that compiled loops do not know step as batches.
        compute: where they do, and how exactly; the stack must lie there.
    """

    def __init__(
        self,
        structure: Structure,
        stack: Stack,
        *,
        metric: str,
        also: Sequence[str] = (),
        chunk: int,
        way: Way = "compiled",
        compute: Compute = ON_HOST,
    ) -> None:
        self.structure = structure
        self.lanes: list[Lane] = []
        self.chunk = chunk
        self.way: Way = way if structure.method.loops else "batched"
        self.compute = compute
        self._bound: Bound | None = None
        self._described: dict[LaneId, Described] = {}
        self._stack = stack
        self._metric = metric
        self._metrics = (metric, *also)
        self._lost: list[Fault] = []
        self._failed: list[int] = []
        self._waiting: list[tuple[int, int]] = []
        self._losses = torch.zeros(0)
        self._found: dict[str, torch.Tensor] = {}
        self.layouts = (Layout.of(structure.network.weights()), Layout.of(structure.network.statistics()))
        self._operations = operations(structure)
        self.state = State.fresh(
            torch.zeros(0, self.layouts[0].size), torch.zeros(0, self.layouts[1].size), 1
        ).to(compute.device)

    def join(self, lanes: Sequence[Lane]) -> None:
        """Let untrained lanes in. Rows are sorted anew, so that equal activations stand side by side."""
        if not lanes:
            return
        rows = [first_rows(lane, self.layouts) for lane in lanes]
        weights, statistics = (torch.stack(part) for part in zip(*rows, strict=True))
        fresh = State.fresh(weights, statistics, max(map(slots.count, lanes)))
        slots.begin(lanes, fresh.weights, fresh.memory)
        fresh = fresh.to(self.compute.device)
        both = [*self.lanes, *lanes]
        order = _sorted(both)
        self.restore([both[i] for i in order], self.state.join(fresh, order))

    def restore(self, lanes: Sequence[Lane], state: State) -> None:
        """Become these lanes with this state; used by joins and snapshots alike."""
        self._lost, self._failed = [], []
        if self.way == "batched":
            for lane in lanes:
                self._stack.start_of(lane.variant)
        order = _sorted(lanes)
        self.lanes = [lanes[i] for i in order]
        here = state.to(self.compute.device)
        self.state = here if order == list(range(len(order))) else here.take(order)
        self._bound = None

    def leave(self, ids: Iterable[LaneId]) -> None:
        """Let lanes go; their slots are free."""
        gone = set(ids)
        stay = [i for i, lane in enumerate(self.lanes) if lane.id not in gone]
        if len(stay) < len(self.lanes):
            self._lost, self._failed = [], []
            self.lanes = [self.lanes[i] for i in stay]
            self.state = self.state.take(stay)
            self._bound = None
            for name in gone:
                self._described.pop(name, None)

    def train_epoch(self, *, halt: Halt = never) -> Outcome:
        """Train every lane for one epoch, then evaluate it; see `train_together`."""
        return train_together([self], halt=halt)

    def training(self, most: int, halt: Halt) -> list[Job]:
        """The jobs of an epoch, for lanes in runs of at most `most`."""
        self._lost, self._failed, self._waiting = [], [], []
        self._losses = torch.zeros(len(self.lanes), dtype=torch.float64, device=self.compute.device)
        if self.way == "compiled":
            self._bind().begin(self._losses)
            lanes = len(self.lanes)
            share = min(
                -(-lanes // (2 * cores())), 1 + int(CALL_OPERATIONS / self._operations / self.structure.steps)
            )
            return [
                Job(partial(self._train_compiled, i, min(i + share, lanes), 0, halt), math.inf)
                for i in range(0, lanes, share)
            ]
        return [self._job(self._train, *run, 0, halt) for run in self._runs(most)]

    def trained(self, halt: Halt) -> None:
        """To be called when the jobs of `training` are done."""
        for start, first in self._waiting:  # with the memory that the others have given back
            train = self._train_compiled if self.way == "compiled" else self._train
            in_parallel([Job(partial(train, start, start + 1, first, halt, alone=True), math.inf)])
        self.state.epoch.add_(1)

    def judging(self, most: int) -> list[Job]:
        """The jobs of an evaluation, for lanes in runs of at most `most`."""
        self._waiting = []
        self._found = {
            n: torch.full((len(self.lanes),), torch.nan).double() for n in (*self._metrics, "loss")
        }
        if self.way == "compiled":
            self._bind()
            share = max(1, min(most, MOST_JUDGED))
            starts = range(0, len(self.lanes), share)
            return [Job(partial(self._judge, i, min(i + share, len(self.lanes))), math.inf) for i in starts]
        return [self._job(self._judge, *run) for run in self._runs(most)]

    def judged(self) -> None:
        """To be called when the jobs of `judging` are done."""
        for start, _ in self._waiting:
            in_parallel([Job(partial(self._judge, start, start + 1, alone=True), math.inf)])

    def _job(self, do: Callable[..., None], start: int, stop: int, *rest: object) -> Job:
        # Threads gain nothing where one device does all the work: its jobs are light, and lined up on one core.
        operations = (stop - start) * self._operations if self.compute.on_host else 0.0
        return Job(partial(do, start, stop, *rest), operations)

    def _runs(self, most: int) -> list[tuple[int, int]]:
        """Rows [start, stop) of the lanes that step together."""
        lanes = len(self.lanes)
        share = max(most, int(HEAVY / self._operations)) if self.compute.on_host else lanes
        size = max(1, min(self.chunk, share))
        return [(start, min(start + size, lanes)) for start in range(0, lanes, size)]

    def _train(self, start: int, stop: int, first: int, halt: Halt, *, alone: bool = False) -> None:
        """Steps `first` … of the epoch for rows [start, stop); out of memory, each half goes on from there.

        A single lane that does not fit beside other runs waits until it is `alone`; then it has failed.
        """
        t, course = first, None
        try:
            course = self._course(start, stop, first)
            finished = course.go(self.structure.steps, halt)
            self._lost += course.faults
            if not finished:
                raise Halted
            return
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if course is not None:
                t = course.rewind()
                self._lost += course.faults
        course = None  # its buffers must be gone before the halves ask for theirs
        if stop - start == 1:
            if alone:
                self._failed.append(start)
            else:
                self._waiting.append((start, t))
            return
        middle = (start + stop) // 2
        self.chunk = min(self.chunk, middle - start)
        for half in ((start, middle), (middle, stop)):
            self._train(*half, t, halt)

    def _course(self, start: int, stop: int, first: int) -> Course:
        losses = self._losses[start:stop]
        lanes = self.lanes[start:stop]
        run = Run(lanes, self.state, start, self.layouts, self._stack, losses, first, self.compute)
        return Course(run, first, window=1 if self.compute.on_host else WINDOW)

    def _train_compiled(self, start: int, stop: int, first: int, halt: Halt, *, alone: bool = False) -> None:
        """As `_train`, by compiled loops, whose only need of memory is a workbench at the start."""

        def stopped() -> None:
            if halt():
                raise Halted

        try:
            self._bind().train(start, stop, first, stopped, self._lost)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if alone:
                self._failed += range(start, stop)
            else:
                due = self._bind().due
                self._waiting += [
                    (i, int(due[i])) for i in range(start, stop) if due[i] < self.structure.steps
                ]

    def _bind(self) -> Bound:
        if self._bound is None:
            self._bound = Bound(self.lanes, self.state, self._described)
        return self._bound

    @property
    def lane_steps(self) -> int:
        """Optimizer steps taken by the lanes at hand."""
        return int(self.state.step.sum())

    def outcome(self, seconds: float) -> Outcome:
        """What the epoch yielded.

        Args:
            seconds: of wall-clock time, for each lane.
        """
        found, losses = self._found, self._losses.cpu() / self.structure.steps
        faults = self._faults()
        out = {fault.place for fault in faults} | set(self._failed)
        self._remember_best(found[self._metric], out)
        records = tuple(
            Record(
                lane.id,
                epoch=int(self.state.epoch[i]),
                step=int(self.state.step[i]),
                train_loss=float(losses[i]),
                metrics={name: float(values[i]) for name, values in found.items()},
                seconds=seconds,
            )
            for i, lane in enumerate(self.lanes)
            if i not in out
        )
        return Outcome(
            records=tuple(sorted(records, key=lambda record: record.lane)),
            divergences=tuple(
                sorted((Divergence(self.lanes[f.place].id, f.step, f.layer) for f in faults), key=_lane)
            ),
            failed=tuple(self.lanes[i].id for i in sorted(set(self._failed))),
            steps=self.structure.steps * len(self.lanes) - self._untaken(faults),
        )

    def _untaken(self, faults: list[Fault]) -> int:
        """Steps of the epoch that lanes did not take because they were lost, or never fitted into memory."""
        ends = self.state.epoch * self.structure.steps
        after = sum(int(ends[fault.place]) - fault.step for fault in faults)
        return after + self.structure.steps * len(set(self._failed) - {fault.place for fault in faults})

    def _judge(self, start: int, stop: int, *, alone: bool = False) -> None:
        """Figures of rows [start, stop); out of memory, of each half, as in `_train`."""
        rows = slice(start, stop)
        try:
            for name, values in self._judging(start, stop).figures().items():
                self._found[name][rows] = values
            return
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        if stop - start == 1:
            if alone:
                self._failed.append(start)
            else:
                self._waiting.append((start, 0))
            return
        middle = (start + stop) // 2
        for half in ((start, middle), (middle, stop)):
            self._judge(*half)

    def _judging(self, start: int, stop: int) -> Judging:
        bound = self._bind() if self.way == "compiled" else None
        lanes, metrics = self.lanes[start:stop], self._metrics
        return Judging(lanes, self.state, start, self.layouts, self._stack, metrics, self.compute, bound)

    def _faults(self) -> list[Fault]:
        """One fault a lane, its first. A figure such as accuracy is a number even where the outputs are not."""
        sound = torch.isfinite(self._found[self._metric]) & torch.isfinite(self._found["loss"])
        first: dict[int, Fault] = {}
        for fault in self._lost:
            first.setdefault(fault.place, fault)
        for place in torch.nonzero(~sound).flatten().tolist():
            if place not in self._failed:
                first.setdefault(place, Fault(place, int(self.state.step[place]), "validation"))
        return list(first.values())

    def _remember_best(self, figure: torch.Tensor, out: set[int]) -> None:
        """Keep the weights of lanes that have gained, or lost nothing; those that are `out` are judged no more.

        Of epochs that are equally good the last counts: a few validation rows are all told right soon, long before a
        falling rate has brought the weights to rest.
        """
        state = self.state
        figure = figure.clone()
        figure[sorted(out)] = torch.nan
        gain = figure - state.best if METRICS[self._metric].maximize else state.best - figure
        better = (gain > 0) | (torch.isnan(state.best) & torch.isfinite(figure))
        state.best.copy_(torch.where(better, figure, state.best))
        own = [slots.judged(lane) for lane in self.lanes]
        state.keep_as_best(better | (gain == 0), own)
        reduced = plateau.after_epoch(
            self.lanes, state.factor, state.waited, gained=better, judged=torch.isfinite(figure)
        )
        for kept, now in zip((state.factor, state.waited), reduced, strict=True):
            kept.copy_(now)

    def evaluate_unfinished(self) -> None:
        """Let lanes that never finished an epoch be judged by the part they trained."""
        in_parallel(self.judging(len(self.lanes)))
        self.judged()
        out = {fault.place for fault in self._faults()} | set(self._failed)
        finished = torch.nonzero(~torch.isnan(self.state.best)).flatten().tolist()
        self._remember_best(self._found[self._metric], out | set(finished))


def _sorted(lanes: Sequence[Lane]) -> list[int]:
    """Numbers of lanes, those with equal activations side by side."""
    return sorted(range(len(lanes)), key=lambda i: (lanes[i].slice_key, lanes[i].id))


def train_together(populations: Sequence[Population], *, halt: Halt = never) -> Outcome:
    """Train every lane of these populations for one epoch, then evaluate it.

    Populations are dealt out to the cores whole where there are enough of them; a lone one is cut.

    Args:
        halt: asked every few steps; `True` ends the epoch at once.

    Raises:
        Halted: `halt` said so.
    """
    began = time.monotonic()
    lanes = sum(len(population.lanes) for population in populations)
    most = -(-lanes // cores())
    with populations[0].compute.switched():
        in_parallel([job for population in populations for job in population.training(most, halt)])
        for population in populations:
            population.trained(halt)
    in_parallel([job for population in populations for job in population.judging(most)])
    for population in populations:
        population.judged()
    share = (time.monotonic() - began) / lanes
    outcomes = [population.outcome(share) for population in populations]
    return Outcome(
        records=tuple(sorted((r for o in outcomes for r in o.records), key=lambda record: record.lane)),
        divergences=tuple(sorted((d for o in outcomes for d in o.divergences), key=_lane)),
        failed=tuple(sorted(name for o in outcomes for name in o.failed)),
        steps=sum(o.steps for o in outcomes),
    )


def _lane(divergence: Divergence) -> LaneId:
    return divergence.lane
