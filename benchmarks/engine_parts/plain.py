"""The plain loop: an ordinary module, PyTorch's fused AdamW, rows as tensors in memory; perhaps under torch.compile."""

import time
from typing import Any

import torch
from torch import Tensor, nn

from engine_parts.cases import DECAY, Case, settings
from engine_parts.data import Batches, rows
from engine_parts.networks import Gru, module
from engine_parts.spec import Spec

PROBE = 1024
"""Training rows that a loss is taken on."""


class Plain:
    """One network, one step after the other.

    Args:
        case: what is trained.
        spec: threads; the form "channels_last" lays images out so.
        lane: whose settings and seed it has.
        compiled: whether forward and loss (and with them backward) are compiled.
    """

    def __init__(self, case: Case, spec: Spec, lane: int, *, compiled: bool = False) -> None:
        (setting,) = settings(case, 1, first=lane)
        self._threads = spec.threads
        self._batches = Batches(case, [setting])
        self._x, self._y = rows(case)
        self.network = module(case, lane, dropout=setting.dropout)
        if spec.form == "channels_last":
            self.network = self.network.to(memory_format=torch.channels_last)
            self._x = self._x.contiguous(memory_format=torch.channels_last)
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=setting.rate, weight_decay=DECAY, fused=True
        )
        self._loss: Any = self._loss_of
        if compiled:
            self._loss = compile_loss(self._loss_of, isinstance(self.network, Gru))

    def _loss_of(self, x: Tensor, y: Tensor) -> Tensor:
        return nn.functional.cross_entropy(self.network(x), y)

    def step(self, numbers: Tensor) -> Tensor:
        """One optimizer step on the rows so numbered [1 batch]; their loss."""
        loss: Tensor = self._loss(self._x[numbers[0]], self._y[numbers[0]])
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        return loss.detach()

    def measure(self, steps: int) -> float:
        """Microseconds a step."""
        torch.set_num_threads(self._threads)
        began = time.perf_counter()
        for _ in range(steps):
            self.step(self._batches.draw())
        return (time.perf_counter() - began) / steps * 1e6

    @torch.no_grad()
    def loss(self) -> float:
        """On the first training rows, without dropout."""
        self.network.eval()
        loss = float(nn.functional.cross_entropy(self.network(self._x[:PROBE]), self._y[:PROBE]))
        self.network.train()
        return loss


def compile_loss(loss: Any, recurrent: bool) -> Any:
    """The forward computation and its backward, compiled once for the shapes of the case.

    `fallback_random` keeps PyTorch's own dropout, which was faster on a CPU than the compiler's, and draws the same
    masks as the plain loop. A GRU is refused by default; `allow_rnn` lets it be unrolled.

    Raises:
        Exception: of many kinds: no C compiler, no Python headers, too many recompilations.
    """
    torch._dynamo.config.fail_on_recompile_limit_hit = True
    torch._dynamo.config.allow_rnn = recurrent
    return torch.compile(loss, fullgraph=True, dynamic=False, options={"fallback_random": True})
