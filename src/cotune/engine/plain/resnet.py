"""Residual networks as ordinary modules, for the plain twin."""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cotune.engine.lanes import Lane
from cotune.engine.plain.norms import Factors, alpha_dropped, begin, norm_of, stored, with_norm
from cotune.nets.image.blocks import Block
from cotune.nets.image.experts import BALANCE, CHOSEN
from cotune.nets.image.resnet import ResNet

First = Mapping[str, Tensor]
"""First weights, or statistics, by the engine's names."""


class Before(nn.Module):
    """Norm and activation before a layer."""

    def __init__(self, norm: nn.Module, activation: nn.Module) -> None:
        super().__init__()
        self.norm, self.activation = norm, activation

    def forward(self, x: Tensor) -> Tensor:
        """As x."""
        found: Tensor = self.activation(self.norm(x))
        return found


class PlainResNet(nn.Module):
    """`torch.nn` convolutions, norms and linear layers under the engine's names, a slash for each dot.

    Args:
        lane: of which it is the twin.
        activation: the lane's, after so many maps.
        first, moments: weights and statistics to begin with.

    After a pass `further` holds (weight, logits) of heads on the way, and `penalty` what the gates add to the loss.
    """

    def __init__(
        self, lane: Lane, activation: Callable[[int], nn.Module], first: First, moments: First
    ) -> None:
        super().__init__()
        network = lane.structure.network
        assert isinstance(network, ResNet)
        self.network, self.factors = network, Factors(lane)
        self.convolutions, self.each, self.befores = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        self.linears, self.heads = nn.ModuleDict(), nn.ModuleDict()
        self.further: list[tuple[float, Tensor]] = []
        self.penalty: Tensor | float = 0.0
        self._activation, self._first, self._moments = activation, first, moments
        self._convolve("stem", network.channels, network.filters, network.kernel, network.stem)
        for number in range(network.stages):
            for block in network.stage(number):
                self._add(block)
            if number in network.supervised or number == network.stages - 1:
                mark = "" if number == network.stages - 1 else str(number)
                self._before(f"top{mark}", network.maps(number))
                self.heads[f"head{mark}"] = self._linear(f"head{mark}")

    def _add(self, block: Block) -> None:
        self._before(f"{block.name}.ready", block.inputs)
        for branch in block.branches:
            for i, step in enumerate(block.steps):
                name = f"{branch}.{step.name}"
                if i and step.ready:
                    self._before(name, step.inputs)
                self._convolve(name, step.inputs, step.units, step.kernel, step.stride, each=step.each)
        if block.projects:
            self._convolve(f"{block.name}.around", block.inputs, block.units, 1, block.stride)
        for part in ("gate", "squeeze", "excite"):
            if f"{block.name}.{part}.weight" in self._first:
                self.linears[_key(f"{block.name}.{part}")] = self._linear(f"{block.name}.{part}")

    def _before(self, layer: str, units: int) -> None:
        made = Before(norm_of(self.network.norm, units, images=True), self._activation(units))
        begin(layer, nn.Linear(1, 1), made.norm, made.activation, self._first, self._moments)
        self.befores[_key(layer)] = made

    def _convolve(
        self, layer: str, inputs: int, units: int, kernel: int, stride: int, *, each: bool = False
    ) -> None:
        first, moments, norm = self._first, self._moments, self.network.norm
        groups, biased = inputs if each else 1, f"{layer}.bias" in first
        made = nn.Conv2d(inputs, units, kernel, stride, kernel // 2, groups=groups, bias=biased)
        with torch.no_grad():
            shaped = first[f"{layer}.weight"].view(kernel, kernel, inputs // groups, units)
            made.weight.copy_(shaped.permute(3, 2, 0, 1))
            if made.bias is not None:
                made.bias.copy_(first[f"{layer}.bias"])
        with_norm(made, norm, *(moments.get(f"{layer}.norm.{side}") for side in ("left", "right")))
        begin(layer, made, nn.Identity(), nn.Identity(), first, moments)
        (self.each if each else self.convolutions)[_key(layer)] = made

    def _linear(self, layer: str) -> nn.Linear:
        weight, bias = self._first[f"{layer}.weight"], self._first.get(f"{layer}.bias")
        made = nn.Linear(weight.shape[0], weight.shape[1], bias=bias is not None)
        with torch.no_grad():
            made.weight.copy_(weight.T)
            if bias is not None:
                made.bias.copy_(bias)
        return made

    def forward(self, numeric: Tensor, _: Tensor) -> Tensor:
        """Logits [batch output]."""
        network = self.network
        self.further, self.penalty, drawn = [], 0.0, 0
        x = numeric.view(-1, *network.example).permute(0, 3, 1, 2)
        x = self.convolutions["stem"](x)
        left = torch.ones(len(x), dtype=torch.bool)
        answer = torch.zeros(len(x), network.outputs)
        for number in range(network.stages):
            for block in network.stage(number):
                factors = None
                if self.training and network.dropping in ("spatial", "depth"):
                    units = block.units if network.dropping == "spatial" else 1
                    factors, _q = self.factors.draw(len(x), drawn, (len(x), units, 1, 1))
                    drawn += factors.numel()
                x = self._block(block, x, factors)
            last = number == network.stages - 1
            if last or number in network.supervised:
                z = self._head(x, "" if last else str(number))
                if not last:
                    self.further.append((network.supervision, z))
                answer = torch.where(left.unsqueeze(1), z, answer)
                if network.exit_at and not self.training:
                    left = left & (torch.softmax(z, -1).amax(-1) < network.exit_at)
        return answer

    def _block(self, block: Block, x: Tensor, factors: Tensor | None) -> Tensor:
        h = self.befores[_key(f"{block.name}.ready")](x)
        if block.experts == 1:
            z = self._branch(block, block.name, h)
        else:
            scores = self.linears[_key(f"{block.name}.gate")](h.mean((2, 3)))
            best, places = scores.topk(min(CHOSEN, block.experts), 1)
            gates = torch.zeros_like(scores).scatter(1, places, best.softmax(1))
            importance = gates.sum(0)
            self.penalty = self.penalty + BALANCE * importance.var(correction=0) / importance.mean() ** 2
            branches = enumerate(block.branches)
            z = sum(
                (self._branch(block, name, h) * gates[:, e, None, None, None] for e, name in branches),
                torch.tensor(0.0),
            )
        if block.excitation:
            squeezed = F.relu(self.linears[_key(f"{block.name}.squeeze")](z.mean((2, 3))))
            z = z * torch.sigmoid(self.linears[_key(f"{block.name}.excite")](squeezed))[:, :, None, None]
        z = z if factors is None else z * factors
        around: Tensor = self.convolutions[_key(f"{block.name}.around")](h) if block.projects else x
        return around + z

    def _branch(self, block: Block, branch: str, h: Tensor) -> Tensor:
        for i, step in enumerate(block.steps):
            name = _key(f"{branch}.{step.name}")
            if i and step.ready:
                h = self.befores[name](h)
            h = (self.each if step.each else self.convolutions)[name](h)
        return h

    def _head(self, x: Tensor, mark: str) -> Tensor:
        network = self.network
        h = self.befores[f"top{mark}"](x)
        match network.pooling:
            case "average":
                f = h.mean((2, 3))
            case "max":
                f = h.amax((2, 3))
            case _:
                f = h.permute(0, 2, 3, 1).flatten(1)
        head = self.heads[f"head{mark}"]
        assert isinstance(head, nn.Linear)
        if not self.training or mark:
            found: Tensor = head(f)
            return found
        if network.dropping == "connect":
            factors, _ = self.factors.draw(len(x), 0, (f.shape[1], network.head))
            return F.linear(f, head.weight * factors[:, : network.outputs].T, head.bias)
        if network.dropping in ("unit", "alpha"):
            factors, q = self.factors.draw(len(x), 0, tuple(f.shape))
            f = alpha_dropped(f, factors, q) if network.dropping == "alpha" else f * factors
        answer: Tensor = head(f)
        return answer

    def by_name(self) -> dict[str, Tensor]:
        """What it learns, by the engine's names and in the engine's shapes."""
        found: dict[str, Tensor] = {}
        for layer, made in {**dict(self.convolutions.items()), **dict(self.each.items())}.items():
            assert isinstance(made, nn.Conv2d)
            for part, tensor in stored(made).items():
                turned = tensor.permute(2, 3, 1, 0).flatten(0, 2) if part == "weight" else tensor
                found[f"{layer.replace('/', '.')}.{part}"] = turned
        for layer, linear in {**dict(self.linears.items()), **dict(self.heads.items())}.items():
            assert isinstance(linear, nn.Linear)
            found[f"{layer.replace('/', '.')}.weight"] = linear.weight.T
            if linear.bias is not None:
                found[f"{layer.replace('/', '.')}.bias"] = linear.bias
        for layer, before in self.befores.items():
            assert isinstance(before, Before)
            name = layer.replace("/", ".")
            for part, tensor in before.norm.named_parameters():
                found[f"{name}.norm.{part.split('.')[-1]}"] = tensor
            found |= {f"{name}.slope": slope for slope in before.activation.parameters()}
        return found


def _key(layer: str) -> str:
    return layer.replace(".", "/")
