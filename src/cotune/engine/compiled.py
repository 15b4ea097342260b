"""Lanes through compiled loops: on a CPU each lane's steps are one call that needs no lock of Python's.

A lane's weights, optimizer memory and batch stay in the nearest caches while it takes hundreds of steps, so that a
lane costs the same alone and beside a thousand others, and cores share nothing but the data.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from cotune.engine import pace, rng, slots
from cotune.engine.faults import Fault, first_layer_at_fault
from cotune.engine.lanes import Lane, Structure
from cotune.engine.loss import LOSSES
from cotune.engine.perturb import Batch, Perturbation, perturbs
from cotune.engine.prefetch import Ahead
from cotune.engine.rates import coefficients, extras, numbers_of
from cotune.engine.state import State
from cotune.kernels import activations, fields, losses, machine, updates
from cotune.kernels.arrays import Integers
from cotune.kernels.loading import load_for
from cotune.kernels.program import Program
from cotune.nets.layout import Layout
from cotune.nets.network import Network
from cotune.types import LaneId

CALL_OPERATIONS = 3e8
"""Arithmetic operations of one call: some milliseconds, after which Python may say stop."""

PERTURBED = 1 << 21
"""Numbers of changed rows that are held at once."""

LEAST_ROWS = 64
"""Rows the scratch has room for, so that small batches are not evaluated in small pieces."""

KEPT = 4
"""Workbenches that a thread keeps."""


@dataclass(frozen=True, eq=False)
class Tools:
    """What all lanes of a structure share: the program, and where weights and statistics lie."""

    program: Program
    layout: Layout
    statistics: Layout
    matrices: Integers
    """(offset, inputs, units) of each matrix that decays [matrix 3]."""

    @classmethod
    @cache
    def of(cls, structure: Structure) -> "Tools":
        """The tools of a structure."""
        network = structure.network
        layout, statistics = Layout.of(network.weights()), Layout.of(network.statistics())
        rows = max(structure.batch_size, LEAST_ROWS)
        matrices = [(layout.offsets[w.name], *w.shape) for w in layout.matrices]
        places = np.array(matrices, dtype=np.int64).reshape(-1, 3)
        return cls(network.program(layout, statistics, rows), layout, statistics, places)


def knows(network: Network, *, activation: str, optimizer: str, loss: str) -> bool:
    """Whether compiled loops know all that a lane of these names does."""
    known = activation in activations.NAMES and optimizer in updates.NAMES and loss in losses.NAMES
    return known and network.compiles


def operations(structure: Structure) -> float:
    """Arithmetic operations of a lane's step, about."""
    return 6.0 * structure.batch_size * structure.network.products


