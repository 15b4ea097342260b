"""The fused step: one forward, one backward and one update for a run of lanes, on any device.

All that a step needs is laid on the device before the first: no step waits for the host, or the host for it, unless
the losses are to be looked at (see `cotune.engine.course`).

| symbol  | meaning                                              | shape           |
|---------|------------------------------------------------------|-----------------|
| k       | lanes of the run                                     |                 |
| leaves  | each layer's weights, views of the population's rows | k *shape        |
| order   | row numbers of every step                            | step (k batch)  |
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from cotune.engine import rng
from cotune.engine.bank import Stack
from cotune.engine.chance import Chances
from cotune.engine.devices import Compute
from cotune.engine.faults import Fault, first_layer_at_fault
from cotune.engine.lanes import Lane
from cotune.engine.loss import LOSSES, LossInputs
from cotune.engine.losses.inputs import NUMBERS
from cotune.engine.perturb import Batch, Perturbation, partners, perturbs
from cotune.engine.rates import numbers_of, segments
from cotune.engine.several import folded
from cotune.engine.state import State
from cotune.engine.update import Update
from cotune.nets.context import Aside, Context
from cotune.nets.dropout import Factors
from cotune.nets.layout import Layout

SAM_EPSILON = 1e-12


def real_widths(lanes: Sequence[Lane]) -> Tensor | None:
    """Units in use per lane [k], or `None` when none is padded."""
    width = lanes[0].structure.network.width
    if all(lane.width == width for lane in lanes):
        return None
    return torch.tensor([lane.width for lane in lanes])


@dataclass(frozen=True, eq=False)
class Kept:
    """A run as it was before some step; see `Run.keep`."""

    rows: list[Tensor]
    losses: Tensor
    taken: Tensor


class Run:
    """A run of neighbouring lanes bound to the rows of a population's state, ready to step through an epoch.

    Args:
        lanes: the lanes, in the order of their rows.
        state: the population's; this run's rows are written in place.
        start: row of the first lane.
        layouts: where weights, and running statistics, lie.
        stack: the rows to train on.
        losses: where each lane's losses are summed, float64 [k], on the state's device.
        first: step of the epoch at which the run takes over.
        compute: where, and in which precision.
    """

    def __init__(
        self,
        lanes: Sequence[Lane],
        state: State,
        start: int,
        layouts: tuple[Layout, Layout],
        stack: Stack,
        losses: Tensor,
        first: int,
        compute: Compute,
    ) -> None:
        layout, statistics_layout = layouts
        rows = slice(start, start + len(lanes))
        structure = lanes[0].structure
        self._lanes = lanes
        self._start = start
        self._layout = layout
        self._network = structure.network
        self._steps = structure.steps
        self._stack = stack
        # .data, because all views of one tensor share the counter by which autograd notices writes, and other runs
        # write their rows at the same time.
        self._weights = state.weights.data[rows]
        self._memory = state.memory[rows]
        self._statistics = statistics_layout.views(state.statistics.data[rows])
        self._flat_statistics = state.statistics.data[rows]
        self._taken = state.step[rows]
        leaves = layout.views(self._weights.detach())
        self._leaves = {name: leaf.detach().requires_grad_() for name, leaf in leaves.items()}
        self._gradient = torch.zeros_like(self._weights)
        gradients = layout.views(self._gradient)
        for name, view in gradients.items():
            self._leaves[name].grad = view
        # Autograd wants to add up in whole tensors, not in views of rows.
        self._added_up = [(self._leaves[w.name], gradients[w.name]) for w in layout.weights if w.accumulates]
        for leaf, view in self._added_up:
            leaf.grad = torch.zeros_like(view, memory_format=torch.contiguous_format)
        self._compute = compute
        self._numbers = numbers_of(lanes)
        self._real = self._placed(real_widths(lanes))
        self._activations = segments([lane.activation for lane in lanes])
        self._drops = bool((self._numbers["dropout"] > 0).any())
        self._method = structure.method
        self._rho = self._on_device(self._numbers["sam_rho"]).unsqueeze(1)
        self._perturbation = Perturbation(lanes, self._weights.device) if any(map(perturbs, lanes)) else None
        self._world = stack.world(lanes[0].variant)
        self._chances = Chances(lanes, self._weights.device)
        self._goal_seeds = torch.tensor([rng.seed_of(lane.seed, "goal") for lane in lanes])
        self._losses = self._loss_inputs() if structure.goal is None else []
        of_goal = self._numbers if structure.goal is not None else {}
        self._goal_numbers = {name: self._on_device(value) for name, value in of_goal.items()}
        self._prepare_dropout(first)
        epochs = state.epoch[rows].tolist()
        self._update = Update(
            lanes,
            self._numbers,
            self._weights,
            self._memory,
            self._gradient,
            layout,
            self._taken - first,
            state.factor[rows],
            epochs,
            self._steps,
        )
        self._order = self._on_device(self._draw_order(epochs))
        self._loss_sum = losses
        self._loss = torch.zeros_like(losses, dtype=torch.float32)
        self._lost: set[int] = set()
        self._lost_rows = torch.zeros(0, dtype=torch.int64)
        self._statistics_before = self._flat_statistics.clone()

    def _on_device(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._weights.device)

    def _placed(self, tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else self._on_device(tensor)

    def _loss_inputs(self) -> list[tuple[str, slice, LossInputs]]:
        """(loss, its lanes, what it needs beside logits and targets)."""
        smoothing = self._numbers["label_smoothing"]
        weights = self._placed(_class_weights(self._lanes))
        variations = torch.tensor([lane.variant.variation for lane in self._lanes], dtype=torch.float32)
        found = []
        for name, start, stop in segments([lane.loss for lane in self._lanes]):
            rows = slice(start, stop)
            own = None if weights is None else weights[rows]
            smooths = bool((smoothing[rows] > 0).any())
            numbers = {n: self._on_device(self._numbers[n][rows]) for n in NUMBERS}
            variation = self._on_device(variations[rows])
            inputs = LossInputs(numbers, own, self._network.outputs, smooths, variation)
            found.append((name, rows, inputs))
        return found

    def _draw_order(self, epochs: list[int]) -> Tensor:
        """Row numbers of every step, all lanes in one line: step (k batch)."""
        batch = self._lanes[0].structure.batch_size
        need = self._steps * batch
        rows = []
        for lane, epoch in zip(self._lanes, epochs, strict=True):
            shuffled = lane.train[rng.permutation(lane.seed, epoch, len(lane.train))[:need]]
            rows.append(shuffled.view(self._steps, batch) + self._stack.start_of(lane.variant))
        return torch.cat(rows, dim=1)

    def gradients(self, t: int, *, look: bool = True) -> list[Fault]:
        """Fill the gradient of step t of the epoch; nothing else changes but running statistics.

        Args:
            look: whether losses that are not finite are to be found, which takes a look at a number on the device.

        Returns:
            lanes whose loss is not finite, each once. They are lost: their rows are zero from now on.
        """
        self._statistics_before.copy_(self._flat_statistics)
        batch = self._batch(t)
        loss = self._backward(t, batch)
        self._loss = loss.detach()
        faults = self._look(loss.sum(), batch.numeric, batch.codes) if look else []
        if self._method.sharpness:
            self._backward_uphill(t, batch)
        if self._lost:
            for rows in (self._weights, self._memory, self._gradient, self._flat_statistics):
                rows.index_fill_(0, self._lost_rows, 0.0)
        return faults

    def _backward(self, t: int, batch: Batch) -> Tensor:
        """The losses on a batch [k]; the gradient is filled."""
        for leaf, _ in self._added_up:
            assert leaf.grad is not None
            leaf.grad.zero_()
        drop = self._masks(t) if self._drops else None
        aside = Aside()
        chance = self._chances.of_step(self._taken)
        context = Context(
            True,
            self._activations,
            self._real,
            drop,
            world=self._world,
            aside=aside,
            chance=chance,
            numbers=self._goal_numbers,
            draw=partial(self._draw, t),
        )
        with self._compute.autocast():
            loss = self._loss_of(batch, context)
        loss.sum().backward()  # type: ignore[no-untyped-call]
        for leaf, view in self._added_up:
            assert leaf.grad is not None
            view.copy_(leaf.grad)
        self._update.turn = aside.turn[0] if aside.turn else None
        return loss

    def _loss_of(self, batch: Batch, context: Context) -> Tensor:
        """Each lane's loss on its batch, with what the forward pass laid aside [k]."""
        goal = self._lanes[0].structure.goal
        if goal is not None:
            keys = rng.keys(self._goal_seeds, self._taken).to(self._weights.device)
            return goal.losses(self._leaves, self._statistics, batch, context, keys)
        logits = self._network.forward(self._leaves, self._statistics, batch.numeric, batch.codes, context)
        loss = self._losses_of(logits.float(), batch)
        assert context.aside is not None
        for weight, head in context.aside.heads:
            loss = loss + weight * self._losses_of(head.float(), batch)
        for penalty in context.aside.penalties:
            loss = loss + penalty.float()
        return loss

    def _backward_uphill(self, t: int, batch: Batch) -> None:
        """The gradient at w + ρ g/‖g‖ instead of that at w; running statistics see the batch once.

        Source: Foret et al., Sharpness-Aware Minimization, ICLR 2021, algorithm 1.
        """
        before, statistics = self._weights.clone(), self._flat_statistics.clone()
        self._update.still()
        norm = self._gradient.square().sum(1, keepdim=True).sqrt()
        self._weights.add_(self._gradient * (self._rho / (norm + SAM_EPSILON)))
        try:
            self._backward(t, batch)
        finally:
            self._weights.copy_(before)
            self._flat_statistics.copy_(statistics)

    def _look(self, total: Tensor, numeric: Tensor, codes: Tensor) -> list[Fault]:
        if math.isfinite(total.item()):
            return []
        faults = self._faults(self._loss, numeric, codes)
        self._lost.update(fault.place - self._start for fault in faults)
        self._lost_rows = self._on_device(torch.tensor(sorted(self._lost), dtype=torch.int64))
        return faults

    def rewind(self) -> None:
        """Undo what an interrupted `gradients` has changed."""
        self._flat_statistics.copy_(self._statistics_before)

    def not_finite(self) -> set[int]:
        """Places of lanes whose losses so far do not sum to a finite number; waits for the device."""
        sums = self._loss_sum.tolist()
        return {place for place, value in enumerate(sums) if not math.isfinite(value)}

    def keep(self) -> Kept:
        """A copy of all that steps change, for `put_back`."""
        return Kept([part.clone() for part in self._changed()], self._loss_sum.clone(), self._taken.clone())

    def put_back(self, kept: Kept) -> None:
        """Be as at `keep`; lanes that were lost since are lost still."""
        for part, before in zip(self._changed(), kept.rows, strict=True):
            part.copy_(before)
        self._loss_sum.copy_(kept.losses)
        self._taken.copy_(kept.taken)

    def _changed(self) -> tuple[Tensor, ...]:
        return self._weights, self._memory, self._flat_statistics

    def _batch(self, t: int) -> Batch:
        rows, stack, lanes = self._order[t], self._stack, len(self._lanes)
        batch = len(rows) // lanes  # said outright, for there may be no numeric feature
        numeric = stack.numeric.index_select(0, rows).view(lanes, batch, stack.numeric.shape[1])
        y = stack.target.index_select(0, rows)
        y = y.view(lanes, batch, *y.shape[1:])
        codes = stack.codes[:0]
        if stack.codes.shape[1]:
            codes = stack.codes.index_select(0, rows).view(lanes, -1, stack.codes.shape[1])
        found = Batch(numeric, codes, y)
        return found if self._perturbation is None else self._perturbation.of_step(self._taken, found)

    def _masks(self, t: int) -> Factors:
        """Dropout's factors for this step; one hash for all layers."""
        count = self._network.draws(self._lanes[0].structure.batch_size)
        mask = rng.keep_mask(rng.draws(self._keys[t], self._counters)[:, :count], self._levels[t])
        return Factors(mask, self._levels[t].squeeze(1) / rng.LEVELS)

    def _draw(self, t: int, count: int) -> Tensor:
        """Signed 8-bit draws of step t, so many a lane [lane draw]."""
        return rng.draws(self._keys[t], self._on_device(rng.counters(count)))[:, :count]

    def _prepare_dropout(self, first: int) -> None:
        """Keys and levels of every step [step k (1)]: small numbers, whose cost is in the calls."""
        seeds = torch.tensor([rng.seed_of(lane.seed, "dropout") for lane in self._lanes])
        taken = self._taken - first + torch.arange(self._steps).unsqueeze(1)
        keys = rng.keys(seeds, taken)
        self._keys = self._on_device(keys)
        self._levels = self._on_device(rng.drop_levels(keys, self._numbers["dropout"]).unsqueeze(2))
        self._counters = self._on_device(
            rng.counters(self._network.draws(self._lanes[0].structure.batch_size))
        )

    def _losses_of(self, logits: Tensor, batch: Batch) -> Tensor:
        """Each lane's loss; of mixed examples that with their own targets and their partners', by their shares."""
        own = self._losses_on(logits, batch.y)
        if batch.partner is None or batch.share is None:
            return own
        other = self._losses_on(logits, partners(batch.y, batch.partner))
        return torch.where(batch.share < 1, batch.share * own + (1 - batch.share) * other, own)

    def _losses_on(self, logits: Tensor, y: Tensor) -> Tensor:
        parts = []
        for name, rows, inputs in self._losses:
            z, t = folded(name, LOSSES[name].outputs(0, 0), logits[rows], y[rows])
            parts.append(LOSSES[name].compute(z, t, inputs))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def update(self, t: int) -> None:
        """Take the optimizer's step t of the epoch."""
        self._update.take(t)
        # Counted last: where memory runs out above, the step is taken again.
        self._taken += 1
        self._loss_sum += self._loss

    def _faults(self, loss: Tensor, numeric: Tensor, codes: Tensor) -> list[Fault]:
        found = []
        for place in torch.nonzero(~torch.isfinite(loss)).flatten().tolist():
            if place not in self._lost:
                one = slice(place, place + 1)
                weights = {name: leaf[one] for name, leaf in self._leaves.items()}
                statistics = {name: view[one] for name, view in self._statistics.items()}
                lane = self._lanes[place]
                with self._compute.autocast():
                    if lane.structure.goal is not None:
                        layer = "loss"
                    else:
                        layer = first_layer_at_fault(
                            lane, weights, statistics, numeric[one], codes[one], self._world
                        )
                found.append(Fault(self._start + place, int(self._taken[place]), layer))
        return found


def _class_weights(lanes: Sequence[Lane]) -> Tensor | None:
    if not lanes[0].structure.weighted:
        return None
    found = [lane.variant.class_weights for lane in lanes]
    return torch.stack([weights for weights in found if weights is not None])
