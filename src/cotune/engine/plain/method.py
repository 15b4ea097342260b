"""What the plain twin does around an optimizer's step, written as one would for a single network.

It shares no line with the step of either way; from the engine it takes the draws of gradient noise alone.
"""

import math

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from cotune.engine import rng
from cotune.engine.lanes import Lane
from cotune.engine.plain.networks import PlainMLP, true_weights
from cotune.engine.plain.sequences import PlainSequence
from cotune.engine.plain.text import PlainBag, PlainTextCNN
from cotune.nets.layout import Layout


class PlainMethod:
    """Drives a network's optimizer as a lane's numbers say.

    Args:
        lane: the lane.
        network: its plain network, with its first weights.
        optimizer: of the network.
    """

    def __init__(self, lane: Lane, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.lane, self.network, self.optimizer = lane, network, optimizer
        self.layers = layers_of(network)
        # One group a parameter, so that each can have a rate of its own.
        optimizer.param_groups[:] = [
            {**group, "params": [p], "pace": 1.0} for group in optimizer.param_groups for p in group["params"]
        ]
        self.parameters = list(network.parameters())
        self.slow = [p.detach().clone() for p in self.parameters]
        self.sums = [torch.zeros_like(p) for p in self.parameters]
        self.stepped, self.since = 0, 0
        self.average = AveragedModel(network, avg_fn=self._average) if self._averages else None
        if self.average is not None:  # it copies at its first call, where ours averages already
            self.average.n_averaged += 1

    @property
    def _averages(self) -> bool:
        return self.lane.number("ema_decay") > 0 or self.lane.number("swa_start") > 0

    def begin_epoch(self, epoch: int) -> None:
        """Freeze and thaw layers, and give each its rate."""
        number, last = self.lane.number, len(self.layers) - 1
        frozen = number("freeze") - (epoch // number("unfreeze") if number("unfreeze") else 0)
        rates = {
            id(p): 0.0 if place < frozen else number("layer_lr") ** (last - place)
            for place, layer in enumerate(self.layers)
            for p in layer
        }
        for group in self.optimizer.param_groups:
            group["pace"] = rates[id(group["params"][0])]
        doublings = int(math.log2(number("batch_growth")))
        done = min(doublings, (doublings + 1) * epoch // self.lane.epochs)
        self.group = min(self.lane.structure.steps, int(number("accumulate") * 2**done))

    def set_rate(self, rate: float) -> None:
        """The learning rate of the next step."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["pace"]

    def still(self) -> None:
        """A frozen weight has no gradient."""
        for group in self.optimizer.param_groups:
            if group["pace"] == 0:
                group["params"][0].grad.zero_()

    def climb(self) -> list[Tensor]:
        """Go uphill by ρ along the gradient (SAM); returns the weights as they were."""
        self.still()
        before = [p.detach().clone() for p in self.parameters]
        norm = torch.linalg.vector_norm(torch.stack([gradient_of(p).norm() for p in self.parameters]))
        with torch.no_grad():
            for p in self.parameters:
                p.add_(gradient_of(p) * (self.lane.number("sam_rho") / norm))
        return before

    def descend(self, before: list[Tensor]) -> None:
        """Take the weights back."""
        with torch.no_grad():
            for p, old in zip(self.parameters, before, strict=True):
                p.copy_(old)

    @torch.no_grad()
    def step(self, t: int, step: int) -> None:
        """After a backward pass.

        Args:
            t: batch of the epoch.
            step: batch of the whole training.
        """
        self.still()
        steps, k = self.lane.structure.steps, self.group
        size = k if t < steps - steps % k else steps % k
        for total, p in zip(self.sums, self.parameters, strict=True):
            total += gradient_of(p) / size
        if (t + 1) % k == 0 or t == steps - 1:
            for total, p in zip(self.sums, self.parameters, strict=True):
                p.grad = total.clone()
                total.zero_()
            self._update(step)
        if self.average is not None:
            self.now = step
            self.average.update_parameters(self.network)

    def _update(self, step: int) -> None:
        number = self.lane.number
        if number("clip_value") > 0:
            nn.utils.clip_grad_value_(self.parameters, number("clip_value"))
        if number("clip_norm") > 0:
            nn.utils.clip_grad_norm_(self.parameters, number("clip_norm"))
        if number("gradient_noise") > 0:
            self._add_noise(number("gradient_noise") / (1 + step) ** 0.275, step)
        self.optimizer.step()
        self.stepped += 1
        if number("max_norm") > 0:
            for module in self.network.modules():
                if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
                    module.weight.copy_(torch.renorm(module.weight, 2, 0, number("max_norm")))
        if number("lookahead") > 0 and self.stepped % number("lookahead") == 0:
            for slow, p in zip(self.slow, self.parameters, strict=True):
                slow += number("lookahead_share") * (p - slow)
                p.copy_(slow)

    def _add_noise(self, sigma: float, step: int) -> None:
        assert isinstance(self.network, PlainMLP)
        size = Layout.of(self.lane.structure.network.weights()).size
        key = rng.keys(torch.tensor([rng.seed_of(self.lane.seed, "gradient noise")]), torch.tensor([step]))
        noise = true_weights(self.lane, rng.normals(key, size)[0])
        for name, (p, turned) in self.network.by_name().items():
            gradient_of(p).add_(sigma * (noise[name].T if turned else noise[name]))

    def _average(self, average: Tensor, new: Tensor, _: Tensor | int) -> Tensor:
        number, t = self.lane.number, self.now
        if number("ema_decay") > 0:
            return average + (1 - min(number("ema_decay"), (1 + t) / (10 + t))) * (new - average)
        start = math.floor(number("swa_start") * self.lane.epochs * self.lane.structure.steps)
        return average + (new - average) / max(1, t - start + 1)


def layers_of(network: nn.Module) -> list[list[nn.Parameter]]:
    """The parameters of each layer, in order of use."""
    if isinstance(network, PlainSequence | PlainTextCNN | PlainBag):
        return network.in_layers()
    parts = [*network.children()]
    lists = [part for part in parts if isinstance(part, nn.ModuleList)]
    found = []
    for part in parts:
        if part in lists and isinstance(network, PlainMLP) and part is network.embeddings:
            found.append([p for table in part for p in table.parameters()])
        elif part in lists:
            found += [list(layer.parameters()) for layer in part]
        elif isinstance(part, nn.GRU):
            found += [[p for n, p in part.named_parameters() if w in n] for w in ("_ih_", "_hh_")]
        else:
            found.append(list(part.parameters()))
    return [layer for layer in found if layer]


def gradient_of(parameter: Tensor) -> Tensor:
    """Its gradient, which a backward pass has filled."""
    assert parameter.grad is not None
    return parameter.grad
