"""A population: lanes of equal structure, trained as one computation, joined and left at epoch boundaries."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from cotune.engine.bank import Stack
from cotune.engine.evaluate import figures
from cotune.engine.lanes import Lane, Structure
from cotune.engine.memory import is_out_of_memory
from cotune.engine.metrics import METRICS
from cotune.engine.optim import OPTIMIZERS
from cotune.engine.parallel import cores, in_parallel
from cotune.engine.rng import seed_of
from cotune.engine.state import State
from cotune.engine.step import Fault, Run
from cotune.nets.initialise import initialise
from cotune.nets.layout import Layout
from cotune.types import Divergence, LaneId, Record

Halt = Callable[[], bool]


def never() -> bool:
    """The `halt` of an epoch that nothing breaks off."""
    return False


@dataclass(frozen=True)
class Outcome:
    """What an epoch of a population yielded.

    Args:
        records: of the lanes that finished the epoch.
        divergences: lanes that met a number that is not finite.
        failed: lanes that do not fit into memory even alone.
        steps: optimizer steps trained, summed over lanes.
    """

    records: tuple[Record, ...]
    divergences: tuple[Divergence, ...]
    failed: tuple[LaneId, ...]
    steps: int


class Halted(Exception):
    """An epoch was broken off; the lanes hold a part of it, their best weights are untouched."""


class Population:
    """Lanes of one structure.

    Args:
        structure: what they have in common.
        stack: the rows of their variants.
        metric: name of the figure that decides a lane's best epoch.
        chunk: lanes that step together; halved when memory runs out, and remembered.
    """

    def __init__(self, structure: Structure, stack: Stack, *, metric: str, chunk: int) -> None:
        self.structure = structure
        self.lanes: list[Lane] = []
        self.chunk = chunk
        self._stack = stack
        self._metric = metric
        self._lost: list[Fault] = []
        self._failed: list[int] = []
        self.layouts = (Layout.of(structure.network.weights()), Layout.of(structure.network.statistics()))
        self.state = State.fresh(
            torch.zeros(0, self.layouts[0].size), torch.zeros(0, self.layouts[1].size), 1
        )

    def join(self, lanes: Sequence[Lane]) -> None:
        """Let untrained lanes in. Rows are sorted anew, so that equal activations stand side by side."""
        if not lanes:
            return
        rows = [self._first_weights(lane) for lane in lanes]
        slots = max(OPTIMIZERS[lane.optimizer].slots for lane in lanes)
        weights, statistics = (torch.stack(part) for part in zip(*rows, strict=True))
        self.restore([*self.lanes, *lanes], self.state.join(State.fresh(weights, statistics, slots)))

    def restore(self, lanes: Sequence[Lane], state: State) -> None:
        """Become these lanes with this state; used by joins and snapshots alike."""
        for lane in lanes:
            self._stack.start_of(lane.variant)
        order = sorted(range(len(lanes)), key=lambda i: (lanes[i].slice_key, lanes[i].id))
        self.lanes = [lanes[i] for i in order]
        self.state = state.take(order)

    def leave(self, ids: Iterable[LaneId]) -> None:
        """Let lanes go; their slots are free."""
        gone = set(ids)
        stay = [i for i, lane in enumerate(self.lanes) if lane.id not in gone]
        if len(stay) < len(self.lanes):
            self.lanes = [self.lanes[i] for i in stay]
            self.state = self.state.take(stay)

    def _first_weights(self, lane: Lane) -> tuple[torch.Tensor, torch.Tensor]:
        network = self.structure.network
        weights, statistics = (
            initialise(network, layout, width=lane.width, init=lane.init, seed=seed_of(lane.seed, purpose))
            for layout, purpose in zip(self.layouts, ("weights", "statistics"), strict=True)
        )
        return weights, statistics

    def train_epoch(self, *, halt: Halt = never) -> Outcome:
        """Train every lane for one epoch, then evaluate it.

        Args:
            halt: asked before every step; `True` ends the epoch at once.

        Raises:
            Halted: `halt` said so.
        """
        began = time.monotonic()
        self._lost, self._failed = [], []
        losses = torch.zeros(len(self.lanes), dtype=torch.float64)
        in_parallel([partial(self._train, *run, 0, losses, halt) for run in self._runs()])
        self.state.epoch.add_(1)
        return self._outcome(losses / self.structure.steps, began)

    def _runs(self) -> list[tuple[int, int]]:
        """Rows [start, stop) of the lanes that step together: at most `chunk`, and work for every core."""
        lanes = len(self.lanes)
        size = max(1, min(self.chunk, -(-lanes // cores())))
        return [(start, min(start + size, lanes)) for start in range(0, lanes, size)]

    def _train(self, start: int, stop: int, first: int, losses: torch.Tensor, halt: Halt) -> None:
        """Steps `first` … of the epoch for rows [start, stop); out of memory, each half goes on from there."""
        t = first
        run = None
        try:
            run = Run(
                self.lanes[start:stop],
                self.state,
                start,
                self.layouts,
                self._stack,
                losses[start:stop],
                first,
            )
            for t in range(first, self.structure.steps):
                if halt():
                    raise Halted
                for fault in run.gradients(t):
                    self._lost.append(Fault(start + fault.place, fault.step, fault.layer))
                run.update(t)
            return
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if run is not None:
                run.rewind()
        if stop - start == 1:
            self._failed.append(start)
            return
        middle = (start + stop) // 2
        self.chunk = min(self.chunk, middle - start)
        for half in ((start, middle), (middle, stop)):
            self._train(*half, t, losses, halt)

    def _outcome(self, losses: torch.Tensor, began: float) -> Outcome:
        found = figures(self.lanes, self.state.weights, self.state.statistics, self.layouts, self._metric)
        figure = found[self._metric]
        faults = [*self._lost, *self._not_finite(figure, {fault.place for fault in self._lost})]
        out = {fault.place for fault in faults} | set(self._failed)
        self._remember_best(figure)
        share = (time.monotonic() - began) / len(self.lanes)
        records = tuple(
            Record(
                lane.id,
                epoch=int(self.state.epoch[i]),
                step=int(self.state.step[i]),
                train_loss=float(losses[i]),
                metrics={name: float(values[i]) for name, values in found.items()},
                seconds=share,
            )
            for i, lane in enumerate(self.lanes)
            if i not in out
        )
        return Outcome(
            records=tuple(sorted(records, key=lambda record: record.lane)),
            divergences=tuple(
                sorted((Divergence(self.lanes[f.place].id, f.step, f.layer) for f in faults), key=_lane)
            ),
            failed=tuple(self.lanes[i].id for i in sorted(self._failed)),
            steps=self.structure.steps * len(self.lanes),
        )

    def _not_finite(self, figure: torch.Tensor, known: set[int]) -> list[Fault]:
        places = torch.nonzero(~torch.isfinite(figure)).flatten().tolist()
        return [Fault(i, int(self.state.step[i]), "validation") for i in places if i not in known]

    def _remember_best(self, figure: torch.Tensor) -> None:
        state = self.state
        gain = figure - state.best if METRICS[self._metric].maximize else state.best - figure
        better = (gain > 0) | (torch.isnan(state.best) & torch.isfinite(figure))
        state.best.copy_(torch.where(better, figure, state.best))
        for place in torch.nonzero(better).flatten().tolist():
            state.best_weights[place] = state.weights[place]
            state.best_statistics[place] = state.statistics[place]

    def evaluate_unfinished(self) -> None:
        """Let lanes that never finished an epoch be judged by the part they trained."""
        figure = figures(self.lanes, self.state.weights, self.state.statistics, self.layouts, self._metric)
        self._remember_best(torch.where(torch.isnan(self.state.best), figure[self._metric], torch.nan))


def _lane(divergence: Divergence) -> LaneId:
    return divergence.lane
