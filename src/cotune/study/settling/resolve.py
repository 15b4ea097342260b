"""What "auto" means for the data at hand."""

from collections.abc import Sequence

import numpy as np

from cotune.data import Dataset, Splits
from cotune.data.graphs.rows import GraphRows
from cotune.engine.devices import compute_of, named
from cotune.engine.loss import LOSSES
from cotune.engine.metrics import METRICS
from cotune.errors import RecipeError
from cotune.product.after.threshold import by_labels
from cotune.recipe import Recipe
from cotune.recipe.presets.base import DataFacts
from cotune.recipe.presets.by_kind import EFFORTS, with_preset
from cotune.recipe.schema import AfterSection, SplitSection, as_read
from cotune.search import strategy
from cotune.study.generation.contests import (
    CONTEST_BATCH,
    CONTEST_EPOCHS,
    CONTESTS,
    generated_kind,
    without_after,
)
from cotune.study.settling.residual import usual_family
from cotune.study.settling.suited import suited
from cotune.types import Task

GRAPH_EPOCHS = 200
"""Epochs of one step each, as Kipf & Welling 2017 train."""

TRIALS = 100
"""Trials of a study that has no limit."""


def resolve(recipe: Recipe, dataset: Dataset, splits: Splits) -> Recipe:
    """The recipe with its preset and what suits the data, and every "auto" but the number of lanes filled in.

    Raises:
        RecipeError: a metric or the loss does not fit the task or the split, or the precision the device.
        DeviceError: the device is not there.
    """
    recipe = suited(preset(recipe, dataset, splits), dataset)
    generates = dataset.task is Task.GENERATION
    rows = _training_rows(splits)
    training, search = recipe.training, recipe.search
    limited = search.trials or search.time_limit or search.lane_epochs
    whole = isinstance(dataset.frame, GraphRows) and dataset.frame.task != "graph"
    batch = training.batch_size
    if batch == "auto" and generates:
        batch = min(CONTEST_BATCH, rows)
    elif batch == "auto":
        batch = "full" if whole and recipe.network.neighbours == 0 else min(default_batch(rows), rows)
    compute_of(training.device, training.precision, deterministic=training.deterministic)
    epochs = training.epochs
    if epochs == "auto":
        effort = EFFORTS[search.preset]
        fewest, most = CONTEST_EPOCHS[search.preset] if generates else effort.epochs
        epochs = max(fewest, min(most, round(effort.row_epochs / rows)))
        epochs = GRAPH_EPOCHS if batch == "full" and whole else epochs
    metric = _metric(search.metric, dataset, splits)
    also = _also(search.also, metric, dataset, splits)
    return recipe.model_copy(
        update={
            "training": training.model_copy(
                update={
                    "batch_size": batch,
                    "epochs": epochs,
                    "loss": training.loss if generates else _loss(training.loss, dataset, splits),
                    "device": named(training.device),
                }
            ),
            "search": search.model_copy(
                update={
                    "metric": metric,
                    "also": also,
                    "rungs": strategy(search.strategy).rungs if search.rungs == "auto" else search.rungs,
                    "trials": search.trials if limited else CONTESTS if generates else TRIALS,
                }
            ),
            "after": without_after(recipe.after) if generates else _after(recipe, dataset.task, metric),
        }
    )


def preset(recipe: Recipe, dataset: Dataset, splits: Splits) -> Recipe:
    """The recipe with the settings of its preset for these data, where it sets none of its own."""
    kinds = [column.kind for column in dataset.columns if column.is_feature]
    generates = dataset.task is Task.GENERATION
    facts = DataFacts(
        kind=generated_kind(dataset.kind) if generates else as_read(dataset.kind, recipe.network.family),
        classification=dataset.task.is_classification,
        rows=_training_rows(splits),
        numeric=sum(kind in ("numeric", "date") for kind in kinds),
        categorical=kinds.count("categorical"),
        family=_family(recipe, dataset),
        colour=dataset.kind == "image" and dataset.examples is not None and dataset.examples.shape[-1] == 3,
    )
    return with_preset(recipe, facts)


def _family(recipe: Recipe, dataset: Dataset) -> str:
    family = recipe.network.family
    usual = usual_family(recipe, dataset) if family == "auto" else family
    return str(usual) if isinstance(usual, str) else ""


FEW_SERIES = 500
"""Rows, beside the test rows, up to which all of them steer the search of networks for series, in turn."""


def division(recipe: Recipe, dataset: Dataset) -> SplitSection:
    """How the rows are divided; few series are folded where nobody chose, for a hold-out would be a handful."""
    given, held = recipe.split, 0 if dataset.test is None else len(dataset.test)
    few = dataset.kind == "series" and dataset.rows - held <= FEW_SERIES
    if few and not {"method", "validation", "repeats"} & given.model_fields_set:
        return given.model_copy(update={"method": "kfold"})
    return given


