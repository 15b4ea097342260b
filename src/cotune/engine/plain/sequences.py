"""Networks of sequences as ordinary modules, for the plain twin: torch's own layers, with lanes' first weights."""

import math
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from cotune.engine.lanes import Lane
from cotune.engine.plain.norms import Factors, begin, norm_of, stored, with_norm
from cotune.nets.sequence.base import SequenceNetwork
from cotune.nets.sequence.recurrent import WAYS, Recurrent
from cotune.nets.sequence.tcn import TCN
from cotune.nets.sequence.transformer import Transformer

First = Mapping[str, Tensor]
"""What a lane's network begins with, by the engine's names."""

Named = dict[str, tuple[Tensor, bool]]
"""Parameters by the engine's names, and whether they are turned."""


class PlainSequence(nn.Module):
    """Front, body, pooling and head; the body is what a family adds."""

    def __init__(self, lane: Lane, first: First) -> None:
        super().__init__()
        network = lane.structure.network
        assert isinstance(network, SequenceNetwork)
        self.shape, self.factors, units = network, Factors(lane), network.pooled
        self.embedding = None
        if network.vocabulary:
            self.embedding = nn.Embedding(network.vocabulary, network.embedding_width)
            with torch.no_grad():
                self.embedding.weight.copy_(first["embedding"])
        self.attention, self.query = None, None
        if network.pooling == "attention":
            self.attention = linear_of(first["attention.weight"], first["attention.bias"])
            self.query = nn.Parameter(first["attention.query"].clone())
        self.head = linear_of(first["head.weight"], first["head.bias"])
        assert self.head.in_features == units

    def forward(self, numeric: Tensor, codes: Tensor) -> Tensor:
        """Logits [batch output]."""
        network, rows = self.shape, max(len(numeric), len(codes))
        parts = [numeric.view(rows, network.times, network.channels)] if network.channels else []
        if self.embedding is not None:
            parts.append(self.embedding(codes[:, : network.times]))
        lengths = codes[:, -1] if network.lengths else torch.full((rows,), network.times)
        h = self.summary(torch.cat(parts, dim=2), lengths)
        if self.training:
            drawn = rows * network.pooled
            h = h * self.factors.draw(rows, network.draws(rows) - drawn, (rows, network.pooled))[0]
        logits: Tensor = self.head(h)
        return logits

    def summary(self, x: Tensor, lengths: Tensor) -> Tensor:
        """What the head sees [batch pooled]."""
        raise NotImplementedError

    def pooled(self, states: Tensor, lengths: Tensor) -> Tensor:
        """All rows at once; of unequal lengths row by row, each without the times that it has not."""
        if not self.shape.lengths:
            return self._pooled(states)
        return torch.stack([self._pooled(row[:n]) for row, n in zip(states, lengths.tolist(), strict=True)])

    def _pooled(self, states: Tensor) -> Tensor:
        """Of whole rows [… time unit]."""
        match self.shape.pooling:
            case "mean":
                return states.mean(-2)
            case "max":
                return states.amax(-2)
            case "attention":
                assert self.attention is not None
                assert self.query is not None
                scores = torch.tanh(self.attention(states)) @ self.query
                return (torch.softmax(scores, dim=-1).unsqueeze(-1) * states).sum(-2)
        return states[..., -1, :]

    def dropped(self, x: Tensor, place: int) -> Tensor:
        """x [batch time unit] without what is left out between layers."""
        if not self.training:
            return x
        network, (rows, times, units) = self.shape, x.shape
        positions = 1 if network.dropping == "spatial" else times
        first = rows * positions * sum(network.dropped[:place])
        return x * self.factors.draw(rows, first, (rows, positions, units))[0]

    def by_name(self) -> Named:
        """All parameters."""
        found: Named = {"head.weight": (self.head.weight, True), "head.bias": (self.head.bias, False)}
        if self.embedding is not None:
            found["embedding"] = (self.embedding.weight, False)
        if self.attention is not None and self.query is not None:
            found["attention.weight"] = (self.attention.weight, True)
            found["attention.bias"] = (self.attention.bias, False)
            found["attention.query"] = (self.query, False)
        return found | self.body()

    def body(self) -> Named:
        """Those of the body."""
        raise NotImplementedError

    def in_layers(self) -> list[list[nn.Parameter]]:
        """The parameters of each layer, in order of use."""
        found: dict[str, list[nn.Parameter]] = {}
        own, named = {p.data_ptr(): p for p in self.parameters()}, self.by_name()
        for name in (weight.name for weight in self.shape.weights()):
            parameter = own[named[name][0].data_ptr()]  # a gain is a view of its own
            found.setdefault(name.split(".")[0], []).append(parameter)
        return list(found.values())


