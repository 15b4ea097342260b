"""Many networks trained as one in plain PyTorch: what the packed and the vmap peers share.

| symbol     | meaning                                     | shape       |
|------------|---------------------------------------------|-------------|
| parameters | each parameter of all networks              | lane *shape |
| x, y       | batches, rows gathered by index             | lane batch … |
"""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from engine_parts.cases import DECAY, Case, Setting, settings
from engine_parts.data import Batches, rows
from engine_parts.networks import module
from engine_parts.plain import PROBE
from engine_parts.spec import Spec

Parameters = Mapping[str, nn.Parameter]
Gradients = Callable[[Tensor, Tensor], Tensor]
"""From rows and classes to a loss per lane; leaves the gradients in the parameters."""


class Optimizer:
    """One fused AdamW over stacked parameters, in which lanes may have learning rates of their own.

    The kernel behind `AdamW(fused=True)` is called directly, once for each run of lanes with one rate: the class
    `AdamW` needs a parameter group for each of them, and takes several times as long as the kernel.
    """

    def __init__(self, parameters: Parameters, lanes: list[Setting]) -> None:
        self._parameters = list(parameters.values())
        runs = [(rate, len(list(run))) for rate, run in itertools.groupby(lane.rate for lane in lanes)]
        self._rates, self._sizes = (list(part) for part in zip(*runs, strict=True))
        weights = [parameter.detach() for parameter in self._parameters]
        first, second = ([torch.zeros_like(weight) for weight in weights] for _ in range(2))
        self._state = [self._split(tensors) for tensors in (weights, first, second)]
        self._steps = [torch.zeros(())] * len(weights)

    def _split(self, tensors: Sequence[Tensor]) -> list[tuple[Tensor, ...]]:
        """For each run of lanes its part of every tensor."""
        return list(zip(*(tensor.split(self._sizes) for tensor in tensors), strict=True))

    def clear(self) -> None:
        """Forget the gradients."""
        for parameter in self._parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update every lane."""
        self._steps[0] += 1
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        weights, first, second = self._state
        for rate, w, g, m, v in zip(self._rates, weights, self._split(gradients), first, second, strict=True):
            torch._fused_adamw_(w, g, m, v, [], self._steps, lr=rate, beta1=0.9, beta2=0.999, eps=1e-8,
                                weight_decay=DECAY, amsgrad=False, maximize=False)  # fmt: skip


class Stacked:
    """A stack of networks, one step after the other.

    Args:
        case, spec: what is trained, and how many lanes and threads.
        first: the first lane.
        lanes, parameters, gradients: made by `packed` and `vmap`.
    """

    def __init__(
        self, case: Case, spec: Spec, first: int, parameters: Parameters, gradients: Gradients
    ) -> None:
        lanes = settings(case, spec.lanes, first=first)
        self._case, self._threads, self._lanes = case, spec.threads, len(lanes)
        self._batches = Batches(case, lanes)
        self._x, self._y = rows(case)
        self._parameters, self._gradients = parameters, gradients
        self._optimizer = Optimizer(parameters, lanes)

    def step(self, numbers: Tensor) -> Tensor:
        """One optimizer step of every lane on the rows so numbered [lane batch]; their losses [lane]."""
        self._optimizer.clear()
        losses = self._gradients(self._x[numbers], self._y[numbers])
        self._optimizer.step()
        return losses

    def measure(self, steps: int) -> float:
        """Microseconds a step of one network."""
        torch.set_num_threads(self._threads)
        began = time.perf_counter()
        for _ in range(steps):
            self.step(self._batches.draw())
        return (time.perf_counter() - began) / (steps * self._lanes) * 1e6

    @torch.no_grad()
    def loss(self) -> float:
        """On the first training rows, without dropout; mean over lanes."""
        network = module(self._case, 0, dropout=0.0)
        x, y = self._x[:PROBE], self._y[:PROBE]
        total = 0.0
        for lane in range(self._lanes):
            own = dict(
                zip(
                    dict(network.named_parameters()),
                    (stack[lane] for stack in self._parameters.values()),
                    strict=True,
                )
            )
            total += float(nn.functional.cross_entropy(functional_call(network, own, (x,)), y))
        return total / self._lanes


def first_weights(case: Case, lanes: list[Setting], first: int) -> dict[str, nn.Parameter]:
    """The plain networks' first weights, one on top of the other."""
    networks = [module(case, first + place, dropout=0.0) for place in range(len(lanes))]
    return {
        name: nn.Parameter(
            torch.stack([dict(network.named_parameters())[name] for network in networks]).detach()
        )
        for name, _ in networks[0].named_parameters()
    }
