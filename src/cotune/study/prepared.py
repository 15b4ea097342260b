"""All that training needs, and what of it depends on this machine."""

from dataclasses import dataclass, replace

from cotune.data import Dataset, Splits
from cotune.engine.devices import Compute, compute_of
from cotune.engine.lanes import Lane
from cotune.engine.loop import Engine, slots
from cotune.recipe import Recipe
from cotune.recipe.presets.by_kind import EFFORTS
from cotune.search import BREEDING, GROUP
from cotune.space import Space
from cotune.study.budget import PATIENT_EPOCHS, Speed, affordable, measure, patient
from cotune.study.confirming import seeds_for
from cotune.study.generation.contests import CONTEST_EPOCHS
from cotune.study.lanes import LaneFactory
from cotune.study.slots import worth_having
from cotune.types import LaneId

PROBE_LANES = 16

STEPS_OF_SERIES = 700
"""Steps of a full training on series for which slots are given up."""


@dataclass(frozen=True)
class Prepared:
    """All that training needs."""

    recipe: Recipe
    space: Space
    dataset: Dataset
    splits: Splits
    factory: LaneFactory
    speed: Speed


def compute_for(recipe: Recipe) -> Compute:
    """Where, and how exactly, a recipe's networks are computed.

    Raises:
        DeviceError, RecipeError: not on this machine.
    """
    training = recipe.training
    return compute_of(training.device, training.precision, deterministic=training.deterministic)


def fit_to_machine(
    recipe: Recipe, resolved: Recipe, space: Space, factory: LaneFactory
) -> tuple[Speed, Recipe]:
    """Fill in what depends on this machine: slots by memory and, under a time limit, slots and epochs by speed."""
    middle = space.from_unit([0.5] * len(space.parameters))
    lane = factory.lane(LaneId(-1, 0), middle)
    epochs, limit = resolved.training.epochs, resolved.search.time_limit
    assert isinstance(epochs, int)
    stages = factory.stages
    each = len(stages.lanes(0))
    stretch, _ = stages.stretch(resolved.search.reduction)
    asked, rungs = resolved.search.lanes, resolved.search.rungs
    compute = compute_for(resolved)
    most = max(slots(lane.structure, len(lane.train), compute), each)
    speed = Speed(0.0, each)
    if limit is not None:
        some = [factory.lane(LaneId(-1 - i, 0), middle) for i in range(min(PROBE_LANES, most))]
        speed = measure(some, metric=resolved.search.metric, lanes_per_trial=each, compute=compute)
    seconds = None if limit is None else speed.lane
    count = worth_having(
        resolved,
        most=most,
        lanes_per_trial=each,
        lane_seconds=seconds,
        on_host=compute.on_host,
        stages=stages,
    )
    count = count if asked == "auto" else asked
    if limit is not None:
        contest = lane.structure.goal is not None
        enough = EFFORTS[resolved.search.preset].enough
        enough = CONTEST_EPOCHS[resolved.search.preset][0] if contest else enough
        if len(lane.variant.shape) == 2:  # few series make short epochs
            enough = max(enough, -(-STEPS_OF_SERIES // lane.structure.steps))
        fitting, fewer = affordable(
            epochs, count, speed, seconds=limit / stretch, lanes=each, enough=enough, contest=contest
        )
        hasty = not contest and not stages.last and _needs_patience(recipe, resolved, compute)
        if hasty and fitting < min(epochs, PATIENT_EPOCHS):
            fitting, fewer = patient(epochs, speed, seconds=limit, lanes=each)
            asked_for = "rungs" in recipe.search.model_fields_set or rungs == BREEDING
            rungs = rungs if asked_for else "none"
        epochs = fitting if recipe.training.epochs == "auto" else epochs
        count = fewer if asked == "auto" else count
    group = resolved.search.structure_group
    group = _group(lane, resolved, compute) if group == "auto" else group
    settled = {"lanes": count, "rungs": rungs, "structure_group": group}
    fitted = resolved.model_copy(
        update={
            "training": resolved.training.model_copy(update={"epochs": epochs}),
            "search": resolved.search.model_copy(update=settled),
        }
    )
    confirm = seeds_for(fitted, stages, speed, generates=lane.structure.goal is not None)
    search = fitted.search.model_copy(update={"confirm": confirm})
    return speed, fitted.model_copy(update={"search": search})


def _group(lane: Lane, resolved: Recipe, compute: Compute) -> int:
    """Trials that share a structure: several only where lanes gain by stepping together.

    Compiled loops train a lane at the same price alone. Where they are not open, the plan measures what a lane-step
    costs alone and beside others, once, and the answer is kept in the study's recipe.
    """
    if not compute.on_host:
        return GROUP
    if lane.structure.method.loops:
        return 1
    plan = Engine(metric=resolved.search.metric, compute=compute).plan([lane])
    return GROUP if plan.way == "batched" and not plan.alone else 1


def with_speed(prepared: Prepared) -> Prepared:
    """The same with its speed measured, where it was not and is needed: under a time limit."""
    if prepared.recipe.search.time_limit is None or prepared.speed.lane > 0:
        return prepared
    speed, _ = fit_to_machine(prepared.recipe, prepared.recipe, prepared.space, prepared.factory)
    return replace(prepared, speed=speed)


def _needs_patience(recipe: Recipe, resolved: Recipe, compute: Compute) -> bool:
    """Whether all networks are of a sort that needs minutes on a CPU, and the recipe says neither epochs nor lanes."""
    is_open = recipe.training.epochs == recipe.search.lanes == "auto"
    return is_open and resolved.network.family == "resnet" and compute.on_host
