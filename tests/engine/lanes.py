"""Lanes, made compactly: a tiny table, a structure, and numbers, each with a default that a test may replace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import pytest
import torch
from torch import Tensor

from cotune.engine.bank import Stack, Variant
from cotune.engine.compiled import knows
from cotune.engine.devices import ON_HOST, Compute
from cotune.engine.lanes import NEUTRAL, Lane, Method, Structure, padded_width
from cotune.engine.loop import Engine
from cotune.engine.loss import LOSSES
from cotune.engine.optim import OPTIMIZERS
from cotune.engine.outcome import Way
from cotune.engine.plan import Plan, kind_of
from cotune.engine.population import Population
from cotune.engine.rng import seed_of
from cotune.nets.activations import ACTIVATIONS
from cotune.nets.mlp import MLP
from cotune.nets.network import Network
from cotune.types import LaneId, Record, Task

NUMBERS = {
    "lr": 0.02,
    "weight_decay": 0.0,
    "momentum": 0.9,
    "beta1": 0.9,
    "beta2": 0.99,
    "dropout": 0.0,
    "l1": 0.0,
    "label_smoothing": 0.0,
    "clip_norm": 0.0,
    "warmup": 0.0,
    "final_lr": 0.1,
    "quantile": 0.3,
    "focal_gamma": 2.0,
    "margin": 1.0,
    "contrast_temperature": 0.1,
    "cycles": 2,
    "drops": 2,
    "decay_factor": 0.5,
    "decay_power": 2.0,
    "decay_share": 0.5,
    "plateau_patience": 1,
    "init_std": 0.1,
}
EMBEDDING_SIZE = 6


@cache
def table(
    *,
    rows: int = 120,
    features: int = 5,
    cardinalities: tuple[int, ...] = (),
    classes: int = 3,
    weighted: bool = False,
    counts: bool = False,
    seed: int = 0,
    values: int = 1,
) -> Variant:
    """Made-up rows that can be learned; `classes=0` is regression, of `counts` or several `values` where that is said.

    The same arguments give the same object.
    """
    g = torch.Generator().manual_seed(seed_of("table", rows, features, list(cardinalities), classes, seed))
    x = torch.randn(rows, features, generator=g)
    codes = torch.stack(
        [torch.randint(n, (rows,), generator=g) for n in cardinalities]
        or [torch.zeros(rows, dtype=torch.int64)],
        dim=1,
    )[:, : len(cardinalities)]
    score = x @ torch.randn(features, max(classes, values), generator=g) + 0.5 * codes.sum(1, keepdim=True)
    score = score + 0.3 * torch.randn(score.shape, generator=g)
    if classes:
        weights = torch.rand(classes, generator=g) + 0.5 if weighted else None
        y = score.argmax(1)
        return Variant(x, codes, y, cardinalities, weights, classes=int(y.max()) + 1)
    if values > 1:
        means, scales = tuple(score.mean(0).tolist()), tuple(score.std(0).tolist())
        y = ((score - score.mean(0)) / score.std(0)).float()
        return Variant(x, codes, y, cardinalities, None, means, scales)
    y = score[:, 0].double()
    if counts:
        y = torch.poisson(torch.exp(0.4 * y + 1.0), generator=g)
    mean, scale = float(y.mean()), float(y.std())
    return Variant(x, codes, ((y - mean) / scale).float(), cardinalities, None, mean, scale)


@cache
def rows_of(variant_rows: int, fold: int = 0, folds: int = 4) -> tuple[Tensor, Tensor]:
    """Training and validation rows of a fold."""
    number = torch.arange(variant_rows)
    return number[number % folds != fold], number[number % folds == fold]


def lane(
    trial: int = 0,
    index: int = 0,
    *,
    variant: Variant | None = None,
    outputs: int | None = None,
    fold: int = 0,
    width: int = 8,
    depth: int = 2,
    norm: str = "none",
    residual: bool = False,
    dropping: str = "unit",
    waved: int = 0,
    embedding_width: int = 3,
    batch_size: int = 32,
    padded: int | None = None,
    network: Network | None = None,
    activation: str = "relu",
    optimizer: str = "adamw",
    loss: str | None = None,
    schedule: str = "cosine",
    init: str = "he",
    epochs: int = 4,
    seed: int | None = None,
    **numbers: float,
) -> Lane:
    """A lane; whatever is not said has a tame default."""
    variant = table() if variant is None else variant
    train, validation = rows_of(len(variant.target), fold)
    classification = not variant.target.is_floating_point()
    assert set(numbers) <= set(NEUTRAL), numbers
    shaped = network is not None
    loss = loss or ("cross_entropy" if classification else "mse")
    classes = int(variant.target.max()) + 1 if classification else 0
    network = network or MLP(
        features=variant.numeric.shape[1],
        cardinalities=variant.cardinalities,
        embedding_width=embedding_width if variant.cardinalities else 0,
        width=padded_width(width, batch_size) if padded is None else padded,
        depth=depth,
        norm=norm,
        residual=residual,
        dropping=dropping,
        waved=waved,
        outputs=outputs or variant.values * LOSSES[loss].outputs(classes, EMBEDDING_SIZE),
        slopes=activation == "prelu",
    )
    names = {"activation": activation, "optimizer": optimizer, "loss": loss}
    return Lane(
        id=LaneId(trial, index),
        seed=seed_of(seed if seed is not None else trial, index),
        structure=Structure(
            network,
            batch_size,
            len(train) // batch_size,
            variant.class_weights is not None,
            Method.of({**NUMBERS, **numbers}, loops=variant.values == 1 and knows(network, **names)),
        ),
        width=network.width if shaped else width,
        **names,
        schedule=schedule,
        init=init,
        numbers={**NUMBERS, **numbers},
        epochs=epochs,
        variant=variant,
        train=train,
        validation=validation,
    )


def suited(loss: str, *, rows: int = 120) -> Variant:
    """Rows that a loss fits."""
    if Task.REGRESSION not in LOSSES[loss].tasks:
        return table(rows=rows)
    return table(rows=rows, classes=0, counts=loss == "poisson")


SIDE_BY_SIDE = [name for name in ACTIVATIONS if name != "prelu"]
"""Activations that one population holds: prelu's networks have weights that others lack."""


