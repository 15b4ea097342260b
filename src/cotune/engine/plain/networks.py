"""Lanes' networks as ordinary modules, for the plain twin: at their true width, with their first weights."""

from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cotune.engine.first_weights import first_rows
from cotune.engine.lanes import Lane, mlp_of
from cotune.engine.plain.graphs import PlainGraph
from cotune.engine.plain.norms import (
    Factors,
    alpha_dropped,
    begin,
    linear_without,
    norm_of,
    stored,
    with_norm,
)
from cotune.engine.plain.resnet import PlainResNet
from cotune.engine.plain.sequences import PlainRecurrent, PlainTCN, PlainTransformer, linear_of
from cotune.engine.plain.text import PlainBag, PlainTextCNN
from cotune.nets.anchored import Anchored
from cotune.nets.graph.network import GraphNetwork
from cotune.nets.image.cnn import CNN
from cotune.nets.image.resnet import ResNet
from cotune.nets.layout import Layout
from cotune.nets.mlp import MLP
from cotune.nets.rnn import RNN
from cotune.nets.sequence.recurrent import Recurrent
from cotune.nets.sequence.tcn import TCN
from cotune.nets.sequence.transformer import Transformer
from cotune.nets.text.bag import Bag
from cotune.nets.text.cnn import TextCNN

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "softplus": nn.Softplus,
    "mish": nn.Mish,
    "hardsigmoid": nn.Hardsigmoid,
    "hardswish": nn.Hardswish,
    "hardtanh": nn.Hardtanh,
    "prelu": nn.PReLU,
}


def activation_of(lane: Lane, units: int) -> nn.Module:
    """The lane's activation after a layer of so many units."""
    kind = ACTIVATIONS[lane.activation]
    return nn.PReLU(units) if kind is nn.PReLU else kind()


class Hidden(nn.Module):
    """One hidden layer: linear, norm, activation, dropout, and the residual connection around them."""

    def __init__(self, lane: Lane, layer: int, inputs: int, factors: Factors) -> None:
        super().__init__()
        network = mlp_of(lane)
        self.linear = nn.Linear(inputs, lane.width, bias=network.norm != "batch")
        self.norm = norm_of(network.norm, lane.width)
        self.activation = activation_of(lane, lane.width)
        self.residual = network.residual and layer > 0
        self.dropping, self.layer, self.factors = network.dropping, layer, factors
        self.inputs, self.padded = (network.width if layer else network.inputs), network.width

    def forward(self, x: Tensor) -> Tensor:
        """Batch input → batch unit."""
        z: Tensor = self.linear(x)
        if self.dropping == "connect" and self.training:
            first = (self.layer > 0) * self.factors.network.inputs * self.padded  # type: ignore[attr-defined]
            first += max(0, self.layer - 1) * self.padded**2
            factors, _ = self.factors.draw(len(x), first, (self.inputs, self.padded))
            z = linear_without(self.linear, x, factors[: x.shape[1], : z.shape[1]])
        z = self.activation(self.norm(z))
        z = self._dropped(z) if self.training else z
        return x + z if self.residual else z

    def _dropped(self, z: Tensor) -> Tensor:
        """A step's draws are of the padded width, a function of the lane alone, and cut."""
        rows, first = len(z), self.layer * len(z)
        if self.dropping == "connect":
            return z
        if self.dropping == "depth":
            return z * self.factors.draw(rows, first, (rows, 1))[0] if self.residual else z
        factors, q = self.factors.draw(rows, first * self.padded, (rows, self.padded))
        factors = factors[:, : z.shape[1]]
        if self.dropping == "alpha":
            return alpha_dropped(z, factors, q)
        return z * factors


