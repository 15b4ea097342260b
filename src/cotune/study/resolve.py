"""What "auto" means for the data at hand."""

from cotune.data import Dataset, Splits
from cotune.engine.devices import compute_of, named
from cotune.engine.metrics import METRICS
from cotune.errors import RecipeError
from cotune.recipe import Recipe
from cotune.types import Task

ROW_EPOCHS = 1_000_000
"""Rows a trial may see, all its epochs together, unless the recipe says otherwise."""

EPOCHS = (20, 100)
"""Bounds of the epochs that follow from it."""

TRIALS = 100
"""Trials of a study that has no limit."""


def resolve(recipe: Recipe, dataset: Dataset, splits: Splits) -> Recipe:
    """The recipe with every "auto" but the number of lanes filled in.

    Raises:
        RecipeError: the metric or the loss does not fit the task or the split, or the precision the device.
        DeviceError: the device is not there.
    """
    rows = min(len(fold.train) for fold in splits.folds)
    training, search = recipe.training, recipe.search
    limited = search.trials or search.time_limit or search.lane_epochs
    batch = min(default_batch(rows), rows) if training.batch_size == "auto" else training.batch_size
    compute_of(training.device, training.precision, deterministic=training.deterministic)
    epochs = training.epochs
    if epochs == "auto":
        epochs = max(EPOCHS[0], min(EPOCHS[1], round(ROW_EPOCHS / rows)))
    return recipe.model_copy(
        update={
            "training": training.model_copy(
                update={
                    "batch_size": batch,
                    "epochs": epochs,
                    "loss": _loss(training.loss, dataset.task),
                    "device": named(training.device),
                }
            ),
            "search": search.model_copy(
                update={
                    "metric": _metric(search.metric, dataset, splits),
                    "trials": search.trials if limited else TRIALS,
                }
            ),
        }
    )


def default_batch(rows: int) -> int:
    """A power of two between 32 and 256, larger for more rows: many small steps cost more than they teach."""
    for batch, enough in ((32, 500), (64, 5_000), (128, 20_000)):
        if rows < enough:
            return batch
    return 256


def _metric(name: str, dataset: Dataset, splits: Splits) -> str:
    task = dataset.task
    smallest = min(len(fold.validation) for fold in splits.folds)
    fitting = [n for n, m in METRICS.items() if m.classification == task.is_classification]
    if name == "auto":
        return next(n for n in fitting if METRICS[n].needs_rows <= smallest)
    if name not in fitting:
        raise RecipeError(
            f"search.metric {name} does not fit a {task} task; choose among {', '.join(fitting)}"
        )
    if METRICS[name].needs_rows > smallest:
        others = ", ".join(n for n in fitting if METRICS[n].needs_rows <= smallest)
        raise RecipeError(f"{name} has no meaning on {smallest} validation row a fold; choose among {others}")
    if name == "roc_auc" and any(len(set(dataset.y[fold.validation].tolist())) < 2 for fold in splits.folds):
        law = "roc_auc needs two classes among the validation rows of every fold"
        raise RecipeError(f"{law}, and one fold has a single class; use fewer folds, or the metric log_loss")
    return name


def _loss(setting: object, task: Task) -> object:
    fitting = ("cross_entropy",) if task.is_classification else ("mse", "mae", "huber")
    if setting == "auto":
        return fitting[0]
    named = getattr(setting, "choices", (setting,))
    for name in named:
        if name not in fitting:
            raise RecipeError(
                f"training.loss {name} does not fit a {task} task; choose among {', '.join(fitting)}"
            )
    return setting
