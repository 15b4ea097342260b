"""The fused step: one forward, one backward and one update for a run of lanes.

| symbol  | meaning                                              | shape           |
|---------|------------------------------------------------------|-----------------|
| k       | lanes of the run                                     |                 |
| leaves  | each layer's weights, views of the population's rows | k *shape        |
| order   | row numbers of every step                            | k step batch    |
| lr      | learning rate of every step                          | k step          |
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cotune.engine import regularize, rng
from cotune.engine.bank import Stack
from cotune.engine.lanes import NUMBERS, Lane
from cotune.engine.loss import LOSSES, LossInputs
from cotune.engine.optim import OPTIMIZERS, Hyper
from cotune.engine.schedule import factors
from cotune.engine.state import State
from cotune.nets.context import Context, Segment
from cotune.nets.layout import Layout


def segments(names: Sequence[str]) -> tuple[Segment, ...]:
    """Runs of equal names: (name, start, stop)."""
    found: list[Segment] = []
    for place, name in enumerate(names):
        if found and found[-1][0] == name:
            found[-1] = (name, found[-1][1], place + 1)
        else:
            found.append((name, place, place + 1))
    return tuple(found)


def real_widths(lanes: Sequence[Lane]) -> Tensor | None:
    """Units in use per lane [k], or `None` when none is padded."""
    width = lanes[0].structure.network.width
    if all(lane.width == width for lane in lanes):
        return None
    return torch.tensor([lane.width for lane in lanes])


@dataclass(frozen=True)
class Fault:
    """A lane of the run whose loss is not finite: its place, its own step, the first layer at fault."""

    place: int
    step: int
    layer: str


class Run:
    """A run of neighbouring lanes bound to the rows of a population's state, ready to step through an epoch.

    Args:
        lanes: the lanes, in the order of their rows.
        state: the population's; this run's rows are written in place.
        start: row of the first lane.
        layouts: where weights, and running statistics, lie.
        stack: the rows to train on.
        losses: where each lane's losses are summed, float64 [k].
        first: step of the epoch at which the run takes over.
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
    ) -> None:
        layout, statistics_layout = layouts
        rows = slice(start, start + len(lanes))
        structure = lanes[0].structure
        self._lanes = lanes
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
        leaves = layout.views(self._weights.detach())
        self._leaves = {name: leaf.detach().requires_grad_() for name, leaf in leaves.items()}
        self._gradient = torch.zeros_like(self._weights)
        self._gradient_views = list(layout.views(self._gradient).values())
        self._scratch = torch.empty_like(self._weights)
        self._numbers = {
            n: torch.tensor([lane.numbers[n] for lane in lanes], dtype=torch.float32) for n in NUMBERS
        }
        self._seeds = torch.tensor([rng.seed_of(lane.seed, "dropout") for lane in lanes])
        self._real = real_widths(lanes)
        self._activations = segments([lane.activation for lane in lanes])
        self._optimizers = segments([lane.optimizer for lane in lanes])
        self._losses = segments([lane.loss for lane in lanes])
        self._class_weights = _class_weights(lanes)
        self._lr = self._rates(first)
        self._order = self._draw_order(state.epoch[rows].tolist())
        self._loss_sum = losses
        self._statistics_before = self._flat_statistics.clone()

    def _rates(self, first: int) -> Tensor:
        taken = self._taken.unsqueeze(1) - first + torch.arange(self._steps)
        total = torch.tensor([lane.epochs * self._steps for lane in self._lanes])
        names = tuple(lane.schedule for lane in self._lanes)
        shares = factors(
            names, taken, total=total, warmup=self._numbers["warmup"], final=self._numbers["final_lr"]
        )
        return (shares * self._numbers["lr"].double().unsqueeze(1)).float()

    def _draw_order(self, epochs: list[int]) -> Tensor:
        batch = self._lanes[0].structure.batch_size
        need = self._steps * batch
        rows = []
        for lane, epoch in zip(self._lanes, epochs, strict=True):
            shuffled = lane.train[rng.permutation(lane.seed, epoch, len(lane.train))[:need]]
            rows.append(shuffled + self._stack.start_of(lane.variant))
        return torch.stack(rows).view(len(self._lanes), self._steps, batch)

    def gradients(self, t: int) -> list[Fault]:
        """Fill the gradient of step t of the epoch; nothing else changes but running statistics.

        Returns:
            lanes whose loss is not finite. Their weights are set to zero: they are lost, and zeros are quick.
        """
        self._statistics_before.copy_(self._flat_statistics)
        numeric, codes, y = self._batch(t)
        context = Context(
            training=True, activations=self._activations, real=self._real, dropout=self._dropper()
        )
        logits = self._network.forward(self._leaves, self._statistics, numeric, codes, context)
        loss = self._losses_of(logits, y)
        total = loss.sum()
        gradients = torch.autograd.grad(total, list(self._leaves.values()))
        for view, gradient in zip(self._gradient_views, gradients, strict=True):
            view.copy_(gradient)
        faults = [] if math.isfinite(total.item()) else self._faults(loss, numeric, codes)
        self._loss_sum += loss.detach()
        return faults

    def rewind(self) -> None:
        """Undo what an interrupted `gradients` has changed."""
        self._flat_statistics.copy_(self._statistics_before)

    def _batch(self, t: int) -> tuple[Tensor, Tensor, Tensor]:
        rows = self._order[:, t].flatten()
        shape = (len(self._lanes), self._order.shape[2])
        numeric = self._stack.numeric.index_select(0, rows)
        codes = self._stack.codes.index_select(0, rows)
        y = self._stack.target.index_select(0, rows).view(shape)
        return numeric.view(*shape, numeric.shape[1]), codes.view(*shape, codes.shape[1]), y

    def _dropper(self) -> "Dropper | None":
        p = self._numbers["dropout"]
        return Dropper(self._seeds, self._taken, p) if bool((p > 0).any()) else None

    def _losses_of(self, logits: Tensor, y: Tensor) -> Tensor:
        parts = []
        for name, start, stop in self._losses:
            weights = None if self._class_weights is None else self._class_weights[start:stop]
            inputs = LossInputs(self._numbers["label_smoothing"][start:stop], weights)
            parts.append(LOSSES[name](logits[start:stop], y[start:stop], inputs))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def update(self, t: int) -> None:
        """Regularise the gradient and take the optimizer's step t of the epoch."""
        g, w, numbers = self._gradient, self._weights, self._numbers
        if bool((numbers["l1"] > 0).any()):
            regularize.add_l1(g, w, numbers["l1"], self._layout.decayed)
        if bool((numbers["clip_norm"] > 0).any()):
            regularize.clip_norm(g, numbers["clip_norm"])
        self._taken += 1
        for name, start, stop in self._optimizers:
            rows = slice(start, stop)
            hyper = Hyper(
                lr=self._lr[rows, t : t + 1],
                weight_decay=numbers["weight_decay"][rows, None],
                momentum=numbers["momentum"][rows, None],
                beta1=numbers["beta1"][rows, None],
                beta2=numbers["beta2"][rows, None],
                step=self._taken[rows, None],
                decayed=self._layout.decayed,
            )
            memory = [self._memory[rows, slot] for slot in range(OPTIMIZERS[name].slots)]
            OPTIMIZERS[name].update(w[rows], g[rows], memory, self._scratch[rows], hyper)

    def _faults(self, loss: Tensor, numeric: Tensor, codes: Tensor) -> list[Fault]:
        found = []
        for place in torch.nonzero(~torch.isfinite(loss.detach())).flatten().tolist():
            one = slice(place, place + 1)
            layer = self._first_layer_at_fault(place, numeric[one], codes[one])
            found.append(Fault(place, int(self._taken[place]), layer))
            for lost in (self._weights, self._memory, self._gradient, self._flat_statistics):
                lost[place] = 0
        return found

    def _first_layer_at_fault(self, place: int, numeric: Tensor, codes: Tensor) -> str:
        one = slice(place, place + 1)
        bad: list[str] = []

        def watch(layer: str, x: Tensor) -> None:
            if not bool(torch.isfinite(x).all()):
                bad.append(layer)

        context = Context(
            training=True,
            activations=((self._lanes[place].activation, 0, 1),),
            real=None if self._real is None else self._real[one],
            watch=watch,
        )
        weights = {name: leaf[one] for name, leaf in self._leaves.items()}
        statistics = {name: view[one].clone() for name, view in self._statistics.items()}
        with torch.no_grad():
            self._network.forward(weights, statistics, numeric, codes, context)
        return bad[0] if bad else "loss"


@dataclass(frozen=True)
class Dropper:
    """Dropout with each lane's own seed, step and probability, all [lane]."""

    seeds: Tensor
    steps: Tensor
    p: Tensor

    def __call__(self, x: Tensor, layer: int) -> Tensor:
        key = rng.keys(self.seeds, self.steps, layer)
        return x * rng.keep_mask(key, self.p, x.shape[1], x.shape[2])


def _class_weights(lanes: Sequence[Lane]) -> Tensor | None:
    if not lanes[0].structure.weighted:
        return None
    found = [lane.variant.class_weights for lane in lanes]
    return torch.stack([weights for weights in found if weights is not None])