class PlainMLP(nn.Module):
    """The lane's network at its true width, with its first weights."""

    def __init__(self, lane: Lane) -> None:
        super().__init__()
        network = mlp_of(lane)
        self.embeddings = nn.ModuleList(
            nn.Embedding(entries, network.embedding_width) for entries in network.cardinalities
        )
        sizes = [network.inputs, *[lane.width] * network.depth]
        self.factors = Factors(lane)
        self.hidden = nn.ModuleList(Hidden(lane, i, sizes[i], self.factors) for i in range(network.depth))
        self.head = nn.Linear(sizes[-1], network.outputs)
        self.waves = nn.ParameterDict() if network.waved else None
        self._set_first_weights(lane)

    def forward(self, numeric: Tensor, codes: Tensor) -> Tensor:
        """Logits [batch output]."""
        x = torch.cat([numeric, *(table(codes[:, i]) for i, table in enumerate(self.embeddings))], dim=1)
        if self.waves is not None:
            x = torch.cat([x, self._waves(numeric)], dim=1)
        for layer in self.hidden:
            x = layer(x)
        logits: Tensor = self.head(x)
        return logits

    def _waves(self, numeric: Tensor) -> Tensor:
        """Each number's units, one number after the other."""
        assert self.waves is not None
        found = []
        for j, (f, p, w, b) in enumerate(zip(*self.waves.values(), strict=True)):
            found.append(F.linear(torch.cos(2 * torch.pi * (numeric[:, j : j + 1] * f + p)), w, b))
        return torch.cat(found, dim=1)

    def by_name(self) -> dict[str, tuple[Tensor, bool]]:
        """The parameters of layers by the engine's names, and whether they are turned; without embeddings."""
        found: dict[str, tuple[Tensor, bool]] = {
            "head.weight": (self.head.weight, True),
            "head.bias": (self.head.bias, False),
        }
        for i, layer in enumerate(self.hidden):
            assert isinstance(layer, Hidden)
            for part, parameter in stored(layer.linear).items():
                found[f"hidden{i}.{part}"] = (parameter, part == "weight")
            for part, parameter in layer.norm.named_parameters():
                found[f"hidden{i}.norm.{part.split('.')[-1]}"] = (parameter, False)
            for slope in layer.activation.parameters():
                found[f"hidden{i}.slope"] = (slope, False)
        for part, parameter in {} if self.waves is None else self.waves.items():
            found[f"waves.{part}"] = (parameter, False)
        return found

    @torch.no_grad()
    def _set_first_weights(self, lane: Lane) -> None:
        """Cut the lane's row of first weights, and of statistics, at the true width."""
        first, moments = first_weights(lane), first_statistics(lane)
        start = 0
        for table in self.embeddings:
            assert isinstance(table, nn.Embedding)
            table.weight.copy_(first["embedding"][start : start + table.num_embeddings])
            start += table.num_embeddings
        if self.waves is not None:
            for name in ("frequency", "phase", "weight", "bias"):
                self.waves[name] = nn.Parameter(first[f"waves.{name}"].clone())
        linears = {f"hidden{i}": layer.linear for i, layer in enumerate(self.hidden)} | {"head": self.head}
        for name, linear in linears.items():
            assert isinstance(linear, nn.Linear)
            linear.weight.copy_(first[f"{name}.weight"].T)
            if f"{name}.bias" in first:
                linear.bias.copy_(first[f"{name}.bias"])
            if name != "head":
                sides = (moments.get(f"{name}.norm.{side}") for side in ("left", "right"))
                with_norm(linear, mlp_of(lane).norm, *sides)
        for i, layer in enumerate(self.hidden):
            assert isinstance(layer, Hidden)
            begin(f"hidden{i}", layer.linear, layer.norm, layer.activation, first, moments)