def _training_rows(splits: Splits) -> int:
    return min(len(fold.train) for fold in splits.folds)


def default_batch(rows: int) -> int:
    """A power of two between 32 and 256, larger for more rows: many small steps cost more than they teach."""
    for batch, enough in ((32, 500), (64, 5_000), (128, 20_000)):
        if rows < enough:
            return batch
    return 256


def _metric(name: str, dataset: Dataset, splits: Splits) -> str:
    if name == "auto" and dataset.kind == "forecast":
        return "mse"
    if name == "auto":
        return next(n for n in _fitting(dataset.task) if METRICS[n].needs_rows <= _fewest_rows(splits))
    must_fit("search.metric", name, dataset, splits)
    return name


def _also(names: Sequence[str], metric: str, dataset: Dataset, splits: Splits) -> tuple[str, ...]:
    """The further metrics, each once, without the one that steers."""
    for name in names:
        must_fit("search.also", name, dataset, splits)
    return tuple(name for name in dict.fromkeys(names) if name != metric)


def must_fit(key: str, name: str, dataset: Dataset, splits: Splits) -> None:
    """Raise `RecipeError` where a metric has no meaning for the task or the split."""
    metric, fitting, fewest = METRICS[name], _fitting(dataset.task), _fewest_rows(splits)
    if name not in fitting:
        law = f"{key} {name} does not fit a {dataset.task} task"
        raise RecipeError(f"{law}; choose among {', '.join(fitting)}")
    if metric.needs_rows > fewest:
        others = ", ".join(n for n in fitting if METRICS[n].needs_rows <= fewest)
        law = f"{key}: {name} has no meaning on {fewest} validation row a fold"
        raise RecipeError(f"{law}; choose among {others}")
    if metric.needs_classes > 1 and any(
        len(set(dataset.y[fold.validation].tolist())) < metric.needs_classes for fold in splits.folds
    ):
        law = f"{key}: {name} needs two classes among the validation rows of every fold"
        raise RecipeError(f"{law}, and one fold has a single class; use fewer folds, or the metric log_loss")


def _fitting(task: Task) -> list[str]:
    return [name for name, metric in METRICS.items() if metric.fits(task)]


def _fewest_rows(splits: Splits) -> int:
    return min(len(fold.validation) for fold in splits.folds)


def _after(recipe: Recipe, task: Task, metric: str) -> AfterSection:
    after = recipe.after
    if task is Task.OWN and after.ensemble != "none":
        law = f"after.ensemble {after.ensemble} needs predictions of a class or a value, but the loss is your own"
        raise RecipeError(f"{law}; leave it out")
    if after.threshold == "tune" and task is not Task.BINARY:
        raise RecipeError(f"after.threshold tune needs two classes, but the task is {task}; leave it out")
    if after.threshold == "tune" and not by_labels(metric):
        law = f"after.threshold tune needs a metric of labels, but {metric} looks at probabilities"
        others = ", ".join(name for name in METRICS if by_labels(name))
        raise RecipeError(f"{law}; choose search.metric among {others}, or leave it out")
    return after if task.is_classification else after.model_copy(update={"calibration": "none"})


def _loss(setting: object, dataset: Dataset, splits: Splits) -> object:
    task = dataset.task
    if task is Task.OWN:
        if setting != "auto":
            raise RecipeError("training.loss has no meaning beside a loss of your own; leave it out")
        return "mse"  # a name that nothing asks: the goal is the user's
    fitting = [name for name, loss in LOSSES.items() if task in loss.tasks]
    if setting == "auto":
        return fitting[0]
    names = getattr(setting, "choices", (setting,))
    for name in names:
        if name not in fitting:
            raise RecipeError(
                f"training.loss {name} does not fit a {task} task; choose among {', '.join(fitting)}"
            )
    if "poisson" in names:
        _check_counts(dataset, splits)
    return setting


def _check_counts(dataset: Dataset, splits: Splits) -> None:
    """Raise `RecipeError` where a Poisson rate cannot be had of the target."""
    law = f"training.loss poisson needs a target of 0 or more with a mean above 0, but '{dataset.target}'"
    remedy = "choose another loss, such as mse or log_cosh"
    below = np.flatnonzero(dataset.y < 0)
    if len(below):
        raise RecipeError(f"{law} holds {dataset.y[below[0]]:g}; {remedy}")
    if any(not dataset.y[fold.train].any() for fold in splits.folds):
        raise RecipeError(f"{law} is 0 in all training rows of a fold; {remedy}")
