"""The peer: an ordinary module and an ordinary loop, one network after the other, from rows in memory.

It does what each configuration asks for (norm, residual connections, dropout, noise, smoothing, clipping, schedule,
decay) and leaves out what it does not, with PyTorch's fused optimizers and no DataLoader, and judges the validation
rows after every epoch, as the engine does. It keeps no weights, which the engine does.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from cotune.types import Value

Config = Mapping[str, Value]


@dataclass(frozen=True)
class Rows:
    """Prepared rows: numbers [row feature] and classes [row] to train on and to judge by."""

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    classes: int


class Block(nn.Module):
    """A hidden layer: linear, norm, activation, dropout; perhaps beside what comes in."""

    def __init__(self, inputs: int, width: int, config: Config) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, width)
        self.norm = nn.LayerNorm(width) if config["norm"] == "layer" else nn.Identity()
        self.activation = nn.GELU() if config["activation"] == "gelu" else nn.Identity()
        rate = float(config["dropout"] or 0.0)
        self.dropout = nn.Dropout(rate) if rate else nn.Identity()
        self.residual = bool(config["residual"]) and inputs == width

    def forward(self, x: Tensor) -> Tensor:
        """What comes out [row unit]."""
        found = self.dropout(self.activation(self.norm(self.linear(x))))
        return x + found if self.residual else found


def module(features: int, classes: int, config: Config) -> nn.Module:
    """A configuration's network."""
    width = int(config["width"])  # type: ignore[arg-type]
    sizes = [features, *[width] * int(config["depth"])]  # type: ignore[arg-type]
    blocks = [Block(a, b, config) for a, b in pairwise(sizes)]
    network = nn.Sequential(*blocks, nn.Linear(sizes[-1], classes))
    for block in blocks:
        if config["init"] == "he":
            nn.init.kaiming_normal_(block.linear.weight, nonlinearity="relu")
    return network


def optimizer_of(network: nn.Module, config: Config) -> torch.optim.Optimizer:
    """Fused AdamW, or fused SGD."""
    lr, decay = float(config["lr"]), float(config["weight_decay"])  # type: ignore[arg-type]
    if config["optimizer"] == "adamw":
        return torch.optim.AdamW(network.parameters(), lr=lr, weight_decay=decay, fused=True)
    return torch.optim.SGD(network.parameters(), lr=lr, momentum=0.9, weight_decay=decay, fused=True)


def share(config: Config, step: int, steps: int) -> float:
    """Of the peak rate, at a step: warm-up, then half a cosine."""
    warm = float(config["warmup"] or 0.0) * steps
    if step < warm:
        return (step + 1) / warm
    if config["schedule"] != "cosine":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1.0, steps - warm)))


def train(config: Config, rows: Rows, *, epochs: int, seed: int) -> float:
    """Train one network; its best validation accuracy."""
    torch.manual_seed(seed)
    x, y = rows.train
    batch = int(config["batch_size"])  # type: ignore[arg-type]
    count = len(x) // batch
    network = module(x.shape[1], rows.classes, config)
    optimizer = optimizer_of(network, config)
    noise, smoothing = float(config["input_noise"] or 0.0), float(config.get("label_smoothing") or 0.0)
    clip, peak = float(config["clip_norm"] or 0.0), float(config["lr"])  # type: ignore[arg-type]
    best = 0.0
    for epoch in range(epochs):
        network.train()
        order = torch.randperm(len(x))[: count * batch].view(count, batch)
        for i in range(count):
            inputs = x[order[i]]
            if noise:
                inputs = inputs + noise * torch.randn_like(inputs)
            loss = functional.cross_entropy(network(inputs), y[order[i]], label_smoothing=smoothing)
            optimizer.zero_grad()
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_(network.parameters(), clip)
            for group in optimizer.param_groups:
                group["lr"] = peak * share(config, epoch * count + i, epochs * count)
            optimizer.step()
        best = max(best, accuracy(network, *rows.validation))
    return best


@torch.no_grad()
def accuracy(network: nn.Module, x: Tensor, y: Tensor) -> float:
    """Of the validation rows."""
    network.eval()
    return float((network(x).argmax(-1) == y).float().mean())
