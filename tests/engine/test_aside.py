"""What a forward pass lays aside is learned from: heads and penalties; and a structure may have its own goal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from cotune.engine.bank import Stack
from cotune.engine.lanes import Lane
from cotune.engine.population import Population
from cotune.nets.context import Context
from cotune.nets.layout import Layout, Weight
from cotune.nets.mlp import MLP
from engine.lanes import lane, table

PLACES = ["batched"]
SHAPE: dict[str, Any] = {
    "features": 5, "cardinalities": (), "embedding_width": 0, "width": 8, "depth": 1, "norm": "none", "residual": False,
    "outputs": 3,
}  # fmt: skip


@dataclass(frozen=True)
class Twice(MLP):
    """Its logits are judged twice: as such, and as a further head."""

    def forward(self, *args: Any) -> Tensor:
        logits = super().forward(*args)
        aside = args[-1].aside
        if aside is not None:
            aside.heads.append((1.0, logits))
        return logits


@dataclass(frozen=True)
class Shrinking(MLP):
    """Pays for the squares of its logits."""

    def forward(self, *args: Any) -> Tensor:
        logits = super().forward(*args)
        aside = args[-1].aside
        if aside is not None:
            aside.penalties.append(logits.square().mean((1, 2)))
        return logits


@dataclass(frozen=True)
class Shared(MLP):
    """Adds what all rows share to its logits."""

    @property
    def whole(self) -> bool:
        return True

    def forward(self, *args: Any) -> Tensor:
        return super().forward(*args) + args[-1].world.offset


@dataclass(frozen=True, eq=False)
class World:
    """What rows share."""

    offset: Tensor

    def to(self, device: torch.device) -> "World":
        return World(self.offset.to(device))


@dataclass(frozen=True)
class Free(MLP):
    """Its gradients are added up by autograd, not written by the layers."""

    def weights(self) -> tuple[Weight, ...]:
        return tuple(replace(weight, accumulates=True) for weight in super().weights())


@dataclass(frozen=True)
class Origin:
    """The goal of having small weights in the first layer, whatever the rows are."""

    def losses(
        self, weights: Mapping[str, Tensor], _: Mapping[str, Tensor], __: Any, ___: Context, keys: Tensor
    ) -> Tensor:
        assert keys.dtype == torch.int64
        return weights["hidden0.weight"].square().sum((1, 2))

    def figures(
        self,
        lanes: Sequence[Lane],
        metrics: Sequence[str],
        weights: Tensor,
        _: Tensor,
        layouts: tuple[Layout, Layout],
    ) -> dict[str, Tensor]:
        found = layouts[0].views(weights)["hidden0.weight"].square().sum((1, 2)).double()
        assert len(found) == len(lanes)
        return dict.fromkeys((*metrics, "loss"), found)


def trained(
    network: MLP, *, goal: Any = None, world: Any = None, epochs: int = 1, **numbers: Any
) -> Population:
    variant = replace(table(), world=world)
    lanes = [
        lane(
            trial,
            variant=variant,
            network=network,
            optimizer="sgd",
            momentum=0.0,
            schedule="constant",
            **numbers,
        )
        for trial in range(3)
    ]
    lanes = [replace(one, structure=replace(one.structure, goal=goal)) for one in lanes]
    made = Population(lanes[0].structure, Stack(), metric="log_loss", chunk=4, way="batched")
    made.join(lanes)
    for _ in range(epochs):
        made.train_epoch()
    return made


def test_a_further_head_counts_as_the_first() -> None:
    once, twice = trained(MLP(**SHAPE), lr=0.02), trained(Twice(**SHAPE), lr=0.01)
    torch.testing.assert_close(once.state.weights, twice.state.weights, rtol=1e-5, atol=1e-6)


def test_a_penalty_is_learned_from() -> None:
    plain, shrinking = trained(MLP(**SHAPE), epochs=4), trained(Shrinking(**SHAPE), epochs=4)
    sizes = [made.layouts[0].views(made.state.weights)["head.weight"].norm() for made in (plain, shrinking)]
    assert sizes[1] < 0.99 * sizes[0]


def test_what_rows_share_reaches_every_forward_pass() -> None:
    """An offset of one class that is far above the others decides every figure."""
    offset = torch.zeros(16)
    offset[0] = 100.0
    found = [trained(Shared(**SHAPE), world=World(w), lr=1e-9).state.best for w in (torch.zeros(16), offset)]
    assert bool((found[1] > 10 * found[0]).all())


def test_a_structure_may_have_a_goal_of_its_own() -> None:
    made = trained(Free(**SHAPE), goal=Origin(), lr=0.4, epochs=3)
    record = made.train_epoch().records[0]
    assert record.metrics["log_loss"] < 1e-2
    assert record.metrics["loss"] == record.metrics["log_loss"]
    assert bool((made.state.best < 1e-2).all())
