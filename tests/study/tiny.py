"""Tiny tables and the command line in process: what the tests from outside share."""

import io
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import cotune
from cotune.api import TunedStudy
from cotune.cli import main
from cotune.records import Store, StudyView, read_view

FAST: Mapping[str, Any] = {
    "width": 8, "depth": 1, "activation": "relu", "scaling": "standard", "epochs": 3, "trials": 4,
}  # fmt: skip
"""A study of well under a second."""

FAST_WORDS = (
    "--epochs", "3", "--trials", "4", "--set", "width=8", "--set", "depth=1", "--set", "activation=relu",
    "--set", "scaling=standard",
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def command(*words: object) -> Said:
    """Run `cotune WORDS…` in this process."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["cotune", *map(str, words)]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
        code: Any = 0
    except SystemExit as end:
        code = end.code
    finally:
        sys.argv = before
    return Said(int(code or 0), out.getvalue(), err.getvalue())


def table(task: str = "binary", *, rows: int = 120, seed: int = 0) -> pl.DataFrame:
    """Columns a, b (numbers), colour, flag, when, site, and a target `y` that follows from them.

    Args:
        task: "regression", "binary" or "multiclass".
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 2)).round(4)
    colour = rng.choice(["blue", "green", "red"], rows)
    signal = x[:, 0] + 0.5 * x[:, 1] + (colour == "red") + 0.2 * rng.normal(size=rows)
    targets = {
        "regression": signal.round(4).tolist(),
        "binary": np.where(signal > 0.3, "yes", "no").tolist(),
        "multiclass": np.array(["high", "low", "mid"])[np.digitize(signal, [-0.3, 0.8])].tolist(),
    }
    return pl.DataFrame(
        {
            "a": x[:, 0],
            "b": x[:, 1],
            "colour": colour,
            "flag": rng.choice(["true", "false"], rows),
            "site": [f"s{i % 8}" for i in range(rows)],
            "when": [f"2024-{1 + i // 28 % 12:02d}-{1 + i % 28:02d}" for i in range(rows)],
            "y": targets[task],
        }
    )


def csv(folder: Path, task: str = "binary", *, rows: int = 120, name: str = "t.csv") -> Path:
    """`table` as a CSV file in `folder`."""
    path = folder / name
    table(task, rows=rows).write_csv(path)
    return path


def tune(data: Any, out: Path, **settings: Any) -> TunedStudy:
    """`cotune.tune` with the fast settings under `settings`."""
    target = None if isinstance(data, tuple) else "y"
    return cotune.tune(data, out=out, **{"target": target, **FAST, **settings})


def view_of(study: Path) -> StudyView:
    """All that a study's store holds."""
    with Store.open(study / "study.sqlite") as store:
        return read_view(store)


def lasting(study: Path) -> dict[str, Any]:
    """A study's trials and records without the seconds they took: what must be equal between two runs."""
    view = view_of(study)
    return {
        "trials": [(t.number, dict(t.params), t.status, t.score, t.epochs, t.reason) for t in view.trials],
        "records": {
            number: [(r.lane, r.epoch, r.step, r.train_loss, dict(r.metrics)) for r in records]
            for number, records in view.records.items()
        },
        "boundaries": [(b.number, b.lane_steps, b.capacity_steps) for b in view.boundaries],
        "result": view.meta.get("result"),
        "finished": view.meta.get("finished"),
        "weights": (study / "best" / "model.safetensors").read_bytes(),
    }
