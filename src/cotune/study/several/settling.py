"""What several objectives, and limits on what a model may cost, ask of the rest of a recipe."""

from cotune.data import Dataset, Splits
from cotune.engine.metrics import METRICS
from cotune.errors import RecipeError
from cotune.recipe import Recipe
from cotune.recipe.names import COSTS
from cotune.recipe.search import SearchSection
from cotune.search import Objectives
from cotune.search.rungs.table import SEVERAL
from cotune.study.settling.resolve import must_fit
from cotune.types import Task

AS_LARGE = ("none", "soup")
"""What `after.ensemble` may be where a model is to cost no more than its trial."""


def with_objectives(
    resolved: Recipe, asked: Recipe, dataset: Dataset, splits: Splits
) -> tuple[Recipe, tuple[str, ...]]:
    """A resolved recipe with what its objectives and limits ask for, and what is to be said of it.

    Args:
        resolved: every "auto" filled in.
        asked: the same as the user asked.

    Raises:
        RecipeError: an objective does not fit the task, or the strategy or the rungs know one score alone.
    """
    search = resolved.search
    if not search.objectives and not search.at_most:
        return resolved, ()
    _check_task(resolved, dataset)
    names = tuple(name for name in dict.fromkeys(search.objectives) if name != search.metric)
    metrics = [name for name in names if name not in COSTS]
    for name in metrics:
        must_fit("search.objectives", name, dataset, splits)
    also = (*search.also, *(name for name in metrics if name not in search.also))
    rungs = _rungs(search.rungs, asked.search.rungs) if names else search.rungs
    if names:
        _check_search(search)
    search = search.model_copy(update={"objectives": names, "also": also, "rungs": rungs})
    after, notes = resolved.after, []
    costs = [*(name for name in names if name in COSTS), *search.at_most]
    if costs and after.ensemble not in AS_LARGE:
        notes.append(
            f"the model is one trial: an ensemble ({after.ensemble}) costs more than its trials, "
            f"and {costs[0]} counts"
        )
        after = after.model_copy(update={"ensemble": "none"})
    return resolved.model_copy(update={"search": search, "after": after}), tuple(notes)


def objectives_of(recipe: Recipe) -> Objectives:
    """What the trials of a settled recipe are compared by."""
    maximize = METRICS[recipe.search.metric].maximize
    beside = tuple(name not in COSTS and METRICS[name].maximize for name in recipe.search.objectives)
    return Objectives(maximize, beside)


def cost_names(recipe: Recipe) -> tuple[str, ...]:
    """The costs that a settled recipe asks for, in a fixed order."""
    search = recipe.search
    return tuple(name for name in COSTS if name in search.objectives or name in search.at_most)


def _check_task(recipe: Recipe, dataset: Dataset) -> None:
    if dataset.task is Task.GENERATION:
        key = "objectives" if recipe.search.objectives else "at_most"
        law = f"search.{key} compares networks that predict, and this study learns to make rows"
        raise RecipeError(f"{law}; leave it out")


def _check_search(search: SearchSection) -> None:
    """Raise `RecipeError` where a key compares trials by their scores alone."""
    alone = {
        "rung_by": search.rung_by != "epochs",
        "confirm": bool(search.confirm) and search.confirm != "auto",
    }
    for key, is_set in {**alone, "pause": search.pause}.items():
        if is_set:
            law = f"search.{key} compares trials by one score, and search.objectives names several"
            raise RecipeError(f"{law}; leave one of them out")


def _rungs(settled: str, asked: str) -> str:
    if settled in SEVERAL:
        return settled
    if asked == "auto":
        return "asha"
    law = f"search.rungs {asked} compares trials by one score, and search.objectives names several"
    raise RecipeError(f"{law}; choose among {', '.join(SEVERAL)}")
