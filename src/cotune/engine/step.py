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

import torch
from torch import Tensor

from cotune.engine import pace, regularize, rng, slots
from cotune.engine.bank import Stack
from cotune.engine.devices import Compute
from cotune.engine.faults import Fault, first_layer_at_fault
from cotune.engine.lanes import Lane
from cotune.engine.loss import LOSSES, LossInputs
from cotune.engine.losses.inputs import NUMBERS
from cotune.engine.matrices import hidden_matrices
from cotune.engine.optim import OPTIMIZERS
from cotune.engine.perturb import Batch, Perturbation, perturbs
from cotune.engine.rates import EXTRAS, coefficients, extras, numbers_of, segments
from cotune.engine.state import State
from cotune.nets.context import Context
from cotune.nets.dropout import Factors
from cotune.nets.layout import Layout

LIMITS = ("l1", "l2", "clip_value", "clip_norm", "gradient_noise", "max_norm")
"""Numbers that do nothing at 0."""

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
        self._statistics = statistics_layout.views(state.statistics[rows])
        self._flat_statistics = state.statistics[rows]
        self._taken = state.step[rows]
        self._factor = state.factor[rows]
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
        self._scratch = torch.empty_like(self._weights)
        self._compute = compute
        self._numbers = numbers_of(lanes)
        self._real = self._placed(real_widths(lanes))
        self._activations = segments([lane.activation for lane in lanes])
        self._drops = bool((self._numbers["dropout"] > 0).any())
        self._some = {
            n: self._on_device(self._numbers[n]) for n in LIMITS if bool((self._numbers[n] > 0).any())
        }
        self._method = structure.method
        self._rho = self._on_device(self._numbers["sam_rho"]).unsqueeze(1)
        self._corners: Tensor | None = None
        self._perturbation = Perturbation(lanes, self._weights.device) if any(map(perturbs, lanes)) else None
        self._places = slots.places(structure.method)
        self._losses = self._loss_inputs()
        self._prepare_dropout(first)
        self._optimizers = self._coefficients(first)
        self._matrices = {
            name: hidden_matrices(lanes[rows], layout, self._weights.device)
            for name, rows, _ in self._optimizers
            if OPTIMIZERS[name].matrices
        }
        self._extras = self._extra_columns(first)
        epochs = state.epoch[rows].tolist()
        self._pace = self._paces(epochs)
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

    def _coefficients(self, first: int) -> list[tuple[str, slice, tuple[Tensor, ...]]]:
        """(optimizer, its lanes, its coefficients [step lane 1]) for the whole epoch."""
        return [
            (name, rows, tuple(self._on_device(c.t().float().contiguous()).unsqueeze(2) for c in columns))
            for name, rows, columns in coefficients(
                self._lanes, self._numbers, self._taken - first, self._factor
            )
        ]

    def _extra_columns(self, first: int) -> dict[str, Tensor]:
        """What else differs from step to step [step lane 1], by the names of `EXTRAS`."""
        found = extras(self._lanes, self._numbers, self._taken - first).float()
        return {
            name: self._on_device(found[..., i].t().contiguous().unsqueeze(2))
            for i, name in enumerate(EXTRAS)
        }

    def _paces(self, epochs: list[int]) -> Tensor | None:
        """What each weight's step is multiplied by [k weight]; `None` where all are 1."""
        if not any(pace.paced(lane) for lane in self._lanes):
            return None
        rows = [pace.pace(lane, self._layout, epoch) for lane, epoch in zip(self._lanes, epochs, strict=True)]
        return self._on_device(torch.stack(rows))

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
        context = Context(True, self._activations, self._real, self._masks(t) if self._drops else None)
        with self._compute.autocast():
            logits = self._network.forward(
                self._leaves, self._statistics, batch.numeric, batch.codes, context
            )
            loss = self._losses_of(logits.float(), batch)
        loss.sum().backward()  # type: ignore[no-untyped-call]
        for leaf, view in self._added_up:
            assert leaf.grad is not None
            view.copy_(leaf.grad)
        return loss

    def _backward_uphill(self, t: int, batch: Batch) -> None:
        """The gradient at w + ρ g/‖g‖ instead of that at w; running statistics see the batch once.

        Source: Foret et al., Sharpness-Aware Minimization, ICLR 2021, algorithm 1.
        """
        before, statistics = self._weights.clone(), self._flat_statistics.clone()
        self._still()
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
        y = stack.target.index_select(0, rows).view(lanes, -1)
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
        noise = torch.tensor([rng.seed_of(lane.seed, "gradient noise") for lane in self._lanes])
        self._noise_keys = self._on_device(rng.keys(noise, taken))

    def _losses_of(self, logits: Tensor, batch: Batch) -> Tensor:
        """Each lane's loss; of mixed examples that with their own targets and their partners', by their shares."""
        own = self._losses_on(logits, batch.y)
        if batch.partner is None or batch.share is None:
            return own
        other = self._losses_on(logits, batch.y.gather(1, batch.partner))
        return torch.where(batch.share < 1, batch.share * own + (1 - batch.share) * other, own)

    def _losses_on(self, logits: Tensor, y: Tensor) -> Tensor:
        parts = [LOSSES[name].compute(logits[rows], y[rows], inputs) for name, rows, inputs in self._losses]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def update(self, t: int) -> None:
        """Regularise the gradient and take the optimizer's step t of the epoch."""
        g, w, some, decayed = self._gradient, self._weights, self._some, self._layout.decayed
        now = {name: column[t] for name, column in self._extras.items()}
        if "l1" in some:
            regularize.add_l1(g, w, some["l1"], decayed)
        if "l2" in some:
            regularize.add_l2(g, w, some["l2"], decayed)
        self._still()
        before = self._keep_what_waits() if self._method.accumulates else None
        if self._method.accumulates:
            g.copy_(self._memory[:, self._places["sum"]].addcmul_(g, now["part"]))
        if "clip_value" in some:
            regularize.clip_value(g, some["clip_value"])
        if "clip_norm" in some:
            regularize.clip_norm(g, some["clip_norm"])
        if "gradient_noise" in some:
            regularize.add_noise(g, self._normals(t), now["noise"].squeeze(1))
        self._step(t)
        if "max_norm" in some:
            regularize.max_norm(w, some["max_norm"], self._layout)
        if self._method.looks_ahead:
            slow = self._memory[:, self._places["slow"]]
            slow.copy_(torch.where(now["ahead"] > 0, slow + now["ahead"] * (w - slow), slow))
            w.copy_(torch.where(now["ahead"] > 0, slow, w))
        if before is not None:
            self._put_back_what_waits(before, now["due"])
        if self._method.averages:
            average = self._memory[:, self._places["average"]]
            average.add_(now["average"] * (w - average))
        # Counted last: where memory runs out above, the step is taken again.
        self._taken += 1
        self._loss_sum += self._loss

    def _normals(self, t: int) -> Tensor:
        """Gradient noise before it is scaled; none in the padding [k weight]."""
        if self._corners is None:
            self._corners = self._on_device(torch.stack([lane.corners(self._layout) for lane in self._lanes]))
        return rng.normals(self._noise_keys[t], self._gradient.shape[1]) * self._corners

    def _still(self) -> None:
        """A frozen weight has no gradient."""
        if self._pace is not None:
            self._gradient.masked_fill_(self._pace == 0, 0.0)

    def _step(self, t: int) -> None:
        """The optimizers' step, at each layer's own pace."""
        g, w, decayed = self._gradient, self._weights, self._layout.decayed
        before = None if self._pace is None else w.clone()
        for name, rows, columns in self._optimizers:
            optimizer = OPTIMIZERS[name]
            memory = [self._memory[rows, len(self._places) + slot] for slot in range(optimizer.slots)]
            extra = {"matrices": self._matrices[name]} if optimizer.matrices else {}
            now = [c[t] for c in columns]
            optimizer.update(w[rows], g[rows], memory, self._scratch[rows], now, decayed, **extra)
        if before is not None and self._pace is not None:
            w.copy_(torch.where(self._pace == 1, w, before + self._pace * (w - before)))

    def _keep_what_waits(self) -> tuple[Tensor, Tensor]:
        return self._weights.clone(), self._memory.clone()

    def _put_back_what_waits(self, before: tuple[Tensor, Tensor], due: Tensor) -> None:
        """Undo the step of lanes that only add up; empty the sum of the others."""
        weights, memory = before
        added, steps = self._places["sum"], due > 0
        total = self._memory[:, added].clone()
        self._weights.copy_(torch.where(steps, self._weights, weights))
        self._memory.copy_(torch.where(steps.unsqueeze(2), self._memory, memory))
        self._memory[:, added] = torch.where(steps, 0.0, total)

    def _faults(self, loss: Tensor, numeric: Tensor, codes: Tensor) -> list[Fault]:
        found = []
        for place in torch.nonzero(~torch.isfinite(loss)).flatten().tolist():
            if place not in self._lost:
                one = slice(place, place + 1)
                weights = {name: leaf[one] for name, leaf in self._leaves.items()}
                statistics = {name: view[one] for name, view in self._statistics.items()}
                lane = self._lanes[place]
                with self._compute.autocast():
                    layer = first_layer_at_fault(lane, weights, statistics, numeric[one], codes[one])
                found.append(Fault(self._start + place, int(self._taken[place]), layer))
        return found


def _class_weights(lanes: Sequence[Lane]) -> Tensor | None:
    if not lanes[0].structure.weighted:
        return None
    found = [lane.variant.class_weights for lane in lanes]
    return torch.stack([weights for weights in found if weights is not None])