class PlainRecurrent(PlainSequence):
    """torch.nn.RNN, GRU or LSTM layer by layer, over packed sequences."""

    def __init__(self, lane: Lane, first: First) -> None:
        super().__init__(lane, first)
        network = lane.structure.network
        assert isinstance(network, Recurrent)
        kind = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[network.cell]
        both = network.bidirectional
        inputs = [network.inputs] + [network.pooled] * (network.layers - 1)
        self.layers = nn.ModuleList(
            kind(n, network.width, batch_first=True, bidirectional=both) for n in inputs
        )
        self.last = network.pooling == "last"
        with torch.no_grad():
            for name, (parameter, turned) in self.body().items():
                parameter.copy_(first[name].T if turned else first[name])

    def summary(self, x: Tensor, lengths: Tensor) -> Tensor:
        """See `PlainSequence`."""
        end = x
        for place, layer in enumerate(self.layers):
            if self.shape.lengths:
                packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
                states, final = layer(packed)
                x = pad_packed_sequence(states, batch_first=True, total_length=x.shape[1])[0]
            else:
                x, final = layer(x)
            final = final[0] if isinstance(final, tuple) else final
            end = torch.cat(list(final), dim=1)
            x = self.dropped(x, place) if place < len(self.layers) - 1 else x
        return end if self.last else self.pooled(x, lengths)

    def body(self) -> Named:
        """See `PlainSequence`."""
        found: Named = {}
        for i, layer in enumerate(self.layers):
            assert isinstance(layer, nn.RNNBase)
            for way in WAYS[: 1 + layer.bidirectional]:
                suffix = "l0" if way == "forward" else "l0_reverse"
                for ours, theirs in (("input", "ih"), ("state", "hh")):
                    for part in ("weight", "bias"):
                        parameter = getattr(layer, f"{part}_{theirs}_{suffix}")
                        found[f"{way}{i}.{ours}.{part}"] = (parameter, part == "weight")
        return found


def linear_of(weight: Tensor, bias: Tensor) -> nn.Linear:
    """A linear layer with these weights [input unit]."""
    made = nn.Linear(*weight.shape)
    with torch.no_grad():
        made.weight.copy_(weight.T)
        made.bias.copy_(bias)
    return made


class PlainTCN(PlainSequence):
    """torch.nn.Conv1d and torch's norms; rows without the times that they have not, where a norm looks at several."""

    def __init__(self, lane: Lane, first: First, moments: First, activation: Callable[[], nn.Module]) -> None:
        super().__init__(lane, first)
        network = lane.structure.network
        assert isinstance(network, TCN)
        self.tcn, inputs = network, network.inputs
        self.levels, self.norms, self.activations = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for level in range(network.levels):
            name, k = f"level{level}", network.kernel
            made = nn.Conv1d(
                inputs, network.width, k, dilation=network.dilation**level, bias=network.norm != "batch"
            )
            with torch.no_grad():
                made.weight.copy_(first[f"{name}.weight"].view(k, inputs, -1).permute(2, 1, 0))
                if made.bias is not None:
                    made.bias.copy_(first[f"{name}.bias"])
                sides = (moments.get(f"{name}.norm.{side}") for side in ("left", "right"))
                with_norm(made, network.norm, *sides)
            self.levels.append(made)
            self.norms.append(norm_of(network.norm, network.width))
            self.activations.append(activation())
            begin(name, made, self.norms[-1], self.activations[-1], first, moments)
            inputs = network.width

    def summary(self, x: Tensor, lengths: Tensor) -> Tensor:
        """See `PlainSequence`."""
        used = torch.arange(x.shape[1]) < lengths.unsqueeze(1)
        for level, (convolution, norm, activation) in enumerate(
            zip(self.levels, self.norms, self.activations, strict=True)
        ):
            span = (self.tcn.kernel - 1) * self.tcn.dilation**level
            left = span if self.tcn.causal else span // 2
            padded = F.pad((x * used.unsqueeze(2)).transpose(1, 2), (left, span - left))
            own = convolution(padded).transpose(1, 2)
            if self.tcn.lengths:  # rows' times one under the other
                found = activation(norm(own[used]))
                z = torch.zeros(own.shape).masked_scatter(used.unsqueeze(2), found)
            else:
                z = activation(norm(own.flatten(0, 1))).view(own.shape)
            z = self.dropped(z, level) if level < len(self.levels) - 1 else z
            x = x + z if self.tcn.residual and level else z
        return self.pooled(x, lengths)

    def body(self) -> Named:
        """See `PlainSequence`."""
        found: Named = {}
        for i, (layer, norm, activation) in enumerate(
            zip(self.levels, self.norms, self.activations, strict=True)
        ):
            assert isinstance(layer, nn.Conv1d)
            for part, parameter in stored(layer).items():
                found[f"level{i}.{part}"] = (parameter, part == "weight")
            for part, parameter in norm.named_parameters():
                found[f"level{i}.norm.{part.split('.')[-1]}"] = (parameter, False)
            for slope in activation.parameters():
                found[f"level{i}.slope"] = (slope, False)
        return found


