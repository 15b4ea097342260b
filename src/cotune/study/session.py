"""One sitting of a study: from a request, or a directory, to a tested model on disk."""

import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cotune.data import Dataset, Splits, describe_columns, load, split
from cotune.data.sources import open_source
from cotune.engine.loop import slots
from cotune.engine.metrics import METRICS
from cotune.errors import DataError, StudyCorrupt
from cotune.product import Model
from cotune.product.network import Network
from cotune.recipe import Recipe, as_yaml, make
from cotune.recipe.settings import to_plain
from cotune.records import Store, StudyView, read_view, write_leaderboard
from cotune.records.files import replacing, write_text
from cotune.report import write as write_report
from cotune.search import make_sampler
from cotune.space import Space, from_recipe
from cotune.study.budget import Speed, affordable, measure
from cotune.study.directory import Directory
from cotune.study.lanes import LaneFactory
from cotune.study.loop import Ending, Study, no_network
from cotune.study.resolve import resolve
from cotune.types import LaneId, Progress, Task

PROBE_LANES = 16
SCATTER = 2000
"""Test rows kept for the report's plot of predictions."""


@dataclass(frozen=True)
class Sitting:
    """Who watches a sitting: called with progress, called with lines, asked whether to stop; and when it began.

    `began` is on `time.monotonic()`'s clock: time limits count from there.
    """

    show: Callable[[Progress], None]
    say: Callable[[str], None]
    interrupted: Callable[[], bool]
    began: float


@dataclass(frozen=True)
class Prepared:
    """All that training needs."""

    recipe: Recipe
    space: Space
    dataset: Dataset
    splits: Splits
    factory: LaneFactory
    speed: Speed


def begin(source: Any, recipe: Recipe, directory: Directory, sitting: Sitting, *, version: str) -> None:
    """Start a new study and train it to its end.

    Args:
        source: what `cotune.data.load` takes.
        recipe: as the user asked.
        directory: must not hold a study.
    """
    sitting.say(f"reading {source if isinstance(source, str | Path) else 'the data'}")
    dataset = _load(source, recipe)
    if not isinstance(source, str | Path):
        dataset = replace(dataset, name=directory.path.name)
    splits = split(dataset, recipe.split, seed=recipe.search.seed)
    for note in (*dataset.notes, *splits.notes):
        sitting.say(note)
    resolved = resolve(recipe, dataset, splits)
    space = from_recipe(resolved)
    _check_strategy(resolved, space)
    directory.create()
    with directory.locked(), directory.writing():
        factory = LaneFactory(resolved, space, dataset, splits)
        speed, resolved = _fit_to_machine(recipe, resolved, space, factory)
        factory = factory.with_recipe(resolved)
        kept = {"source": _keep(source, directory), "target": dataset.target}
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update=kept)})
        resolved = resolved.model_copy(update={"data": recipe.data})
        prepared = Prepared(resolved, space, dataset, splits, factory, speed)
        write_text(directory.recipe, as_yaml(recipe))
        with Store.create(directory.store, _facts(prepared, recipe, version)) as store:
            sitting.say(_announcement(prepared, directory))
            _train(prepared, store, directory, sitting)


def resume(directory: Directory, sitting: Sitting) -> None:
    """Go on with a study; one that has ended is left as it is.

    Raises:
        StudyNotFound, StudyCorrupt: there is none, or its store is damaged.
        DataError: the data is not what it was.
    """
    directory.must_hold_a_study()
    with directory.locked(), directory.writing(), Store.open(directory.store) as store:
        meta = store.meta()
        if meta.get("finished"):
            sitting.say(f"{directory.path} is finished ({meta['finished']}); nothing to resume")
            return
        prepared = _prepare_again(meta, directory)
        sitting.say(f"resuming {directory.path} after {store.elapsed():.0f} s of training")
        _train(prepared, store, directory, sitting)


def _load(source: Any, recipe: Recipe) -> Dataset:
    data, division = recipe.data, recipe.split
    return load(
        source,
        target=data.target,
        task=data.task,
        columns=data.columns,
        group=division.group,
        time=division.time,
    )


