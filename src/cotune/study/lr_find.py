"""A learning-rate range test, all rates at once: lanes that differ in nothing but their rate.

| symbol | meaning                                                              | shape |
|--------|----------------------------------------------------------------------|-------|
| rate   | learning rates, spaced by ratio                                      | lane  |
| loss   | mean training loss in the last half of the steps, infinite if lost   | lane  |

Smith lets one network's rate grow from step to step, so that each rate is tried on what the others have left. Here
each has a network of its own: the same first weights, the same batches, a constant rate.

Source: Smith, Cyclical learning rates for training neural networks, WACV 2017, §3.3.
"""

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotune.data import Room, load, split
from cotune.engine.lanes import Lane
from cotune.engine.loop import Engine, slots
from cotune.engine.parallel import one_thread_a_kernel
from cotune.engine.rng import seed_of
from cotune.errors import LaneOutOfMemory, RecipeError
from cotune.recipe import Recipe
from cotune.space import from_recipe
from cotune.study.lanes import LaneFactory
from cotune.study.prepared import compute_for
from cotune.study.rules.mending import mended, settled
from cotune.study.rules.rule import Given
from cotune.study.settling.forecasts import options_of
from cotune.study.settling.resolve import division as folded
from cotune.study.settling.resolve import resolve
from cotune.study.starting.weights import start_of
from cotune.types import LaneId, Task, Value

LOWEST, HIGHEST, COUNT = 1e-6, 10.0, 64
STEPS = 100
"""Optimizer steps of each lane, about: whole parts of an epoch, two at least."""

JUDGED = 64
"""Validation rows that are looked at: nothing is decided by them."""

ENOUGH, STABLE = 0.9, 0.5
"""Shares of the largest fall. Smith reads the steepest point of a ramp, whose rates have a step each; with a hundred
steps for each rate the steepest point is only half way down."""

SMOOTHING = np.array([1.0, 2.0, 3.0, 2.0, 1.0])
"""Weights of a rate's loss and of those beside it."""


@dataclass(frozen=True)
class LrCurve:
    """What a range test found.

    Args:
        rates: learning rates, rising.
        losses: mean training loss in the last half of the steps; `None` where the lane diverged.
        suggested: the smallest rate whose smoothed loss has fallen by `ENOUGH` of the largest fall; `None` if no rate
            lowers it.
        lowest: rate with the lowest loss.
        largest_stable: the rate before the first, above `lowest`, that diverges or has lost more than half of the fall.
        steps: optimizer steps of each lane.
        loss: name of the loss.
        settings: all else, the same for all lanes.
    """

    rates: tuple[float, ...]
    losses: tuple[float | None, ...]
    suggested: float | None
    lowest: float | None
    largest_stable: float | None
    steps: int
    loss: str
    settings: dict[str, Value]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        names = ("suggested", "lowest", "largest_stable", "steps", "loss", "settings")
        curve = [{"lr": r, "loss": loss} for r, loss in zip(self.rates, self.losses, strict=True)]
        return {**{name: getattr(self, name) for name in names}, "curve": curve}


def lr_find(source: Any, recipe: Recipe) -> LrCurve:
    """Train the middle of the recipe's space with every rate for some steps; nothing is kept on disk.

    Args:
        source: what `cotune.data.load` takes.
        recipe: as the user asked; `lr`, `schedule` and `warmup` have no meaning here.

    Raises:
        DataError, RecipeError, DeviceError: as in a study.
        LaneOutOfMemory: one lane alone does not fit into memory.
    """
    with tempfile.TemporaryDirectory() as folder:  # for rows that do not fit into memory
        data, division = recipe.data, recipe.split
        dataset = load(
            source,
            target=data.target,
            task=data.task,
            columns=data.columns,
            group=division.group,
            time=division.time,
            room=Room(data.memory, Path(folder)),
            options=options_of(recipe),
        )
        if dataset.task is Task.GENERATION:
            raise RecipeError(
                "a range test looks for the rate at which a loss falls fastest, but in data.task generation two losses "
                "contend and need not fall; search lr in the study: --set 'lr={low: 1e-4, high: 1e-3, log: true}'"
            )
        splits = split(dataset, folded(recipe, dataset), seed=recipe.search.seed)
        resolved = resolve(recipe, dataset, splits)
        given = Given.of(resolved, dataset, splits)
        resolved, _ = settled(resolved, given)
        space = from_recipe(resolved)
        middle = space.middle()
        start = start_of(resolved, dataset)
        one = LaneFactory(resolved, space, dataset, splits, start=start).lane(LaneId(0, 0), middle)
        rates = np.geomspace(LOWEST, HIGHEST, COUNT)
        lanes = _lanes(one, rates, seed=seed_of(resolved.search.seed, "lr-find"))
        metric = "log_loss" if dataset.task.is_classification else "rmse"
        losses = _trained(lanes, resolved, metric)
    config, _ = mended(space.complete(middle), given)
    varied = ("lr", "schedule", "warmup", "final_lr")
    settings = {name: value for name, value in config.items() if name not in varied}
    return curve_of(rates, losses, steps=lanes[0].epochs * lanes[0].structure.steps, settings=settings)