class PlainCNN(nn.Module):
    """Convolution, norm, activation, dropout, pooling; and a head. Channels come first inside, as torch has it."""

    def __init__(self, lane: Lane) -> None:
        super().__init__()
        network = lane.structure.network
        assert isinstance(network, CNN)
        self.network = network
        self.activations = nn.ModuleList(activation_of(lane, units) for units in network.filters)
        self.factors = Factors(lane)
        first, moments, channels = first_weights(lane), first_statistics(lane), network.channels
        self.convolutions, self.norms = nn.ModuleList(), nn.ModuleList()
        for layer, units in enumerate(network.filters):
            name, k = f"convolution{layer}", network.kernel
            convolution = nn.Conv2d(channels, units, k, padding=k // 2, bias=network.norm != "batch")
            with torch.no_grad():
                shaped = first[f"{name}.weight"].view(k, k, channels, units)
                convolution.weight.copy_(shaped.permute(3, 2, 0, 1))
                if convolution.bias is not None:
                    convolution.bias.copy_(first[f"{name}.bias"])
                sides = (moments.get(f"{name}.norm.{side}") for side in ("left", "right"))
                with_norm(convolution, network.norm, *sides)
            self.convolutions.append(convolution)
            self.norms.append(norm_of(network.norm, units, images=True))
            begin(name, convolution, self.norms[-1], self.activations[layer], first, moments)
            channels = units
        self.head = linear_of(first["head.weight"], first["head.bias"])

    def forward(self, numeric: Tensor, _: Tensor) -> Tensor:
        """Logits [batch output]."""
        network = self.network
        x = numeric.view(-1, network.height, network.across, network.channels).permute(0, 3, 1, 2)
        drawn = 0
        for convolution, norm, activation in zip(
            self.convolutions, self.norms, self.activations, strict=True
        ):
            assert isinstance(convolution, nn.Conv2d)
            if network.dropping == "connect" and self.training:
                z = self._without(convolution, x, drawn)
                drawn += convolution.weight.numel()
            else:
                z = convolution(x)
            z = activation(norm(z)).permute(0, 2, 3, 1)
            if self.training and network.dropping != "connect":
                shape = (len(z), 1, 1, z.shape[3]) if network.dropping == "spatial" else tuple(z.shape)
                factors, q = self.factors.draw(len(x), drawn, shape)
                z = alpha_dropped(z, factors, q) if network.dropping == "alpha" else z * factors
                drawn += factors.numel()
            x = nn.functional.max_pool2d(z.permute(0, 3, 1, 2), 2)
        match network.pooling:
            case "average":
                features = x.mean((2, 3))
            case "max":
                features = x.amax((2, 3))
            case _:
                features = x.permute(0, 2, 3, 1).flatten(1)
        logits: Tensor = self.head(features)
        return logits

    def _without(self, convolution: nn.Conv2d, x: Tensor, drawn: int) -> Tensor:
        """The convolution without some of its weights."""
        units, channels, k, _ = convolution.weight.shape
        factors, _ = self.factors.draw(len(x), drawn, (k, k, channels, units))
        weight = convolution.weight * factors.permute(3, 2, 0, 1)
        return nn.functional.conv2d(x, weight, convolution.bias, padding=k // 2)


class PlainRNN(nn.Module):
    """torch.nn.GRU and a head on its last state."""

    def __init__(self, lane: Lane) -> None:
        super().__init__()
        network = lane.structure.network
        assert isinstance(network, RNN)
        self.network, first = network, first_weights(lane)
        self.gru = nn.GRU(network.inputs, network.width, batch_first=True)
        self.head = linear_of(first["head.weight"], first["head.bias"])
        with torch.no_grad():
            for ours, theirs in (("input", "ih"), ("state", "hh")):
                getattr(self.gru, f"weight_{theirs}_l0").copy_(first[f"{ours}.weight"].T)
                getattr(self.gru, f"bias_{theirs}_l0").copy_(first[f"{ours}.bias"])

    def forward(self, numeric: Tensor, _: Tensor) -> Tensor:
        """Logits [batch output]."""
        states, _ = self.gru(numeric.view(-1, self.network.times, self.network.inputs))
        logits: Tensor = self.head(states[:, -1])
        return logits


def plain_network(lane: Lane) -> nn.Module:
    """The lane's network; its forward takes numeric features and codes [batch …]."""
    match lane.structure.network:
        case MLP():
            return PlainMLP(lane)
        case CNN():
            return PlainCNN(lane)
        case RNN():
            return PlainRNN(lane)
        case Anchored():
            return plain_anchored(lane, lane.structure.network)
        case GraphNetwork():
            return PlainGraph(lane, first_weights(lane), first_statistics(lane))
        case Recurrent():
            return PlainRecurrent(lane, first_weights(lane))
        case TCN(width=width):
            activation = partial(activation_of, lane, width)
            return PlainTCN(lane, first_weights(lane), first_statistics(lane), activation)
        case Transformer(width=width, feedforward=wider):
            return PlainTransformer(lane, first_weights(lane), partial(activation_of, lane, wider * width))
        case TextCNN(width=width):
            return PlainTextCNN(lane, first_weights(lane), activation_of(lane, width))
        case Bag():
            return PlainBag(lane, first_weights(lane))
        case ResNet():
            own = partial(activation_of, lane)
            return PlainResNet(lane, own, first_weights(lane), first_statistics(lane))
    raise ValueError(f"there is no plain twin of {lane.structure.network}; give it one in plain_network")


def plain_anchored(lane: Lane, shape: Anchored) -> nn.Module:
    """The network within, whose windows lose their level before it and get it back after it."""
    within = plain_network(replace(lane, structure=replace(lane.structure, network=shape.inner)))
    levels: list[tuple[Tensor, Tensor]] = []

    def take_off(_: nn.Module, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        x = inputs[0].reshape(-1, shape.times, shape.channels).clone()
        past = x[..., : shape.past].clone()
        level = past[:, -1] if shape.anchor == "last" else past.mean(1)
        spread = torch.ones_like(level)
        if shape.anchor == "standard":
            spread = (past.var(1, unbiased=False) + 1e-5).sqrt()
        x[..., : shape.past] = (past - level[:, None]) / spread[:, None]
        levels.append((level[:, : shape.targets], spread[:, : shape.targets]))
        return x.flatten(1), inputs[1]

    def put_back(_: nn.Module, __: tuple[Tensor, Tensor], logits: Tensor) -> Tensor:
        level, spread = (each[:, None, :] for each in levels.pop())
        z = logits.reshape(len(logits), shape.horizon, shape.targets, -1).unbind(-1)
        told = [z[0] * spread + level, *(other + 2 * spread.log() for other in z[1:])]
        return torch.stack(told, dim=-1).flatten(1)

    within.register_forward_pre_hook(take_off)
    within.register_forward_hook(put_back)
    return within


def first_weights(lane: Lane) -> dict[str, Tensor]:
    """What the lane's network begins with, by name, padding cut off."""
    network = lane.structure.network
    row, _ = first_rows(lane, (Layout.of(network.weights()), Layout.of(network.statistics())))
    return true_weights(lane, row)


def first_statistics(lane: Lane) -> dict[str, Tensor]:
    """The statistics that the lane's network begins with, by name, padding cut off."""
    network = lane.structure.network
    layout = Layout.of(network.statistics())
    _, row = first_rows(lane, (Layout.of(network.weights()), layout))
    views = layout.views(row.unsqueeze(0))
    return {
        w.name: views[w.name][0][tuple(slice(n) for n in network.real_shape(w, lane.width))]
        for w in network.statistics()
    }


def true_weights(lane: Lane, row: Tensor) -> dict[str, Tensor]:
    """A lane's weights by name, padding cut off, from its row [weight]."""
    network = lane.structure.network
    views = Layout.of(network.weights()).views(row.unsqueeze(0))
    corners = {w.name: tuple(slice(n) for n in network.real_shape(w, lane.width)) for w in network.weights()}
    return {name: view[0][corners[name]] for name, view in views.items()}
