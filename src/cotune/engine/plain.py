"""Lanes' networks as ordinary modules, for the plain twin: at their true width, with their first weights."""

import torch
from torch import Tensor, nn

from cotune.engine import rng
from cotune.engine.lanes import Lane, mlp_of
from cotune.nets.cnn import CNN
from cotune.nets.initialise import initialise
from cotune.nets.layout import Layout
from cotune.nets.mlp import MLP
from cotune.nets.rnn import RNN

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
}
NORMS: dict[str, type[nn.Module]] = {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


class LaneDropout(nn.Module):
    """Dropout with the lane's own masks; `step` is set by the loop.

    A step's masks for all layers are drawn at once, at the padded width (a function of the lane alone), and cut.
    """

    def __init__(self, lane: Lane, layer: int) -> None:
        super().__init__()
        self.seed = torch.tensor([rng.seed_of(lane.seed, "dropout")])
        self.p = torch.tensor([lane.numbers["dropout"]], dtype=torch.float32)
        self.layer, self.step = layer, 0
        self.layers, self.padded = mlp_of(lane).depth, mlp_of(lane).width

    def forward(self, x: Tensor) -> Tensor:
        """Batch unit → batch unit."""
        if not self.training:
            return x
        key = rng.keys(self.seed, torch.tensor([self.step]))
        count = self.layers * len(x) * self.padded
        draws = rng.draws(key, rng.counters(count))[:, :count]
        masks = rng.keep_mask(draws, rng.drop_levels(key, self.p).unsqueeze(1))
        return x * masks.view(self.layers, len(x), self.padded)[self.layer, :, : x.shape[1]]


class Hidden(nn.Module):
    """One hidden layer: linear, norm, activation, dropout, and the residual connection around them."""

    def __init__(self, lane: Lane, layer: int, inputs: int) -> None:
        super().__init__()
        network = mlp_of(lane)
        self.linear = nn.Linear(inputs, lane.width, bias=network.norm != "batch")
        self.norm = NORMS[network.norm](lane.width)
        self.activation = ACTIVATIONS[lane.activation]()
        self.dropout = LaneDropout(lane, layer)
        self.residual = network.residual and layer > 0

    def forward(self, x: Tensor) -> Tensor:
        """Batch input → batch unit."""
        z: Tensor = self.dropout(self.activation(self.norm(self.linear(x))))
        return x + z if self.residual else z


class PlainMLP(nn.Module):
    """The lane's network at its true width, with its first weights."""

    def __init__(self, lane: Lane) -> None:
        super().__init__()
        network = mlp_of(lane)
        self.embeddings = nn.ModuleList(
            nn.Embedding(entries, network.embedding_width) for entries in network.cardinalities
        )
        sizes = [network.inputs, *[lane.width] * network.depth]
        self.hidden = nn.ModuleList(Hidden(lane, i, sizes[i]) for i in range(network.depth))
        self.head = nn.Linear(sizes[-1], network.outputs)
        self._set_first_weights(lane)

    def forward(self, numeric: Tensor, codes: Tensor) -> Tensor:
        """Logits [batch output]."""
        x = torch.cat([numeric, *(table(codes[:, i]) for i, table in enumerate(self.embeddings))], dim=1)
        for layer in self.hidden:
            x = layer(x)
        logits: Tensor = self.head(x)
        return logits

    def by_name(self) -> dict[str, tuple[Tensor, bool]]:
        """The parameters of layers by the engine's names, and whether they are turned; without embeddings."""
        found: dict[str, tuple[Tensor, bool]] = {
            "head.weight": (self.head.weight, True),
            "head.bias": (self.head.bias, False),
        }
        for i, layer in enumerate(self.hidden):
            assert isinstance(layer, Hidden)
            found[f"hidden{i}.weight"] = (layer.linear.weight, True)
            if layer.linear.bias is not None:
                found[f"hidden{i}.bias"] = (layer.linear.bias, False)
            for part, parameter in layer.norm.named_parameters():
                found[f"hidden{i}.norm.{part}"] = (parameter, False)
        return found

    @torch.no_grad()
    def _set_first_weights(self, lane: Lane) -> None:
        """Cut the lane's row of first weights at the true width; torch's defaults serve where it has none."""
        first = first_weights(lane)
        start = 0
        for table in self.embeddings:
            assert isinstance(table, nn.Embedding)
            table.weight.copy_(first["embedding"][start : start + table.num_embeddings])
            start += table.num_embeddings
        linears = {f"hidden{i}": layer.linear for i, layer in enumerate(self.hidden)} | {"head": self.head}
        for name, linear in linears.items():
            assert isinstance(linear, nn.Linear)
            linear.weight.copy_(first[f"{name}.weight"].T)
            if f"{name}.bias" in first:
                linear.bias.copy_(first[f"{name}.bias"])


class PlainCNN(nn.Module):
    """Convolution, activation, dropout, pooling; and a head. Channels come first inside, as torch has it."""

    def __init__(self, lane: Lane) -> None:
        super().__init__()
        network = lane.structure.network
        assert isinstance(network, CNN)
        self.network = network
        self.activation = ACTIVATIONS[lane.activation]()
        self.seed = torch.tensor([rng.seed_of(lane.seed, "dropout")])
        self.p, self.step = torch.tensor([lane.numbers["dropout"]], dtype=torch.float32), 0
        first, channels = first_weights(lane), network.channels
        self.convolutions = nn.ModuleList()
        for layer, units in enumerate(network.filters):
            convolution = nn.Conv2d(channels, units, network.kernel, padding=network.kernel // 2)
            filters = first[f"convolution{layer}.weight"]
            with torch.no_grad():
                shaped = filters.view(network.kernel, network.kernel, channels, units)
                convolution.weight.copy_(shaped.permute(3, 2, 0, 1))
                convolution.bias.copy_(first[f"convolution{layer}.bias"])  # type: ignore[union-attr]
            self.convolutions.append(convolution)
            channels = units
        self.head = _linear(first["head.weight"], first["head.bias"])

    def forward(self, numeric: Tensor, _: Tensor) -> Tensor:
        """Logits [batch output]."""
        network = self.network
        x = numeric.view(-1, network.height, network.across, network.channels).permute(0, 3, 1, 2)
        drawn = 0
        for convolution in self.convolutions:
            z = self.activation(convolution(x)).permute(0, 2, 3, 1)
            if self.training:
                z = z * self._factors(len(z))[drawn : drawn + z.numel()].view(z.shape)
                drawn += z.numel()
            x = nn.functional.max_pool2d(z.permute(0, 3, 1, 2), 2)
        logits: Tensor = self.head(x.permute(0, 2, 3, 1).flatten(1))
        return logits

    def _factors(self, rows: int) -> Tensor:
        """Dropout's factors of this step, all layers one after the other."""
        key, count = rng.keys(self.seed, torch.tensor([self.step])), rows * self.network.dropped[1]
        draws = rng.draws(key, rng.counters(count))[:, :count]
        return rng.keep_mask(draws, rng.drop_levels(key, self.p).unsqueeze(1))[0]


class PlainRNN(nn.Module):
    """torch.nn.GRU and a head on its last state."""

    def __init__(self, lane: Lane) -> None:
        super().__init__()
        network = lane.structure.network
        assert isinstance(network, RNN)
        self.network, first = network, first_weights(lane)
        self.gru = nn.GRU(network.inputs, network.width, batch_first=True)
        self.head = _linear(first["head.weight"], first["head.bias"])
        with torch.no_grad():
            for ours, theirs in (("input", "ih"), ("state", "hh")):
                getattr(self.gru, f"weight_{theirs}_l0").copy_(first[f"{ours}.weight"].T)
                getattr(self.gru, f"bias_{theirs}_l0").copy_(first[f"{ours}.bias"])

    def forward(self, numeric: Tensor, _: Tensor) -> Tensor:
        """Logits [batch output]."""
        states, _ = self.gru(numeric.view(-1, self.network.times, self.network.inputs))
        logits: Tensor = self.head(states[:, -1])
        return logits


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    """A linear layer with these weights [input unit]."""
    made = nn.Linear(*weight.shape)
    with torch.no_grad():
        made.weight.copy_(weight.T)
        made.bias.copy_(bias)
    return made


def plain_network(lane: Lane) -> nn.Module:
    """The lane's network; its forward takes numeric features and codes [batch …]."""
    match lane.structure.network:
        case MLP():
            return PlainMLP(lane)
        case CNN():
            return PlainCNN(lane)
        case RNN():
            return PlainRNN(lane)
    raise ValueError(f"there is no plain twin of {lane.structure.network}; give it one in plain_network")


def first_weights(lane: Lane) -> dict[str, Tensor]:
    """What the lane's network begins with, by name, padding cut off."""
    layout = Layout.of(lane.structure.network.weights())
    seed = rng.seed_of(lane.seed, "weights")
    row = initialise(lane.structure.network, layout, width=lane.width, init=lane.init, seed=seed)
    return true_weights(lane, row)


def true_weights(lane: Lane, row: Tensor) -> dict[str, Tensor]:
    """A lane's weights by name, padding cut off, from its row [weight]."""
    network = lane.structure.network
    views = Layout.of(network.weights()).views(row.unsqueeze(0))
    corners = {w.name: tuple(slice(n) for n in network.real_shape(w, lane.width)) for w in network.weights()}
    return {name: view[0][corners[name]] for name, view in views.items()}
