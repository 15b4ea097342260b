"""Lanes that contend, made compactly: tiny images, a table in blocks, a judge that looks at rows as they are."""

from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from cotune.engine.bank import Variant
from cotune.engine.goals.contest import Contest
from cotune.engine.lanes import Lane, Method
from cotune.nets.gan.pair import GAN
from engine.lanes import NUMBERS, lane

KINDS, SIZES = ("number", "flag", "choice", "category"), (3, 2, 4, 3)
SIDE = 8

DEFAULTS = {
    "lr": 2e-3, "beta1": 0.5, "beta2": 0.9, "gradient_penalty": 10.0, "real_label": 0.9, "generator_lr": 0.5,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Plain:
    """A judge whose features are the first numbers of a row."""

    def features(self, x: Tensor) -> Tensor:
        return x[:, :6].double()

    def real(self, variant: Variant, rows: Tensor) -> Tensor:
        return self.features(variant.numeric[rows])


@cache
def images(rows: int = 160) -> Variant:
    """Blobs at random places."""
    g = torch.Generator().manual_seed(5)
    place = torch.rand(rows, 2, 1, 1, generator=g) * SIDE
    grid = torch.stack(torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")).float()
    x = torch.exp(-((grid - place).square().sum(1)) / 4).reshape(rows, -1)
    y = torch.zeros(rows)
    return Variant(x, torch.zeros(rows, 0, dtype=torch.int64), y, (), shape=(SIDE, SIDE, 1), judge=Plain())


@cache
def rows(count: int = 160) -> Variant:
    """Rows in blocks of every kind."""
    g = torch.Generator().manual_seed(6)
    numbers = torch.randn(count, 3, generator=g) @ torch.randn(3, 3, generator=g)
    flags = (numbers[:, :2] > 0).float()
    choice = torch.nn.functional.one_hot(torch.randint(4, (count,), generator=g), 4).float()
    category = torch.nn.functional.one_hot(torch.randint(4, (count,), generator=g), 4)[:, 1:].float()
    x = torch.cat([numbers, flags, choice, category], dim=1)
    return Variant(x, torch.zeros(count, 0, dtype=torch.int64), torch.zeros(count), (), judge=Plain())


def contender(
    trial: int = 0,
    index: int = 0,
    *,
    table: bool = False,
    loss: str = "cross_entropy",
    rounds: int = 1,
    balance: str = "none",
    batch_size: int = 16,
    steps: int = 4,
    epochs: int = 4,
    optimizer: str = "adam",
    schedule: str = "constant",
    seed: int | None = None,
    depth: int = 2,
    width: int = 16,
    generator_norm: str = "batch",
    discriminator_norm: str = "none",
    upsampling: str = "transposed",
    **numbers: float,
) -> Lane:
    """A lane of a generator and a discriminator."""
    variant = rows() if table else images()
    network = GAN(
        shape=variant.shape,
        kinds=KINDS if table else (),
        sizes=SIZES if table else (),
        latent=8,
        width=width,
        depth=depth,
        generator_norm=generator_norm,
        discriminator_norm=discriminator_norm,
        upsampling=upsampling,
        heads=numbers.get("deep_supervision", 0.0) > 0,
    )
    made = lane(
        trial,
        index,
        variant=variant,
        network=network,
        batch_size=batch_size,
        epochs=epochs,
        optimizer=optimizer,
        loss="mse",
        schedule=schedule,
        activation="leaky_relu",
        seed=seed,
        **{**DEFAULTS, **numbers},
    )
    goal = Contest(network, loss, rounds, balance, epochs * steps)
    method = Method.of({**NUMBERS, **DEFAULTS, **numbers}, loops=False)
    structure = replace(made.structure, steps=steps, goal=goal, method=method)
    return replace(made, structure=structure, loss=loss)
