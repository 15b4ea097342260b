"""Each technique with the smallest study that it can be tried in."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from cotune.catalogue import Technique
from cotune.types import Task, Value
from study.pictures import CLASSES, pixels
from study.tiny import table

PLAIN: Mapping[str, Value] = {
    "activation": "relu", "lr": 0.01, "weight_decay": 0.0, "dropout": 0.0, "label_smoothing": 0.0, "batch_size": 16,
    "epochs": 2, "trials": 1, "rungs": False,
}  # fmt: skip
"""A study with nothing in it that is searched."""

OF_TABLES: Mapping[str, Value] = {"width": 8, "depth": 2, "scaling": "standard"}
OF_IMAGES: Mapping[str, Value] = {"filters": 8, "convolutions": 1, "kernel": 3}

ASKED = {"group": "site", "time": "when"}
"""Columns that stand for what only a user knows."""

ROWS = 60

FEW = {"leave_one_out": 12}
"""Rows, for methods that train a network for each."""

MANY = {"after": 330}
"""Rows, for kinds that ask validation rows once more."""

SEARCHED: dict[str, dict[str, Any]] = {"after": {"trials": 3, "lr": [0.003, 0.01, 0.03]}}
"""Settings of kinds that need several trials."""

COUNTS = ("poisson",)
"""Losses of targets that are nowhere below 0."""


def on_images(technique: Technique) -> bool:
    """Whether it is for images alone."""
    return "table" not in technique.data


def task_of(technique: Technique) -> Task:
    """The task that a technique is tried with: two classes if it has a use for them."""
    return Task.BINARY if Task.BINARY in technique.tasks else technique.tasks[0]


def rows_of(technique: Technique) -> Any:
    """What `cotune.tune` takes: small images, or a table with numbers, some of them missing, names, groups and days."""
    if on_images(technique):
        x, y = pixels(rows=ROWS)
        return x, [CLASSES[label] for label in y]
    rows = FEW.get(str(technique.on.get("method"))) or MANY.get(technique.kind, ROWS)
    found = table(task_of(technique).value, rows=rows)
    if technique.on.get("loss") in COUNTS:
        found = found.with_columns(pl.col("y").abs())
    gone = pl.int_range(pl.len()) % 7 == 3
    return found.with_columns(pl.when(gone).then(None).otherwise(pl.col("b")).alias("b"))


def target_of(technique: Technique) -> str | None:
    """The name of its target, where it has one."""
    return None if on_images(technique) else "y"


def settings_of(technique: Technique) -> dict[str, Any]:
    """Recipe keys of a study that uses it."""
    shape = OF_IMAGES if on_images(technique) else OF_TABLES
    asked = {key: ASKED[key] for key in technique.asks}
    return {**PLAIN, **shape, **SEARCHED.get(technique.kind, {}), **technique.on, **asked}
