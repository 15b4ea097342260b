"""The tasks: what is read, which networks are searched, where, and how long a training may be.

A task is written down once, and both sides get it: cotune as keys of a recipe, peers as a request with the arrays that
cotune's own preparation makes of the same rows (so that preparing costs peers nothing). Training, validation and test
rows are those of cotune's own split by the seed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from family_parts.folder import DATA

LR: dict[str, Any] = {"low": 3e-4, "high": 3e-2, "log": True}
DECAY: dict[str, Any] = {"low": 1e-5, "high": 1.0, "log": True}
HALF: dict[str, Any] = {"low": 0.0, "high": 0.5}
MLP: dict[str, Any] = {
    "width": [64, 128, 256], "depth": [1, 2, 3], "activation": ["relu", "silu"], "dropout": HALF, "lr": LR,
    "weight_decay": DECAY,
}  # fmt: skip
ADAMW: dict[str, Any] = {
    "optimizer": "adamw",
    "schedule": "cosine",
    "warmup": 0.05,
    "final_lr": 0.01,
    "init": "he",
}
TABLE: dict[str, Any] = {
    **ADAMW, "scaling": "standard", "categories": "onehot", "numbers": "plain", "family": "mlp", "patience": 20,
}  # fmt: skip
CLASSES: dict[str, Any] = {"label_smoothing": 0.0}


@dataclass(frozen=True)
class Task:
    """A task of the benchmark.

    Args:
        source: file in the data folder.
        metric: by which the search goes: log_loss or r2.
        also: what is reported of the test rows beside it.
        epochs: that a training takes at most, on all sides.
        batch: rows of a step; 0 for all.
        fixed: keys of the recipe that are the same in all trials; peers' code has the same built in, or reads it.
        space: settings that are searched, as a recipe writes them.
        target: column to predict.
        every: epochs between two reports of a peer to its pruner: where an epoch takes milliseconds, reporting
            each one would cost a peer more than its training.
        scikit: whether scikit-learn's networks can do it.
        cut: makes the file that cotune reads, for the seed; `None` where it is the source.
    """

    source: str
    metric: str
    also: str
    epochs: int
    batch: int
    fixed: Mapping[str, Any]
    space: Mapping[str, Any]
    target: str | None = None
    every: int = 1
    scikit: bool = False
    cut: Callable[[Path, Path, int], Path] | None = None

    def keys(self) -> dict[str, Any]:
        """What `cotune.tune` is called with."""
        batch = {"batch_size": self.batch or "full", "epochs": self.epochs, "metric": self.metric}
        return {**self.fixed, **self.space, **batch}


DIGITS = 6_000
"""Of MNIST's 60,000 training images: with all of them a training would take longer than the peers' whole budget."""


def digits(source: Path, folder: Path, seed: int) -> Path:
    """So many of MNIST's training images, drawn by the seed, and all its test images."""
    with np.load(source) as file:
        rows = np.random.default_rng(seed).permutation(len(file["x_train"]))[:DIGITS]
        kept = {name: file[name][rows] for name in ("x_train", "y_train")}
        path = folder / "digits.npz"
        np.savez(path, **kept, x_test=file["x_test"], y_test=file["y_test"])
    return path


TASKS: dict[str, Task] = {
    "adult": Task(
        "adult.csv", "log_loss", "accuracy", 27, 256, {**TABLE, **CLASSES}, MLP, target="income", scikit=True,
    ),
    "letter": Task(
        "letter.csv", "log_loss", "accuracy", 81, 128, {**TABLE, **CLASSES}, MLP, target="class", scikit=True,
    ),
    "california": Task(
        "california_housing.csv", "r2", "mae", 81, 128, TABLE, MLP, target="median_house_value", scikit=True,
    ),
    "mnist": Task(
        "mnist.npz", "log_loss", "accuracy", 12, 64,
        {**ADAMW, **CLASSES, "family": "cnn", "convolutions": 2, "norm": "none", "patience": 20},
        {"filters": [8, 16], "kernel": [3, 5], "activation": ["relu", "silu"], "dropout": HALF, "lr": LR,
         "weight_decay": DECAY},
        cut=digits,
    ),
    "cora": Task(
        "cora.npz", "log_loss", "accuracy", 200, 0,
        {**CLASSES, "family": "gcn", "depth": 2, "optimizer": "adam", "schedule": "constant", "warmup": 0.0,
         "init": "glorot_uniform", "weight_decay": 0.0, "patience": 100},
        {"width": [16, 32, 64], "activation": ["relu", "elu"], "dropout": {"low": 0.2, "high": 0.8},
         "input_dropout": {"low": 0.2, "high": 0.8}, "lr": {"low": 3e-3, "high": 3e-2, "log": True},
         "l2": {"low": 1e-4, "high": 5e-3, "log": True}},
        every=10,
    ),
    "vowels": Task(
        "series/JapaneseVowels_TRAIN.ts", "log_loss", "accuracy", 81, 32,
        {**ADAMW, **CLASSES, "family": "gru", "method": "holdout", "validation": 0.3, "patience": 20},
        {"width": [32, 64, 128], "dropout": {"low": 0.0, "high": 0.4}, "lr": LR, "weight_decay": DECAY},
    ),
}  # fmt: skip
"""By name, in the order in which they are run."""


def missing(names: list[str]) -> list[str]:
    """Files of tasks that are not there."""
    return [TASKS[name].source for name in names if not (DATA / TASKS[name].source).is_file()]