class Workbench:
    """A thread's scratch for lanes of one structure, used by one lane after the other."""

    def __init__(self, structure: Structure) -> None:
        tools = Tools.of(structure)
        self._parts = {
            "arena": torch.zeros(tools.program.arena),
            "gradient": torch.zeros(tools.layout.size),
            "scratch": torch.zeros(tools.program.draws // 8 + 8, dtype=torch.int64),
            "order": torch.zeros(0, dtype=torch.int64),
            "kept": torch.zeros(tools.layout.size + tools.statistics.size),
        }

    def lend(self, at: Integers, rows: int) -> None:
        """Write the addresses of the scratch into rows of `at`; lanes have at most so many training rows."""
        if len(self._parts["order"]) < rows:
            self._parts["order"] = torch.zeros(rows, dtype=torch.int64)
        for name, part in self._parts.items():
            at[..., fields.PLACES.index(name)] = part.data_ptr()

    @property
    def order(self) -> Tensor:
        """Row numbers of the lane at work, as its epoch goes through them."""
        return self._parts["order"]

    _own = threading.local()

    @classmethod
    def here(cls, structure: Structure) -> "Workbench":
        """This thread's workbench for a structure."""
        kept: OrderedDict[Structure, Workbench] = cls._own.__dict__.setdefault("kept", OrderedDict())
        if structure not in kept:
            kept[structure] = cls(structure)
            while len(kept) > KEPT:
                kept.popitem(last=False)
        kept.move_to_end(structure)
        return kept[structure]


Described = tuple[dict[str, Tensor], list[int], list[float]]


class Bound:
    """The lanes of a population, with the addresses of all they need.

    Args:
        lanes: of one structure, in the order of their rows.
        state: the population's; its rows are written in place.
        known: what an earlier binding has found out about some of the lanes; extended.
    """

    def __init__(self, lanes: Sequence[Lane], state: State, known: dict[LaneId, Described]) -> None:
        self.lanes, self._state = lanes, state
        self._tools = Tools.of(lanes[0].structure)
        for lane in lanes:
            if lane.id not in known:
                known[lane.id] = _describe(lane, self._tools)
        self._known = [known[lane.id] for lane in lanes]
        count = len(lanes)
        self._at = np.zeros((count, len(fields.PLACES)), dtype=np.int64)
        self._size = np.array([sizes for _, sizes, _ in self._known], dtype=np.int64)
        self._rate = np.array([rates for _, _, rates in self._known], dtype=np.float64)
        load_for(self._tools.program, self._size, self._rate, paced=any(map(pace.paced, lanes)))
        self._reached = np.zeros(count, dtype=np.int64)
        self.due = np.zeros(count, dtype=np.int64)
        """The step of the epoch that each lane takes next; those that are lost have come to its end."""
        self._most_rows = int(self._size[:, fields.TRAIN_ROWS].max())
        self._losses = np.zeros(count)
        self._numbers = numbers_of(lanes)
        self._set("starts", self._tools.program.starts.ctypes.data)
        self._set("matrices", self._tools.matrices.ctypes.data)
        for name in ("numeric", "codes", "truth", "class_weights", "train", "validation", "corners"):
            self._set(name, np.array([_address(tensors.get(name)) for tensors, _, _ in self._known]))
        for name, rows in (
            ("weights", state.weights),
            ("memory", state.memory),
            ("statistics", state.statistics),
        ):
            self._set(name, rows.data_ptr() + rows.stride(0) * rows.element_size() * np.arange(count))

    def begin(self, losses: Tensor) -> None:
        """Prepare an epoch; each lane's losses are summed in `losses`, float64 [lane]."""
        lanes, state = self.lanes, self._state
        self.due[:] = 0
        self._losses = losses.numpy()
        self._size[:, fields.EPOCH] = state.epoch.numpy()
        self._size[:, fields.TAKEN] = state.step.numpy()
        steps = lanes[0].structure.steps
        self._coefficients = torch.zeros(len(lanes), steps, updates.COEFFICIENTS)
        numbers = self._numbers
        for _, rows, columns in coefficients(lanes, numbers, state.step, state.factor):
            for number, column in enumerate(columns):
                self._coefficients[rows, :, number] = column.float()
        self._extras = extras(lanes, numbers, state.step).float().contiguous()
        for name, part in (("coefficients", self._coefficients), ("extras", self._extras)):
            size = part.stride(0) * part.element_size()
            self._set(name, part.data_ptr() + size * np.arange(len(lanes)))
        epochs = state.epoch.tolist()
        paced = [pace.paced(lane) for lane in lanes]
        self._paces = [
            pace.pace(lane, self._tools.layout, epoch) if own else None
            for lane, epoch, own in zip(lanes, epochs, paced, strict=True)
        ]
        self._set("pace", np.array([_address(row) for row in self._paces]))

    def train(
        self, begin: int, end: int, first: int, stopped: Callable[[], None], faults: list[Fault]
    ) -> None:
        """Train lanes [begin, end) for their epoch, the first of them from step `first` on.

        Args:
            stopped: called between calls of some milliseconds; it raises when training must end.
            faults: lanes whose loss ceases to be finite are added; their rows are zero then.
        """
        structure = self.lanes[0].structure
        bench = Workbench.here(structure)
        bench.lend(self._at[begin:end], self._most_rows)
        block = max(1, int(CALL_OPERATIONS / operations(structure)))
        k = begin
        while k < end:
            many = min(end - k, block // structure.steps)
            single = any(lane.variant.mapped or perturbs(lane) for lane in self.lanes[k : k + many])
            if many > 1 and not first and not single:
                stopped()
                self._train_many(k, k + many)
            else:
                many = 1
                train = self._train_perturbed if perturbs(self.lanes[k]) else self._train_one
                train(k, first, block, stopped, bench)
            self.due[k : k + many] = structure.steps
            faults += [
                self._fault(i, bench) for i in range(k, k + many) if self._reached[i] < structure.steps
            ]
            k, first = k + many, 0

    def _train_many(self, begin: int, end: int) -> None:
        machine.train_epochs(
            self._tools.program.table,
            self._at,
            self._size,
            self._rate,
            self._losses,
            self._reached,
            begin,
            end,
        )
        self._state.step[begin:end] += torch.from_numpy(self._reached[begin:end])

    def _train_one(
        self, k: int, first: int, block: int, stopped: Callable[[], None], bench: Workbench
    ) -> None:
        lane, row = self.lanes[k], (self._at[k], self._size[k], self._rate[k])
        batch, steps = lane.structure.batch_size, lane.structure.steps
        machine.shuffle(*row[:2])
        ahead = Ahead(lane.variant, bench.order[: steps * batch], first * batch)
        t, reached = first, first
        while t == reached and t < steps:
            stopped()
            ahead.of(t * batch)
            t = min(t + block, steps)
            before = reached
            reached = machine.train(self._tools.program.table, *row, before, t, self._losses[k : k + 1])
            self._state.step[k] += reached - before
            self.due[k] = reached
        self._reached[k] = reached

    def _train_perturbed(
        self, k: int, first: int, block: int, stopped: Callable[[], None], bench: Workbench
    ) -> None:
        """As `_train_one`, but the rows of some steps at a time are written down, changed, and trained on instead."""
        lane, (at, size, rate) = self.lanes[k], (self._at[k].copy(), self._size[k].copy(), self._rate[k])
        variant, batch, steps = lane.variant, lane.structure.batch_size, lane.structure.steps
        perturbation = Perturbation([lane], torch.device("cpu"))
        machine.shuffle(at, size)
        order = bench.order[: steps * batch].clone()
        wide = max(1, variant.numeric.shape[1] + variant.codes.shape[1])
        block = max(1, min(block, PERTURBED // (batch * wide)))
        ahead = Ahead(variant, order, first * batch)
        t, reached = first, first
        while t == reached and t < steps:
            stopped()
            ahead.of(t * batch)
            t, before = min(t + block, steps), reached
            rows = order[before * batch : t * batch].view(-1, batch)
            found = perturbation.of_lane(
                size[fields.TAKEN] + torch.arange(before, t),
                Batch(variant.numeric[rows], variant.codes[rows], variant.target[rows]),
            )
            parts = [part.contiguous() for part in (found.numeric, found.codes, found.y)]
            places = torch.arange(
                -before * batch, (t - before) * batch
            )  # the first step of the block is at row 0
            for name, part in zip(("numeric", "codes", "truth"), parts, strict=True):
                at[fields.PLACES.index(name)] = part.data_ptr()
            at[fields.ORDER], size[fields.KNOWN] = places.data_ptr(), rows.numel()
            reached = machine.train(
                self._tools.program.table, at, size, rate, before, t, self._losses[k : k + 1]
            )
            self._state.step[k] += reached - before
            self.due[k] = reached
        self._reached[k] = reached

    def _fault(self, k: int, bench: Workbench) -> Fault:
        """Find the layer at fault. In a call of several lanes the order is drawn again for this one."""
        lane, state, tools = self.lanes[k], self._state, self._tools
        machine.shuffle(self._at[k], self._size[k])
        batch, t = lane.structure.batch_size, int(self._reached[k])
        rows = bench.order[t * batch : (t + 1) * batch]
        weights = tools.layout.views(state.weights[k : k + 1])
        statistics = tools.statistics.views(state.statistics[k : k + 1])
        numeric, codes = (part[rows].unsqueeze(0) for part in (lane.variant.numeric, lane.variant.codes))
        fault = Fault(k, int(state.step[k]), first_layer_at_fault(lane, weights, statistics, numeric, codes))
        for row in (state.weights[k], state.memory[k], state.statistics[k]):
            row.zero_()
        return fault

    def predictions(self, places: Sequence[int]) -> Tensor:
        """What lanes say of their validation rows, the same rows for all.

        Returns:
            log-probabilities [place row class], or values of the standardised target [place row 1].
        """
        lanes = [self.lanes[place] for place in places]
        Ahead(lanes[0].variant, lanes[0].validation).of(0)
        found = torch.empty(len(lanes), len(lanes[0].validation), lanes[0].structure.network.outputs)
        some = list(places)
        at, size, rate = self._at[some], self._size[some], self._rate[some]
        Workbench.here(lanes[0].structure).lend(at, 0)
        slot = self._state.memory.stride(1) * self._state.memory.element_size()
        for row, lane in zip(at, lanes, strict=True):
            judged = slots.judged(lane)
            if judged is not None:
                row[fields.WEIGHTS] = row[fields.MEMORY] + slot * judged
        step = found.stride(0) * found.element_size()
        at[:, fields.FOUND] = found.data_ptr() + step * np.arange(len(lanes))
        machine.evaluate(self._tools.program.table, at, size, rate, 0, len(lanes))
        return found

    def _set(self, name: str, addresses: int | Integers) -> None:
        self._at[:, fields.PLACES.index(name)] = addresses


def _describe(lane: Lane, tools: Tools) -> Described:
    """What of a lane stays the same: tensors by the machine's names, its sizes and its rates."""
    program, variant, network, structure = tools.program, lane.variant, lane.structure.network, lane.structure
    tensors = {
        "numeric": variant.numeric,
        "codes": variant.codes,
        "truth": variant.target,
        "train": lane.train,
        "validation": lane.validation,
    }
    if lane.number("gradient_noise") > 0:
        tensors["corners"] = lane.corners(tools.layout)
    if structure.weighted and variant.class_weights is not None:
        tensors["class_weights"] = variant.class_weights
    own = slots.places(structure.method)
    sizes: Mapping[str, int] = {
        "activation": activations.NAMES.index(lane.activation),
        "loss": losses.NAMES.index(lane.loss),
        "optimizer": updates.NAMES.index(lane.optimizer),
        "real": lane.width,
        "classes": network.outputs,
        "batch": structure.batch_size,
        "steps": structure.steps,
        "weights": tools.layout.size,
        "decayed": tools.layout.decayed,
        "features": variant.numeric.shape[1],
        "known": len(variant.target),
        "train": len(lane.train),
        "validation": len(lane.validation),
        "input": program.input.at,
        "input_pitch": program.input.pitch,
        "logits": program.logits.at,
        "head": program.logits.units,
        "d_logits": program.d_logits,
        "spare": program.spare,
        "rows": program.rows,
        "outputs": network.outputs,
        "drop_seed": rng.seed_of(lane.seed, "dropout"),
        "order_seed": rng.seed_of(lane.seed, "order"),
        "epoch": 0,
        "taken": 0,
        "noise_seed": rng.seed_of(lane.seed, "gradient noise"),
        "statistics": tools.statistics.size,
        "matrices": len(tools.matrices),
        "own_slots": len(own),
        **{name: own.get(name, -1) for name in ("sum", "slow", "average")},
    }
    if LOSSES[lane.loss].classifies == variant.target.is_floating_point():
        kind = "values" if variant.target.is_floating_point() else "classes"
        raise ValueError(f"the loss {lane.loss} of lane {lane.id} must fit its targets, but they are {kind}")
    for name, tensor in tensors.items():
        if not tensor.is_contiguous():
            raise ValueError(f"the {name} of lane {lane.id} is not contiguous; give it .contiguous() tensors")
    rates = [variant.variation if name == "variation" else lane.number(name) for name in fields.RATES]
    return tensors, [sizes[name] for name in fields.SIZES], rates


def _address(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()