def _prepare_again(meta: dict[str, Any], directory: Directory) -> Prepared:
    try:
        resolved = make(meta["resolved"])
        fingerprint, source, speed = meta["fingerprint"], meta["data"]["source"], Speed(**meta["speed"])
    except KeyError as error:
        raise StudyCorrupt(f"{directory.store} lacks {error}; it was not written to its end") from None
    dataset = _load(directory.data if source is None else source, resolved)
    if dataset.fingerprint != fingerprint:
        law = f"{source} has changed since the study began"
        raise DataError(f"{law}: bring the old file back, or start a new study with `cotune tune`")
    splits = split(dataset, resolved.split, seed=resolved.search.seed)
    space = from_recipe(resolved)
    return Prepared(resolved, space, dataset, splits, LaneFactory(resolved, space, dataset, splits), speed)


def _check_strategy(recipe: Recipe, space: Space) -> None:
    """Raise `RecipeError` if the strategy cannot search the space, before anything is written."""
    search = recipe.search
    make_sampler(search.strategy, space, maximize=METRICS[search.metric].maximize, seed=search.seed)


def _keep(source: Any, directory: Directory) -> str | None:
    """Absolute path of a file; data from memory is copied into the study."""
    if isinstance(source, str | Path):
        return str(Path(source).resolve())
    with replacing(directory.data) as partial:
        open_source(source).frame.write_parquet(partial)
    return None


def _fit_to_machine(
    recipe: Recipe, resolved: Recipe, space: Space, factory: LaneFactory
) -> tuple[Speed, Recipe]:
    """Fill in what depends on this machine: slots by memory and, under a time limit, slots and epochs by speed."""
    middle = space.from_unit([0.5] * len(space.parameters))
    lanes = [factory.lane(LaneId(-1 - i, 0), middle) for i in range(PROBE_LANES)]
    speed = measure(lanes, metric=resolved.search.metric, lanes_per_trial=factory.lanes_per_trial)
    count: int | str = resolved.search.lanes
    epochs = resolved.training.epochs
    assert isinstance(epochs, int)
    if count == "auto":
        count = max(slots(lanes[0].structure, len(lanes[0].train)), factory.lanes_per_trial)
        if resolved.search.time_limit is not None:
            fitting, count = affordable(
                epochs, count, speed, seconds=resolved.search.time_limit, lanes=factory.lanes_per_trial
            )
            epochs = fitting if recipe.training.epochs == "auto" else epochs
    return speed, resolved.model_copy(
        update={
            "training": resolved.training.model_copy(update={"epochs": epochs}),
            "search": resolved.search.model_copy(update={"lanes": count}),
        }
    )


def _train(prepared: Prepared, store: Store, directory: Directory, sitting: Sitting) -> None:
    study = Study(
        recipe=prepared.recipe,
        space=prepared.space,
        factory=prepared.factory,
        store=store,
        directory=directory,
        speed=prepared.speed,
        show=sitting.show,
        interrupted=sitting.interrupted,
        began=sitting.began,
    )
    ending = study.train()
    if ending.winner is None:
        if not ending.interrupted:
            store.set_meta(finished=ending.reason)
            _derive(store, directory)
            raise no_network(ending.reason)
        return
    model = _model(prepared, ending)
    model.save(directory.best)
    if not ending.interrupted:  # the test rows are looked at once, when nothing is left to decide
        about = {**store.meta()["data"], "preparation": model.networks[0].pipeline.describe()}
        store.set_meta(result=_result(prepared, ending, model), data=about, finished=ending.reason)
    _derive(store, directory)


def _derive(store: Store, directory: Directory) -> StudyView:
    view = read_view(store)
    write_leaderboard(view, directory.leaderboard)
    write_report(view, directory.report)
    return view


def _model(prepared: Prepared, ending: Ending) -> Model:
    assert ending.winner is not None
    networks = [
        Network.cut(
            item.lane.structure.network,
            item.lane.width,
            item.lane.activation,
            item.weights,
            item.statistics,
            prepared.factory.pipeline(item.lane.id, ending.winner.params),
        )
        for item in ending.lanes
    ]
    return Model(prepared.dataset.task, prepared.dataset.target, prepared.dataset.classes, networks)


