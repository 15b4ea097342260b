"""Networks of words as anybody would write them; for the plain twin."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from cotune.engine.lanes import Lane
from cotune.engine.plain.norms import Factors, alpha_dropped
from cotune.nets.text.bag import Bag
from cotune.nets.text.cnn import TextCNN


class PlainTextCNN(nn.Module):
    """Kim's network: embeddings, torch's convolutions along each text, the maximum over time, a head."""

    def __init__(self, lane: Lane, first: Mapping[str, Tensor], activation: nn.Module) -> None:
        super().__init__()
        network = lane.structure.network
        assert isinstance(network, TextCNN)
        width, units = network.embedding_width, network.filters
        self.sizes, self.dropping = network.sizes, network.dropping
        self.embedding = embedding_of(first)
        self.convolutions = nn.ModuleList()
        for size in network.sizes:
            convolution = nn.Conv1d(width, units, size, padding=size - 1, bias=False)
            with torch.no_grad():
                own = first[f"windows.size{size}.weight"].view(size, width, units)
                convolution.weight.copy_(own.permute(2, 1, 0))
            self.convolutions.append(convolution)
        self.bias = nn.Parameter(first["windows.bias"].clone())
        self.activation, self.factors = activation, Factors(lane)
        for slope in activation.parameters():
            slope.data.copy_(first["windows.slope"])
        self.head = head_of(first)

    def forward(self, _: Tensor, codes: Tensor) -> Tensor:
        """Logits [batch output]."""
        text, ends, best = codes[:, :-1], codes[:, -1:], []
        words = (self.embedding(text) * (text != 0).unsqueeze(2)).transpose(1, 2)
        for size, convolution in zip(self.sizes, self.convolutions, strict=True):
            windows = torch.arange(text.shape[1] + size - 1, device=codes.device)
            holds = (windows < ends + size - 1).unsqueeze(1)  # the last of them begins at the last word
            best.append(convolution(words).masked_fill(~holds, -torch.inf).amax(2))
        h = self.activation(torch.cat(best, dim=1) + self.bias)
        if self.training:
            factors, q = self.factors.draw(len(codes), 0, tuple(h.shape))
            h = alpha_dropped(h, factors, q) if self.dropping == "alpha" else h * factors
        logits: Tensor = self.head(h)
        return logits

    def by_name(self) -> dict[str, Tensor]:
        """The parameters by the engine's names, in its shapes."""
        found = {"embedding": self.embedding.weight, "windows.bias": self.bias, **of_head(self.head)}
        for size, convolution in zip(self.sizes, self.convolutions, strict=True):
            assert isinstance(convolution, nn.Conv1d)
            found[f"windows.size{size}.weight"] = convolution.weight.permute(2, 1, 0).flatten(0, 1)
        slopes = [("windows.slope", slope) for slope in self.activation.parameters()]
        return found | dict(slopes)

    def in_layers(self) -> list[list[nn.Parameter]]:
        """The parameters of each layer, in order of use."""
        windows = [*self.convolutions.parameters(), self.bias, *self.activation.parameters()]
        return [[*self.embedding.parameters()], windows, [*self.head.parameters()]]


class PlainBag(nn.Module):
    """The mean of each text's embeddings, and a head."""

    def __init__(self, lane: Lane, first: Mapping[str, Tensor]) -> None:
        super().__init__()
        assert isinstance(lane.structure.network, Bag)
        self.embedding = embedding_of(first)
        self.factors, self.head = Factors(lane), head_of(first)

    def forward(self, _: Tensor, codes: Tensor) -> Tensor:
        """Logits [batch output]."""
        text = codes[:, :-1]
        h = (self.embedding(text) * (text != 0).unsqueeze(2)).sum(1) / codes[:, -1:]
        if self.training:
            h = h * self.factors.draw(len(codes), 0, tuple(h.shape))[0]
        logits: Tensor = self.head(h)
        return logits

    def by_name(self) -> dict[str, Tensor]:
        """The parameters by the engine's names, in its shapes."""
        return {"embedding": self.embedding.weight, **of_head(self.head)}

    def in_layers(self) -> list[list[nn.Parameter]]:
        """The parameters of each layer, in order of use."""
        return [[*self.embedding.parameters()], [*self.head.parameters()]]


def embedding_of(first: Mapping[str, Tensor]) -> nn.Embedding:
    """The embeddings with their first values."""
    made = nn.Embedding(*first["embedding"].shape)
    with torch.no_grad():
        made.weight.copy_(first["embedding"])
    return made


def head_of(first: Mapping[str, Tensor]) -> nn.Linear:
    """The head with its first weights."""
    made = nn.Linear(*first["head.weight"].shape)
    with torch.no_grad():
        made.weight.copy_(first["head.weight"].T)
        made.bias.copy_(first["head.bias"])
    return made


def of_head(head: nn.Linear) -> dict[str, Tensor]:
    """Its parameters by the engine's names."""
    return {"head.weight": head.weight.T, "head.bias": head.bias}
