"""What else trains these networks on a GPU: a plain loop, compiled, recorded as a CUDA graph, or many under vmap.

| symbol | meaning                            | shape             |
|--------|------------------------------------|-------------------|
| order  | row numbers of every step          | step (lane) batch |
| at     | the step of the epoch, on the GPU  | 1                 |

Rows lie on the GPU from the start, and orders are drawn there.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from engine_parts.cases import DECAY, Case, Convolutions, settings
from engine_parts.data import rows
from engine_parts.networks import Gru, module
from engine_parts.vmapped import LaneDropout
from torch import Tensor, nn
from torch.func import functional_call, vmap

from cotune.engine.devices import Compute

PROBE = 1024
"""Training rows that a loss is taken on."""

WARM = 3
"""Steps before a graph is recorded, as PyTorch's notes ask for."""


@dataclass(frozen=True)
class Form:
    """A way to train: how many networks as one, and by which means."""

    lanes: int = 1
    compiled: str = ""
    graph: bool = False
    channels_last: bool = False

    @property
    def words(self) -> str:
        """It, for people."""
        parts = [f"vmap, K={self.lanes}" if self.lanes > 1 else "plain loop"]
        parts += [f"torch.compile ({self.compiled})"] if self.compiled else []
        parts += ["CUDA graph"] if self.graph else []
        parts += ["channels_last"] if self.channels_last else []
        return ", ".join(parts)


def forms(case: Case, compute: Compute, most: int) -> list[Form]:
    """All ways to train a case, `most` networks at once at most."""
    cuda = compute.device.type == "cuda"
    found = [Form(), Form(compiled="default")]
    found += [Form(compiled="reduce-overhead"), Form(graph=True)] if cuda else []
    if isinstance(case.network, Convolutions):
        found += [Form(channels_last=True)] + ([Form(channels_last=True, graph=True)] if cuda else [])
    for lanes in (16, 64, 256):
        if lanes <= most:
            found += [Form(lanes=lanes)] + ([Form(lanes=lanes, graph=True)] if cuda else [])
    return found


class Peer:
    """One network, or several under vmap, with PyTorch's fused AdamW.

    Args:
        case: what is trained.
        form: how.
        compute: where, and in which precision.

    Raises:
        Exception: of many kinds, where PyTorch cannot train the case so.
    """

    def __init__(self, case: Case, form: Form, compute: Compute) -> None:
        self._case, self._form, self._compute = case, form, compute
        self._x, self._y = (part.to(compute.device) for part in rows(case))
        if form.channels_last:
            self._x = self._x.contiguous(memory_format=torch.channels_last)
        parameters, self._losses = (self._one if form.lanes == 1 else self._several)()
        # A recorded step reads its counters from the GPU: `capturable`.
        self._optimizer = torch.optim.AdamW(
            parameters,
            lr=settings(case, 1)[0].rate,
            weight_decay=DECAY,
            fused=True,
            capturable=form.graph,
        )
        shape = (case.steps, *([form.lanes] if form.lanes > 1 else []), case.batch)
        self._order = torch.zeros(shape, dtype=torch.int64, device=compute.device)
        self._at = torch.zeros(1, dtype=torch.int64, device=compute.device)
        self._t = case.steps
        self._step = self._plain_step
        if form.graph:
            with compute.switched():
                self._step = self._record()

    def _one(self) -> tuple[list[nn.Parameter], Any]:
        network = module(self._case, 0, dropout=self._case.dropout).to(self._compute.device)
        if self._form.channels_last:
            network = network.to(memory_format=torch.channels_last)

        def loss(x: Tensor, y: Tensor) -> Tensor:
            return nn.functional.cross_entropy(network(x), y)

        if not self._form.compiled:
            return list(network.parameters()), loss
        torch._dynamo.config.allow_rnn = isinstance(network, Gru)
        mode = None if self._form.compiled == "default" else self._form.compiled
        return list(network.parameters()), torch.compile(loss, fullgraph=True, dynamic=False, mode=mode)

    def _several(self) -> tuple[list[Tensor], Any]:
        case, lanes = self._case, self._form.lanes
        template = module(case, 0, dropout=case.dropout, layer=LaneDropout).to(self._compute.device)
        networks = [
            module(case, seed, dropout=case.dropout, layer=LaneDropout).state_dict() for seed in range(lanes)
        ]
        stacked = {
            name: torch.stack([network[name] for network in networks]).to(self._compute.device)
            for name in networks[0]
        }
        names = {name for name, _ in template.named_parameters()}
        parameters = {name: part.requires_grad_() for name, part in stacked.items() if name in names}

        def loss(own: Mapping[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
            return nn.functional.cross_entropy(functional_call(template, dict(own), (x,)), y)

        mapped = vmap(loss, randomness="different")
        return list(parameters.values()), lambda x, y: mapped(stacked, x, y)

    def _train(self, numbers: Tensor) -> Tensor:
        """One optimizer step on the rows so numbered; the mean loss."""
        self._optimizer.zero_grad(set_to_none=True)
        with self._compute.autocast():
            losses = self._losses(self._x[numbers], self._y[numbers])
        losses.sum().backward()
        self._optimizer.step()
        loss: Tensor = losses.detach().mean()
        return loss

    def _plain_step(self) -> None:
        self._train(self._order[self._t])

    def _record(self) -> Callable[[], None]:
        def step() -> None:
            numbers = self._order.index_select(0, self._at)[0]
            self._at.add_(1)
            self._train(numbers)

        self._draw()
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM):
                step()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        self._t = self._case.steps
        return graph.replay

    def _draw(self) -> None:
        """Orders of the next epoch, each lane's own."""
        used, device = self._case.steps * self._case.batch, self._order.device
        drawn = torch.rand(self._form.lanes, used, device=device).argsort(1)
        shaped = drawn.view(self._form.lanes, self._case.steps, self._case.batch).transpose(0, 1)
        self._order.copy_(shaped if self._form.lanes > 1 else shaped[:, 0])
        self._at.zero_()
        self._t = 0

    def measure(self, steps: int) -> float:
        """Microseconds a step of one network."""
        with self._compute.switched():
            wait(self._compute)
            began = time.perf_counter()
            for _ in range(steps):
                if self._t == self._case.steps:
                    self._draw()
                self._step()
                self._t += 1
            wait(self._compute)
        return (time.perf_counter() - began) / (steps * self._form.lanes) * 1e6

    @torch.no_grad()
    def loss(self) -> float:
        """On the first training rows, dropout included."""
        numbers = torch.arange(min(PROBE, len(self._x)), device=self._x.device)
        if self._form.lanes > 1:
            numbers = numbers.expand(self._form.lanes, -1)
        return float(self._losses(self._x[numbers], self._y[numbers]).mean())


def wait(compute: Compute) -> None:
    """Until the GPU has done all it was given."""
    if compute.device.type == "cuda":
        torch.cuda.synchronize(compute.device)