def _result(prepared: Prepared, ending: Ending, model: Model) -> dict[str, Any]:
    """Test figures of the winner; the only place where the test rows are looked at."""
    dataset, rows = prepared.dataset, prepared.splits.test
    assert ending.winner is not None
    frame, y = dataset.frame[rows], dataset.y[rows]
    found: dict[str, Any] = {
        "trial": ending.winner.number,
        "score": ending.winner.score,
        "test": {
            name: value if np.isfinite(value) else None for name, value in model.figures(frame, y).items()
        },
        "lanes": len(model.networks),
        "parameters": model.size,
    }
    if dataset.task is Task.REGRESSION:
        some = np.linspace(0, len(rows) - 1, min(SCATTER, len(rows))).astype(int)
        found["scatter"] = {"actual": y[some].tolist(), "predicted": model.predict(frame)[some].tolist()}
    else:
        said = model.predict_proba(frame).argmax(1)
        table = np.zeros((len(dataset.classes), len(dataset.classes)), dtype=int)
        np.add.at(table, (np.asarray(y, dtype=np.int64), said), 1)
        found["confusion"] = table.tolist()
    return found


def _facts(prepared: Prepared, recipe: Recipe, version: str) -> dict[str, Any]:
    dataset, splits, resolved = prepared.dataset, prepared.splits, prepared.recipe
    first = splits.folds[0]
    middle = prepared.space.from_unit([0.5] * len(prepared.space.parameters))
    return {
        "version": version,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
        },
        "name": dataset.name,
        "recipe": recipe.model_dump(mode="json"),
        "resolved": resolved.model_dump(mode="json"),
        "fingerprint": dataset.fingerprint,
        "speed": asdict(prepared.speed),
        "task": dataset.task.value,
        "target": dataset.target,
        "metric": resolved.search.metric,
        "maximize": METRICS[resolved.search.metric].maximize,
        "classes": list(dataset.classes),
        "epochs": resolved.training.epochs,
        "data": {
            "source": recipe.data.source,
            "rows": dataset.rows,
            "columns": describe_columns(dataset),
            "notes": [*dataset.notes, *splits.notes],
            "preparation": prepared.factory.pipeline(LaneId(0, 0), middle).describe(),
            "parts": {
                "train": len(first.train),
                "validation": len(first.validation),
                "test": len(splits.test),
                "folds": len(splits.folds),
            },
        },
        "parameters": [
            {"name": p.name, "fusable": p.fusable, "setting": to_plain(p.setting)}
            for p in prepared.space.parameters
        ],
        "plan": _plan(prepared),
    }


def _plan(prepared: Prepared) -> list[str]:
    search, training = prepared.recipe.search, prepared.recipe.training
    limits = [
        *([f"{search.trials} trials"] if search.trials else []),
        *([f"{search.time_limit:g} seconds"] if search.time_limit else []),
        *([f"{search.lane_epochs} lane-epochs"] if search.lane_epochs else []),
    ]
    plan = [
        f"Search by {search.strategy}, up to {' or '.join(limits)}, steered by {search.metric} on validation rows.",
        f"A trial takes at most {training.epochs} epochs"
        + (f" and ends after {training.patience} without a gain." if training.patience else "."),
    ]
    if search.rungs:
        plan.append(
            f"From epoch {search.first_rung} on, one trial in {search.reduction} goes on from each rung."
        )
    lanes = prepared.factory.lanes_per_trial
    if lanes > 1:
        plan.append(
            f"Each trial trains {lanes} networks (folds × seeds); the model averages the best trial's."
        )
    return plan


def _announcement(prepared: Prepared, directory: Directory) -> str:
    dataset = prepared.dataset
    return (
        f"{dataset.name}: {dataset.rows:,} rows, {dataset.frame.width} features, {dataset.task.value} of "
        f"{dataset.target}; searching {len(prepared.space.parameters)} parameters by {prepared.recipe.search.metric} "
        f"→ {directory.path}"
    )