def side_by_side(classes: int) -> list[str]:
    """Losses that one population holds, for so many classes or, if 0, for values: those with equal outputs."""
    task = Task.MULTICLASS if classes else Task.REGRESSION
    return [
        name
        for name, loss in LOSSES.items()
        if task in loss.tasks and not loss.embeds and loss.outputs(classes, 0) == max(1, classes)
    ]


def compiles(one: Lane) -> bool:
    """Whether there are compiled loops for what the lane asks."""
    return one.structure.method.loops


def started(one: Lane, **changed: Tensor | None) -> Lane:
    """The lane with weights to begin with, all of its true shapes; `changed` ones by name, with __ for the dots."""
    network, g = one.structure.network, torch.Generator().manual_seed(7)
    start = {
        weight.name: torch.rand(network.real_shape(weight, one.width), generator=g) / 2 + 0.01
        for weight in (*network.weights(), *network.statistics())
    }
    for name, tensor in changed.items():
        start.pop(name.replace("__", "."))
        if tensor is not None:
            start[name.replace("__", ".")] = tensor
    return replace(one, start=start)


def metric_of(one: Lane) -> str:
    """A metric that suits the lane."""
    return "rmse" if one.variant.target.is_floating_point() else "log_loss"


BOTH_WAYS = [name for name, optimizer in OPTIMIZERS.items() if optimizer.compiled]
"""Optimizers whose lanes step compiled and in batches."""

WAY: Way = "compiled"
COMPUTE: Compute = ON_HOST
"""How lanes step where a test does not say, and where; `places.py` sets them to each place in turn."""

