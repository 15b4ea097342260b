"""Each technique with the smallest study that it can be tried in, with each family of networks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from cotune.catalogue import Technique
from cotune.recipe.names import CONVOLVING, GRAPHS, OF_WORDS, SEQUENTIAL
from cotune.recipe.schema import PREPARES
from cotune.types import Task, Value
from study.pictures import pixels
from study.tiny import table

PLAIN: Mapping[str, Value] = {
    "lr": 0.01, "weight_decay": 0.0, "label_smoothing": 0.0, "batch_size": 16, "epochs": 2, "trials": 1, "rungs": False,
}  # fmt: skip
"""A study with nothing in it that is searched."""

SHAPES: Mapping[str, Mapping[str, Value]] = {
    "mlp": {"width": 8, "depth": 2, "activation": "relu", "dropout": 0.0},
    "cnn": {"filters": 8, "convolutions": 1, "kernel": 3, "activation": "relu", "dropout": 0.0},
    "gru": {"width": 8},
    **{name: {"width": 8, "depth": 2, "activation": "relu", "dropout": 0.0} for name in GRAPHS},
    "rnn": {"width": 8},
    "lstm": {"width": 8},
    "tcn": {"width": 8, "levels": 2, "time_kernel": 3, "activation": "relu", "dropout": 0.0},
    "textcnn": {
        "filters": 8,
        "embedding_width": 8,
        "activation": "relu",
        "dropout": 0.0,
        "word_dropout": 0.0,
    },
    "bag": {"embedding_width": 8, "dropout": 0.0, "word_dropout": 0.0},
    "transformer": {"width": 8, "heads": 2, "activation": "relu", "dropout": 0.0},
    "gan": {"task": "generation", "gan_width": 16, "gan_depth": 2, "latent": 8},
    "resnet": {
        "filters": 8,
        "stages": 1,
        "norm": "batch",
        "activation": "relu",
        "dropout": 0.0,
        "schedule": "cosine",
    },
}
"""By family."""

ROWS = 60

FEW = {"leave_one_out": 12}
"""Rows, for methods that train a network for each."""

MANY = {"after": 330}
"""Rows, for kinds that ask validation rows once more."""

SEARCHED: dict[str, dict[str, Any]] = {"after": {"trials": 3, "lr": [0.003, 0.01, 0.03]}}
"""Settings of kinds that need several trials."""

COUNTS = ("poisson",)
"""Losses of targets that are nowhere below 0."""

ASKED = {"group": "site", "time": "when"}
"""Columns that stand for what only a user knows."""

TIMES = 10

FORECAST: dict[str, Any] = {"task": "forecast", "horizon": 3, "lookback": 8}
"""Settings of techniques that are for forecasts alone."""


def families_of(technique: Technique) -> tuple[str, ...]:
    """Families that it is tried with: all that it names, but columns to be asked for are those of a table.

    Networks over graphs differ in their convolutions alone: what all of them take, the first is tried with. Of networks
    of sequences two: one that steps in compiled loops where it can, and one that has hidden layers.
    """
    if technique.asks:
        return technique.families[:1]
    alike = [family for family in ("rnn", "lstm", "transformer") if {"gru", "tcn"} & set(technique.families)]
    if set(GRAPHS) <= set(technique.families) and technique.kind != "graph":
        alike += GRAPHS[1:]
    return tuple(family for family in technique.families if family not in alike)


def task_of(technique: Technique) -> Task:
    """The task that a technique is tried with: two classes if it has a use for them."""
    return Task.BINARY if Task.BINARY in technique.tasks else technique.tasks[0]


def forecasts(technique: Technique) -> bool:
    """Whether the rows are one series."""
    return technique.data == ("forecast",)


def on_images(technique: Technique, family: str) -> bool:
    """Whether the rows are images."""
    return family in CONVOLVING or technique.data == ("image",)


def rows_of(technique: Technique, family: str) -> Any:
    """What `cotune.tune` takes: images and labels, or a table with the target `y`."""
    if Task.GENERATION in technique.tasks:
        return pixels(rows=ROWS)[0] if technique.data == ("image",) else _columns(Task.REGRESSION, ROWS)
    rows = FEW.get(str(technique.on.get("method"))) or MANY.get(technique.kind, ROWS)
    task, counted = task_of(technique), technique.on.get("loss") in COUNTS
    if family in OF_WORDS or technique.data == ("text",):
        return _texts(task, rows, counted=counted)
    if forecasts(technique):
        return pl.DataFrame({"y": [float(np.sin(i / 3) + 0.01 * i) for i in range(2 * rows)]})
    if family in GRAPHS:
        return _graph(technique, task, rows)
    if on_images(technique, family):
        x, label = pixels(rows=rows)
        return x, [str(one) for one in label % 2] if task.is_classification else label + 0.25
    found = _waves(task, rows) if family in SEQUENTIAL else _columns(task, rows)
    if set(technique.on) & set(PREPARES["series"]):
        x = found.drop("y").to_numpy()[..., None].copy()
        x[::5, 3] = np.nan
        return [row[: TIMES - i % 2] for i, row in enumerate(x)], found["y"].to_list()
    return found.with_columns(pl.col("y").abs()) if counted else found


def _graph(technique: Technique, task: Task, rows: int) -> dict[str, Any]:
    """A ring with chords: nodes, or whole rings, told by a feature."""
    draw = np.random.default_rng(0)
    rings = rows if "readout" in technique.on else 1
    nodes = rings * 5 if rings > 1 else rows
    around = np.arange(nodes)
    size = 5 if rings > 1 else nodes
    edges = np.stack([around, around // size * size + (around + 1) % size])
    kind = draw.integers(0, 2, rows)
    x = draw.normal(size=(nodes, 3)) + (kind.repeat(5) if rings > 1 else kind)[:, None]
    y = np.array(["a", "b"])[kind] if task.is_classification else kind + 0.1 * draw.random(rows)
    found = {"edges": edges, "features": x, "labels": y}
    return found | ({"bounds": np.arange(0, nodes + 1, 5)} if rings > 1 else {})


def _texts(task: Task, rows: int, *, counted: bool) -> tuple[list[str], list[Any]]:
    """Texts, one word of which is for or against."""
    draw = np.random.default_rng(0)
    good = draw.integers(0, 2, rows)
    words = [[*draw.choice(["the", "film", "is", "a", "story"], 4), ("dull", "fine")[one]] for one in good]
    y = (
        good.astype(str)
        if task.is_classification
        else good + (0 if counted else 0.1 * draw.normal(size=rows))
    )
    return [" ".join(draw.permutation(each)) for each in words], y.tolist()


def _columns(task: Task, rows: int) -> pl.DataFrame:
    """Numbers, some of them missing, names, groups and days."""
    gone = pl.int_range(pl.len()) % 7 == 3
    return table(task.value, rows=rows).with_columns(
        pl.when(gone).then(None).otherwise(pl.col("b")).alias("b")
    )


def _waves(task: Task, rows: int) -> pl.DataFrame:
    """A wave in each row, the target its speed."""
    draw = np.random.default_rng(0)
    speed = draw.integers(0, 2, rows)
    angle = np.arange(TIMES) * (0.4 + 0.5 * speed[:, None]) + draw.uniform(0, 6, rows)[:, None]
    columns = {f"t{i}": np.sin(angle[:, i]) for i in range(TIMES)}
    y = np.array(["slow", "fast"])[speed] if task.is_classification else speed + 0.1 * angle[:, 0]
    return pl.DataFrame(columns).with_columns(y=pl.Series(y.tolist()))


def settings_of(technique: Technique, family: str) -> dict[str, Any]:
    """Recipe keys of a study that uses it; what only a user knows is missing where it is not a column."""
    shape = {"family": family, **SHAPES[family]}
    texts = family in OF_WORDS or technique.data == ("text",)
    if technique.on.get("latent"):
        shape.pop("latent")
    own = set(technique.on) & set(PREPARES["series"])
    columns = not texts and not on_images(technique, family) and family not in GRAPHS and not own
    scaling = {"scaling": "standard"} if columns else {}
    scaling |= {"graph_task": "link"} if "decoder" in technique.on else {}
    if forecasts(technique):
        scaling = FORECAST
    asked = {key: ASKED[key] for key in technique.asks if key in ASKED}
    return {**PLAIN, **shape, **scaling, **SEARCHED.get(technique.kind, {}), **technique.on, **asked}


def target_of(rows: Any) -> str | None:
    """The name of the target, where it has one."""
    return "y" if isinstance(rows, pl.DataFrame) else None
