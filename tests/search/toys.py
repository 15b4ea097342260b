"""Small spaces and a study without training, for the tests of search."""

import random
from collections.abc import Callable

from cotune.recipe import make
from cotune.search import Sampler, make_sampler
from cotune.space import Space, from_recipe
from cotune.types import Params, Status, Trial, TrialResult

_FIXED = {
    "scaling": "standard",
    "width": 64,
    "depth": 2,
    "activation": "relu",
    "dropout": 0.0,
    "lr": 0.01,
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
}


def space(**searched: object) -> Space:
    """A space of `searched` alone."""
    return from_recipe(make(**{**_FIXED, **searched}))


DEFAULT = from_recipe(make())
CONDITIONAL = space(
    optimizer=["adamw", "sgd"],
    momentum={"low": 0.0, "high": 0.95},
    lr={"low": 1e-4, "high": 1e-1, "log": True},
    width={"low": 16, "high": 256, "log": True},
    categories=["onehot", "embedding"],
    embedding_width=[4, 8],
    norm=["none", "batch"],
)
SMOOTH = space(
    lr={"low": 1e-4, "high": 1e-1, "log": True},
    dropout={"low": 0.0, "high": 0.5},
    weight_decay={"low": 1e-5, "high": 1.0, "log": True},
    l1={"low": 0.0, "high": 0.1},
    warmup={"low": 0.0, "high": 0.5},
)
FINITE = space(
    width=[32, 64], depth=[1, 2, 3], optimizer=["adamw", "sgd"], momentum=[0.0, 0.9], norm=["none", "layer"]
)
BOUND = space(
    width=[16, 32, 64, 128, 256],
    depth={"low": 1, "high": 6},
    optimizer=["adamw", "sgd"],
    momentum={"low": 0.0, "high": 0.99},
    lr={"low": 1e-4, "high": 1e-1, "log": True},
    constraints=["width * depth <= 256", "optimizer == 'adamw' or lr * (1 - momentum) >= 1e-3"],
)
BOUND_FINITE = space(
    width=[32, 64, 128], depth=[1, 2, 3], optimizer=["adamw", "sgd"], momentum=[0.0, 0.9], norm=["none", "layer"],
    constraints=["width * depth <= 128", "norm == 'none' or optimizer == 'sgd'"],
)  # fmt: skip


def bowl(space: Space, params: Params) -> float:
    """A smooth loss with its minimum at 0.3 of every coordinate."""
    return sum((place - 0.3) ** 2 for place in space.to_unit(params))


Event = Trial | TrialResult
Ending = Callable[[int, float], tuple[Status, float | None]]


def completed(_: int, loss: float) -> tuple[Status, float | None]:
    """Every trial completes."""
    return Status.COMPLETE, loss


def mixed(number: int, loss: float) -> tuple[Status, float | None]:
    """Some trials are stopped, diverge or fail."""
    match number % 10:
        case 3 | 6:
            return Status.STOPPED, loss
        case 7:
            return Status.DIVERGED, None
        case 9:
            return Status.FAILED, None
    return Status.COMPLETE, loss


def result(number: int, params: Params, status: Status, score: float | None) -> TrialResult:
    """A result with a curve of ten epochs, or of three where the trial was stopped."""
    epochs = 3 if status is Status.STOPPED else 10
    curve = () if score is None else tuple((e, score, score + 10 - e) for e in range(1, epochs + 1))
    return TrialResult(number, params, status, score, epochs, 1.0, curve=curve)


def play(
    sampler: Sampler,
    space: Space,
    *,
    trials: int,
    batch: int,
    ending: Ending = completed,
    loss: Callable[[Params], float] | None = None,
) -> tuple[list[Params], list[Event]]:
    """Ask, add and tell until `trials` are proposed; the configurations and the events."""
    proposed: list[Params] = []
    events: list[Event] = []
    while len(proposed) < trials:
        first = len(proposed)
        params = sampler.ask(first, min(batch, trials - first))
        if not params:
            break
        for i, p in enumerate(params, first):
            trial = Trial(i, p)
            sampler.add(trial)
            events.append(trial)
        for i, p in enumerate(params, first):
            status, score = ending(i, loss(p) if loss else bowl(space, p))
            told = result(i, p, status, score)
            sampler.tell(told)
            events.append(told)
        proposed += params
    return proposed, events


def rebuilt(strategy: str, space: Space, events: list[Event], *, shuffle: int | None = None) -> Sampler:
    """A sampler that has only seen `events`, perhaps in another order."""
    sampler = make_sampler(strategy, space, maximize=False, seed=5)
    if shuffle is not None:
        events = random.Random(shuffle).sample(events, len(events))
        events.sort(key=lambda event: isinstance(event, TrialResult))
    for event in events:
        sampler.tell(event) if isinstance(event, TrialResult) else sampler.add(event)
    return sampler


LOGARITHMIC = ("lr", "weight_decay", "l1", "l2", "input_noise", "mixup", "cutmix", "dropout")
SPHERE = space(**{name: {"low": 1e-4, "high": 0.5, "log": True} for name in LOGARITHMIC})
MIXED = space(
    lr={"low": 1e-4, "high": 1e-1, "log": True},
    dropout={"low": 0.0, "high": 0.5, "step": 0.05},
    weight_decay={"low": 1e-5, "high": 1.0, "log": True},
    width={"low": 16, "high": 256, "log": True},
    depth={"low": 1, "high": 6},
    activation=["relu", "gelu", "tanh", "silu"],
    norm=["none", "batch", "layer"],
)


def sphere(params: Params) -> float:
    """In eight logarithmic ranges, with its minimum elsewhere in each."""
    places = enumerate(SPHERE.to_unit(params))
    return sum((place - 0.15 - 0.1 * i) ** 2 for i, place in places)


def mixed_valley(params: Params) -> float:
    """Numbers, whole numbers and names: a wrong name costs, and the best rate depends on the width."""
    where = dict(zip((p.name for p in MIXED.parameters), MIXED.to_unit(params), strict=True))
    wrong = 0.15 * (params["activation"] != "gelu") + 0.1 * (params["norm"] != "batch")
    shape = (where["width"] - 0.7) ** 2 + (where["depth"] - 0.4) ** 2
    rate = (where["lr"] - 0.8 + 0.4 * where["width"]) ** 2
    return wrong + shape + 2.0 * rate + (where["dropout"] - 0.3) ** 2 + (where["weight_decay"] - 0.6) ** 2


def conditional_valley(params: Params) -> float:
    """One optimizer is better, and only if its momentum is right."""
    where = dict(zip((p.name for p in CONDITIONAL.parameters), CONDITIONAL.to_unit(params), strict=True))
    optimizer = 0.2 if params["optimizer"] == "adamw" else (where["momentum"] - 0.9) ** 2
    embedding = 0.0 if params.get("embedding_width") == 8 else 0.05
    return optimizer + embedding + 2.0 * (where["lr"] - 0.35) ** 2 + (where["width"] - 0.6) ** 2


TOYS: dict[str, tuple[Space, Callable[[Params], float]]] = {
    "sphere": (SPHERE, sphere),
    "mixed": (MIXED, mixed_valley),
    "conditional": (CONDITIONAL, conditional_valley),
}