GPU_TOLERANCE = 2e-3
"""On a GPU kernels sum in an order that depends on the count of lanes: equal is within this, relative and absolute."""


def population(
    lanes: Sequence[Lane], *, chunk: int = 64, metric: str | None = None, way: Way | None = None
) -> Population:
    """A population that the lanes have joined."""
    made = Population(
        lanes[0].structure,
        Stack(COMPUTE.device),
        metric=metric or metric_of(lanes[0]),
        chunk=chunk,
        way=way or (WAY if all(compiles(one) for one in lanes) else "batched"),
        compute=COMPUTE,
    )
    made.join(lanes)
    return made


def engine(
    lanes: Sequence[Lane], *, metric: str | None = None, also: Sequence[str] = (), way: Way | None = None
) -> Engine:
    """An engine that the lanes have joined; they step in one way, and nothing is measured."""
    made = Engine(metric=metric or metric_of(lanes[0]), also=also, ways=[way or WAY], compute=COMPUTE)
    for one in lanes:
        taken = (way or WAY) if compiles(one) else "batched"
        made.plans[kind_of(one.structure)] = Plan(taken, alone=False, microseconds={taken: 1.0})
    made.join(lanes)
    return made


@dataclass(frozen=True, eq=False)
class Figures:
    """A record without its clock. Two are equal if every number is; on a GPU, if every number is nearly so."""

    epoch: int
    step: int
    train_loss: float
    metrics: Mapping[str, float]

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, Figures)
        one, two = ([x.train_loss, *x.metrics.values()] for x in (self, other))
        if COMPUTE.device.type == "cuda":
            two = pytest.approx(two, rel=GPU_TOLERANCE, abs=GPU_TOLERANCE)
        places = (self.epoch, self.step, [*self.metrics]) == (other.epoch, other.step, [*other.metrics])
        return places and one == two

    @classmethod
    def of(cls, record: Record) -> "Figures":
        """What must not depend on companions."""
        return cls(record.epoch, record.step, record.train_loss, dict(record.metrics))


def row(made: Population, name: LaneId) -> dict[str, Tensor]:
    """Everything the population holds of a lane, copied; optimizer slots that are still zero are left out."""
    place = [one.id for one in made.lanes].index(name)
    found = {key: tensor[place].clone() for key, tensor in made.state.tensors().items()}
    found["memory"] = found["memory"][found["memory"].abs().sum(1) > 0]
    return found


def assert_same_bits(
    one: Mapping[str, Tensor], other: Mapping[str, Tensor], about: object = "", *, exact: bool = False
) -> None:
    """Every tensor equal to the last bit; NaN equals NaN. On a GPU nearly equal, unless it must be `exact`."""
    assert one.keys() == other.keys()
    for key, tensor in one.items():
        if COMPUTE.device.type == "cuda" and not exact:
            near = {"rtol": GPU_TOLERANCE, "atol": GPU_TOLERANCE, "equal_nan": True}
            torch.testing.assert_close(tensor, other[key], msg=lambda m, k=key: f"{k} {about}: {m}", **near)
            continue
        same = tensor.shape == other[key].shape and torch.equal(
            tensor.nan_to_num(nan=12345.0), other[key].nan_to_num(nan=12345.0)
        )
        assert same, f"{key} differs {about}: {(tensor != other[key]).sum()} of {tensor.numel()} numbers"


@dataclass(frozen=True, eq=False)
class Trace:
    """What came of a lane, epoch by epoch."""

    figures: list[Figures]
    rows: list[dict[str, Tensor]]


def alone(one: Lane, *, epochs: int, metric: str | None = None, way: Way | None = None) -> Trace:
    """Train a lane in a population of its own."""
    made, trace = population([one], metric=metric, way=way), Trace([], [])
    for _ in range(epochs):
        outcome = made.train_epoch()
        trace.figures.extend(Figures.of(record) for record in outcome.records)
        trace.rows.append(row(made, one.id))
    return trace