class PlainTransformer(PlainSequence):
    """The parts of torch.nn.TransformerEncoderLayer, norms first, and one norm more at the end."""

    def __init__(self, lane: Lane, first: First, activation: Callable[[], nn.Module]) -> None:
        super().__init__(lane, first)
        network = lane.structure.network
        assert isinstance(network, Transformer)
        self.inputs = linear_of(first["inputs.weight"], first["inputs.bias"])
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                network.width, network.heads, network.feedforward * network.width, dropout=0.0, batch_first=True,
                norm_first=True,
            )
            for _ in range(network.layers)
        )  # fmt: skip
        self.activations = nn.ModuleList(activation() for _ in self.layers)
        for layer in self.layers:
            assert isinstance(layer, nn.TransformerEncoderLayer)
            layer.self_attn.register_parameter("in_proj_bias", None)
            if network.norm == "rms":
                for name in ("norm1", "norm2"):
                    setattr(layer, name, norm_of("rms", network.width))
        self.norm = norm_of(network.norm, network.width)
        with torch.no_grad():
            for name, (parameter, turned) in self.body().items():
                parameter.copy_(first[name].T if turned else first[name])

    def summary(self, x: Tensor, lengths: Tensor) -> Tensor:
        """See `PlainSequence`."""
        absent = torch.arange(x.shape[1]) >= lengths.unsqueeze(1) if self.shape.lengths else None
        h = self.inputs(x) + self._positions(x.shape[1])
        for place, (layer, activation) in enumerate(zip(self.layers, self.activations, strict=True)):
            assert isinstance(layer, nn.TransformerEncoderLayer)
            n = self._normed(layer.norm1, h)
            seen = layer.self_attn(n, n, n, key_padding_mask=absent, need_weights=False)[0]
            h = h + self.dropped(seen, 2 * place)
            wide = activation(layer.linear1(self._normed(layer.norm2, h)).flatten(0, 1))
            h = h + self.dropped(layer.linear2(wide.view(*h.shape[:2], -1)), 2 * place + 1)
        return self.pooled(self._normed(self.norm, h), lengths)

    @staticmethod
    def _normed(norm: nn.Module, h: Tensor) -> Tensor:
        found: Tensor = norm(h.flatten(0, 1)).view(h.shape)
        return found

    def _positions(self, times: int) -> Tensor:
        width = self.shape.width
        found = [
            [(math.sin, math.cos)[u % 2](t / 10000 ** ((u - u % 2) / width)) for u in range(width)]
            for t in range(times)
        ]
        return torch.tensor(found)

    def body(self) -> Named:
        """See `PlainSequence`."""
        found: Named = {"inputs.weight": (self.inputs.weight, True), "inputs.bias": (self.inputs.bias, False)}
        for i, (layer, activation) in enumerate(zip(self.layers, self.activations, strict=True)):
            assert isinstance(layer, nn.TransformerEncoderLayer)
            found[f"layer{i}.attend.weight"] = (layer.self_attn.in_proj_weight, True)
            parts = {"join": layer.self_attn.out_proj, "widen": layer.linear1, "narrow": layer.linear2}
            for name, part in parts.items():
                found[f"layer{i}.{name}.weight"] = (part.weight, True)
                found[f"layer{i}.{name}.bias"] = (part.bias, False)
            for name, norm in (("first", layer.norm1), ("second", layer.norm2)):
                for key, parameter in norm.named_parameters():
                    found[f"layer{i}.{name}.norm.{key.split('.')[-1]}"] = (parameter, False)
            for slope in activation.parameters():
                found[f"layer{i}.slope"] = (slope, False)
        for key, parameter in self.norm.named_parameters():
            found[f"last.norm.{key.split('.')[-1]}"] = (parameter, False)
        return found
