"""The second half of a step: from gradients to weights, for a run of lanes.

| symbol | meaning                                            | shape       |
|--------|----------------------------------------------------|-------------|
| g, w   | gradients and weights, views of the run's rows     | k weight    |
| memory | slots of the method, then of the optimizer         | k slot weight |
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from cotune.engine import pace, regularize, rng, slots
from cotune.engine.lanes import Lane
from cotune.engine.matrices import hidden_matrices
from cotune.engine.optim import OPTIMIZERS
from cotune.engine.rates import EXTRAS, coefficients, extras
from cotune.nets.layout import Layout

LIMITS = ("l1", "l2", "clip_value", "clip_norm", "gradient_noise", "max_norm")
"""Numbers that do nothing at 0."""

IN_PLACE = ("sgd", "nesterov", "adam", "adamw")
"""Optimizers that allocate nothing once they have begun to write."""


class Update:
    """Takes the optimizers' steps of an epoch.

    Args:
        lanes: of the run, in the order of their rows.
        numbers: theirs by name [k], see `cotune.engine.rates.numbers_of`.
        weights, memory: the rows, which are written in place.
        gradient: where a step finds it [k weight]; overwritten.
        layout: where weights lie in a row.
        taken: steps that each lane has taken before the epoch's first [k], on the host.
        factor: of `reduce_on_plateau` [k].
        epochs: that each lane has finished.
        steps: of the epoch.
    """

    def __init__(
        self,
        lanes: Sequence[Lane],
        numbers: dict[str, Tensor],
        weights: Tensor,
        memory: Tensor,
        gradient: Tensor,
        layout: Layout,
        taken: Tensor,
        factor: Tensor,
        epochs: Sequence[int],
        steps: int,
    ) -> None:
        self._lanes, self._layout, self._method = lanes, layout, lanes[0].structure.method
        self._weights, self._memory, self._gradient = weights, memory, gradient
        self._scratch = torch.empty_like(weights)
        self._some = {n: self._on_device(numbers[n]) for n in LIMITS if bool((numbers[n] > 0).any())}
        self._places = slots.places(self._method)
        self._optimizers = [
            (name, rows, tuple(self._on_device(c.t().float().contiguous()).unsqueeze(2) for c in columns))
            for name, rows, columns in coefficients(lanes, numbers, taken, factor)
        ]
        self._matrices = {
            name: hidden_matrices(lanes[rows], layout, weights.device)
            for name, rows, _ in self._optimizers
            if OPTIMIZERS[name].matrices
        }
        self._extras = self._extra_columns(numbers, taken)
        self._pace = self._paces(epochs)
        self._corners: Tensor | None = None
        seeds = torch.tensor([rng.seed_of(lane.seed, "gradient noise") for lane in lanes])
        self._noise_keys = self._on_device(rng.keys(seeds, taken + torch.arange(steps).unsqueeze(1)))
        plain = all(name in IN_PLACE for name, _, _ in self._optimizers) and self._pace is None
        adds = self._method.accumulates or self._method.looks_ahead or self._method.averages
        self._careful = not plain or adds or "max_norm" in self._some
        self.turn: Tensor | None = None
        """What each weight's step is multiplied by in this step [k weight]; `None` where all are 1."""

    def _on_device(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._weights.device)

    def _extra_columns(self, numbers: dict[str, Tensor], taken: Tensor) -> dict[str, Tensor]:
        """What else differs from step to step [step lane 1], by the names of `EXTRAS`."""
        found = extras(self._lanes, numbers, taken).float()
        return {
            name: self._on_device(found[..., i].t().contiguous().unsqueeze(2))
            for i, name in enumerate(EXTRAS)
        }

    def _paces(self, epochs: Sequence[int]) -> Tensor | None:
        """What each weight's step is multiplied by [k weight]; `None` where all are 1."""
        if not any(pace.paced(lane) for lane in self._lanes):
            return None
        rows = [pace.pace(lane, self._layout, epoch) for lane, epoch in zip(self._lanes, epochs, strict=True)]
        return self._on_device(torch.stack(rows))

    def still(self) -> None:
        """A frozen weight has no gradient."""
        if self._pace is not None:
            self._gradient.masked_fill_(self._pace == 0, 0.0)

    def take(self, t: int) -> None:
        """Regularise the gradient and take the optimizer's step t of the epoch: all of it, or nothing.

        Raises:
            RuntimeError, MemoryError: memory ran out; weights and memory are as before.
        """
        with self._whole() if self._careful or self.turn is not None else nullcontext():
            self._take(t)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Where memory runs out after something was written, it is written back: the step will be taken again."""
        weights, memory = self._weights.clone(), self._memory.clone()
        try:
            yield
        except BaseException:
            self._weights.copy_(weights)
            self._memory.copy_(memory)
            raise

    def _take(self, t: int) -> None:
        g, w, some, decayed = self._gradient, self._weights, self._some, self._layout.decayed
        now = {name: column[t] for name, column in self._extras.items()}
        if "l1" in some:
            regularize.add_l1(g, w, some["l1"], decayed)
        if "l2" in some:
            regularize.add_l2(g, w, some["l2"], decayed)
        self.still()
        before = self._keep_what_waits() if self._method.accumulates else None
        if self._method.accumulates:
            g.copy_(self._memory[:, self._places["sum"]].addcmul_(g, now["part"]))
        if "clip_value" in some:
            regularize.clip_value(g, some["clip_value"])
        if "clip_norm" in some:
            regularize.clip_norm(g, some["clip_norm"])
        if "gradient_noise" in some:
            regularize.add_noise(g, self._normals(t), now["noise"].squeeze(1))
        held = None if self.turn is None else self._keep_what_waits()
        self._step(t)
        if "max_norm" in some:
            regularize.max_norm(w, some["max_norm"], self._layout)
        if held is not None:
            self._take_turns(*held)
        if self._method.looks_ahead:
            slow = self._memory[:, self._places["slow"]]
            slow.copy_(torch.where(now["ahead"] > 0, slow + now["ahead"] * (w - slow), slow))
            w.copy_(torch.where(now["ahead"] > 0, slow, w))
        if before is not None:
            self._put_back_what_waits(before, now["due"])
        if self._method.averages:
            average = self._memory[:, self._places["average"]]
            average.add_(now["average"] * (w - average))

    def _normals(self, t: int) -> Tensor:
        """Gradient noise before it is scaled; none in the padding [k weight]."""
        if self._corners is None:
            self._corners = self._on_device(torch.stack([lane.corners(self._layout) for lane in self._lanes]))
        return rng.normals(self._noise_keys[t], self._gradient.shape[1]) * self._corners

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

    def _take_turns(self, weights: Tensor, memory: Tensor) -> None:
        """Let the step be as long as it is whose turn: where it is nobody's, weights and memory are as before."""
        assert self.turn is not None
        w, turn = self._weights, self.turn
        w.copy_(torch.where(turn == 1, w, weights + turn * (w - weights)))
        self._memory.copy_(torch.where((turn == 0).unsqueeze(1), memory, self._memory))

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
