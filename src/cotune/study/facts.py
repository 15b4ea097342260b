"""What a store says of its study beside trials and records; `records.view.StudyView` documents the keys."""

import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from cotune.data import Dataset, describe_columns
from cotune.engine.metrics import METRICS
from cotune.recipe import Recipe
from cotune.recipe.presets.by_kind import keys_set
from cotune.study.prepared import Prepared, compute_for
from cotune.study.rules.rule import Given
from cotune.study.widening import described
from cotune.types import LaneId, Task

SHOWN = 8
"""Names of columns in one line."""


def facts_of(
    prepared: Prepared, recipe: Recipe, notes: Sequence[str] = (), *, version: str
) -> dict[str, Any]:
    """All facts known at the start.

    Args:
        recipe: as the user asked; `prepared` has the resolved one.
        notes: what else was settled, half sentences for the plan.
        version: of cotune.
    """
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
            "computed_on": compute_for(resolved).words(),
        },
        "name": dataset.name,
        "recipe": recipe.model_dump(mode="json"),
        "asked": keys_set(recipe),
        "resolved": resolved.model_dump(mode="json"),
        "fingerprint": dataset.fingerprint,
        "speed": asdict(prepared.speed),
        "task": dataset.task.value,
        "target": dataset.target,
        "metric": resolved.search.metric,
        "maximize": METRICS[resolved.search.metric].maximize,
        "also": list(resolved.search.also),
        "classes": list(dataset.classes),
        "epochs": resolved.training.epochs,
        "data": {
            "source": recipe.data.source,
            "kind": dataset.kind,
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
        "parameters": described(prepared.space),
        "plan": [*_plan(prepared, recipe), *(f"{note[0].upper()}{note[1:]}." for note in notes)],
        "given": asdict(Given.of(resolved, dataset, splits)),
    }


def _plan(prepared: Prepared, recipe: Recipe) -> list[str]:
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
    if search.rungs != "none":
        plan.append(
            f"From epoch {search.first_rung} on, one trial in {search.reduction} goes on from each rung."
        )
    lanes = prepared.factory.lanes_per_trial
    if lanes > 1:
        plan.append(f"Each trial trains {lanes} networks (folds × seeds); the model averages a trial's.")
    enough = " (more could not be kept busy to the end, or would gain nothing on this machine)"
    plan.append(
        f"{search.lanes} networks train at once{enough if recipe.search.lanes == 'auto' else ''}; "
        "the slot of one that ends is taken at the next epoch."
    )
    after = prepared.recipe.after
    if after.ensemble != "none":
        of = "the best trial at several epochs" if after.one_trial else f"the {after.members} best trials"
        plan.append(f"In the end validation rows choose the model among {of} ({after.ensemble}).")
    return plan


def announcement(prepared: Prepared, directory: Path) -> str:
    """The line that says what is about to be done."""
    dataset = prepared.dataset
    of = "" if dataset.task is Task.GENERATION else f" of {dataset.target}"
    return (
        f"{dataset.name}: {dataset.rows:,} {_rows(dataset)}, {dataset.task.value}{of}; "
        f"searching {len(prepared.space.parameters)} parameters ({len(prepared.space.fusable)} fusable) by "
        f"{prepared.recipe.search.metric} → {directory}"
    )


def _rows(dataset: Dataset) -> str:
    if dataset.examples is not None:
        return dataset.examples.words()
    return f"rows, {dataset.frame.width} features"


def column_lines(dataset: Dataset) -> list[str]:
    """Which columns were taken for what: a line for the target and one for each kind."""
    classes = f", {len(dataset.classes)} classes" if dataset.classes else ""
    lines = [f"target {dataset.target}: {dataset.task.value}{classes} (another with --task)"]
    if dataset.task is Task.GENERATION:
        lines = ["generation: rows like these are to be made, and nothing is predicted"]
    kinds = dict.fromkeys(column.kind for column in dataset.columns if column.kind != "target")
    for kind in kinds:
        names = [column.name for column in dataset.columns if column.kind == kind]
        shown = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
        lines.append(f"{len(names)} {kind}: {shown}")
    if dataset.examples is not None:
        return lines
    return [*lines, "another kind with --set 'columns={NAME: KIND}'"]
