"""Modules as users write them, and lanes of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from cotune.engine.bank import Variant
from cotune.engine.lanes import Lane, Method
from cotune.engine.rng import seed_of
from cotune.study.own.modules import OwnModule, inputs_of
from engine import lanes as made_of
from engine.lanes import table

Build = Callable[[Any], nn.Module]


class Scaled(nn.Module):
    """A float of its own, and a parameter that is used twice."""

    def __init__(self, alpha: float, p: float) -> None:
        super().__init__()
        self.alpha = alpha
        self.body = nn.Linear(5, 5)
        self.head = nn.Linear(5, 3)
        self.drop = nn.Dropout(p)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Two layers of the same weights."""
        return self.head(self.drop(self.body(self.alpha * torch.relu(self.body(x)))))


class Tied(nn.Module):
    """One parameter under two names, a frozen one, a buffer that forward changes."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(5, 5), nn.Linear(5, 5)
        self.two.weight = self.one.weight
        self.head = nn.Linear(5, 3)
        self.one.bias.requires_grad_(False)
        self.register_buffer("seen", torch.zeros(5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Through both."""
        if self.training:
            with torch.no_grad():
                self.seen.add_(x.mean(0))
        return self.head(self.two(torch.tanh(self.one(x))) + 0.01 * self.seen)


class Recurrent(nn.Module):
    """A series of five times with one number each."""

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.cell, self.head = kind(1, 4, batch_first=True), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The last state decides."""
        return self.head(self.cell(x.unsqueeze(-1))[0][:, -1])


class FunctionalDropout(nn.Module):
    """Draws from torch's own generator."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(5, 8), nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """With functional dropout."""
        return self.head(F.dropout(torch.relu(self.body(x)), 0.3, self.training))


def mlp(*middle: nn.Module, bias: bool = True) -> Build:
    """A builder of a perceptron with these layers in its middle, built anew each time.

    A bias before a batch norm has no gradient but rounding noise, which Adam makes steps of: it must be off there.
    """

    def build(_: Any) -> nn.Module:
        import copy

        return nn.Sequential(nn.Linear(5, 16, bias=bias), *copy.deepcopy(middle), nn.Linear(16, 3))

    return build


def conv(_: Any) -> nn.Module:
    """A convolution over the five features."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 5)),
        nn.Conv1d(1, 4, 3, bias=False),
        nn.BatchNorm1d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(12, 3),
    )


TOGETHER: dict[str, Build] = {
    "mlp": mlp(nn.ReLU()),
    "gelu": mlp(nn.GELU(), nn.Linear(16, 16), nn.SiLU()),
    "batch norm": mlp(nn.BatchNorm1d(16), nn.ReLU(), bias=False),
    "batch norm of another momentum": mlp(nn.BatchNorm1d(16, eps=1e-3, momentum=0.3), nn.ReLU(), bias=False),
    "layer norm": mlp(nn.LayerNorm(16), nn.Tanh()),
    "leaky": mlp(nn.LeakyReLU(0.2)),
    "elu": mlp(nn.ELU(0.7)),
    "float of its own": lambda _: Scaled(0.5, 0.0),
    "tied, frozen, buffer": lambda _: Tied(),
}
"""Modules that vmap steps."""

DRAWING: dict[str, Build] = {
    "dropout": mlp(nn.ReLU(), nn.Dropout(0.3)),
    "two dropouts": mlp(nn.Dropout(0.5), nn.ReLU(), nn.Dropout(0.1)),
}

ALONE: dict[str, tuple[Build, str]] = {
    "convolution": (conv, "last bits"),
    "embedding bag": (lambda _: nn.Sequential(nn.EmbeddingBag(4, 8), nn.Linear(8, 3)), "embedding_bag"),
    "functional dropout": (lambda _: FunctionalDropout(), "generator"),
}
"""Modules that it does not, and a word of the reason."""


def lane(
    build: Build,
    trial: int = 0,
    *,
    variant: Variant | None = None,
    kind: str = "table",
    loss: Callable[..., Any] | None = None,
    batch: int = 32,
    given: dict[str, Any] | None = None,
    **settings: Any,
) -> Lane:
    """A lane whose network `build` makes."""
    variant = table() if variant is None else variant
    train, _ = made_of.rows_of(len(variant.target))
    own = OwnModule(build, loss=loss).lane(
        {f"module.{name}": value for name, value in (given or {}).items()},
        seed=seed_of("module", trial),
        variant=variant,
        parts=inputs_of(kind, variant.shape, variant.numeric.shape[1], variant.codes.shape[1], ()),
        rows=train,
        batch=batch,
        outputs=3,
        device="cpu",
    )
    made = made_of.lane(
        trial, variant=variant, network=own.network, batch_size=batch, activation="identity", **settings
    )
    structure = replace(made.structure, goal=own.goal, method=Method.of(made.numbers, loops=False))
    return replace(made, structure=structure, start=own.start)