def _lanes(one: Lane, rates: Sequence[float] | NDArray[np.float64], *, seed: int) -> list[Lane]:
    """The lane with each rate; an epoch is a part of its own, at most half of the steps."""
    structure = replace(one.structure, steps=min(one.structure.steps, STEPS // 2))
    one = replace(
        one,
        seed=seed,
        structure=structure,
        schedule="constant",
        epochs=max(2, math.ceil(STEPS / structure.steps)),
        validation=one.validation[:JUDGED],
    )
    quiet = {**one.numbers, "warmup": 0.0}
    return [
        replace(one, id=LaneId(place, 0), numbers={**quiet, "lr": float(rate)})
        for place, rate in enumerate(rates)
    ]


def _trained(lanes: Sequence[Lane], recipe: Recipe, metric: str) -> NDArray[np.float64]:
    """Mean training loss of each lane in the last half of its epochs; infinite if it diverged."""
    compute = compute_for(recipe)
    together = slots(lanes[0].structure, len(lanes[0].train), compute)
    found = np.full(len(lanes), np.inf)
    with one_thread_a_kernel():
        for start in range(0, len(lanes), together):
            engine = Engine(metric=metric, compute=compute)
            engine.join(lanes[start : start + together])
            sums: dict[LaneId, list[float]] = {}
            for _ in range(lanes[0].epochs):
                outcome = engine.train_epoch()
                if outcome.failed:
                    law = "one network must fit into memory, but it does not"
                    raise LaneOutOfMemory(f"{law}; set a smaller width, depth or batch_size")
                for record in outcome.records:
                    sums.setdefault(record.lane, []).append(record.train_loss)
                for divergence in outcome.divergences:
                    sums.pop(divergence.lane, None)
                engine.leave(divergence.lane for divergence in outcome.divergences)
                if not engine.lanes:
                    break
            for name, losses in sums.items():
                found[name.trial] = np.mean(losses[len(losses) // 2 :])
    return found


def curve_of(
    rates: NDArray[np.float64], losses: NDArray[np.float64], *, steps: int, settings: dict[str, Value]
) -> LrCurve:
    """Read a curve.

    Args:
        rates: rising [lane].
        losses: infinite where a lane diverged [lane].
    """
    lowest = int(np.argmin(losses))
    known = bool(np.isfinite(losses[lowest]))
    first = losses[np.isfinite(losses)][0] if known else np.inf
    stable = lowest
    limit = first - STABLE * (first - losses[lowest]) if known else -np.inf
    while stable + 1 < len(losses) and losses[stable + 1] <= limit:
        stable += 1
    suggested = _soon_enough(rates, losses, lowest) if known else None
    return LrCurve(
        rates=tuple(rates.tolist()),
        losses=tuple(loss if math.isfinite(loss) else None for loss in losses.tolist()),
        suggested=suggested,
        lowest=float(rates[lowest]) if known else None,
        largest_stable=float(rates[stable]) if known else None,
        steps=steps,
        loss=str(settings["loss"]),
        settings=settings,
    )


def _soon_enough(rates: NDArray[np.float64], losses: NDArray[np.float64], lowest: int) -> float | None:
    """The smallest rate whose smoothed loss has come nearly as far down as the lowest."""
    if lowest == 0:
        return None
    # A lane may diverge below rates that do not.
    losses = np.minimum(losses, losses[np.isfinite(losses)].max())[: lowest + 1]
    weights = np.convolve(np.ones(len(losses)), SMOOTHING, mode="same")
    smooth = np.convolve(losses, SMOOTHING, mode="same") / weights
    fallen = smooth[0] - smooth
    return float(rates[int(np.argmax(fallen >= ENOUGH * fallen.max()))]) if fallen.max() > 0 else None
