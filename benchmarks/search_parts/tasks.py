"""What a simulated engine trains: learning curves that somebody has computed before.

| task    | curves                                                                         | full training |
|---------|--------------------------------------------------------------------------------|---------------|
| LCBench | a surrogate of 34 tables × 7 parameters: validation accuracy at every epoch    | 52 epochs     |
| TaskSet | real validation losses of 1,000 configurations of Adam, divergences included   | 50 points     |

LCBench is continuous: every proposal has a curve. TaskSet has a thousand configurations: a proposal becomes the nearest
of them that was not tried, in the unit cube, and that one is what the contender is told of.

Both lie in the folder that COTUNE_DATA names, under `hpo`. LCBench needs `pip install onnxruntime`.
Develop on `lcbench_names()` and on some of `taskset_names()`: what is kept aside is there to judge.

Source: Zimmer, Lindauer & Hutter, Auto-PyTorch Tabular, 2021 (LCBench); Pfisterer et al., YAHPO Gym, 2022 (the
surrogate); Metz et al., Using a thousand optimization tasks to learn hyperparameter search strategies, 2020.
"""

import json
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cotune.recipe.settings import Domain, Range
from cotune.space import Parameter, Space
from cotune.types import Params

FOLDER = Path(os.environ.get("COTUNE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "hpo"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cotune-benchmarks"
RANDOM = 16_384
"""Random configurations that a regret is held against."""
_LOOKED_AT = (13, 26, 39, 52)
"""Epochs at which those are looked at; all 52 would take minutes a task."""

Floats = NDArray[np.float64]


class Task(Protocol):
    """Something to tune."""

    name: str
    space: Space
    epochs: int
    maximize: bool

    def nearest(self, params: Params, tried: set[int]) -> tuple[int, Params] | None:
        """(a name for it, what is trained instead of `params`); `None` when all was `tried`."""

    def figures(self, params: Sequence[Params], epochs: Sequence[int]) -> Floats:
        """The validation figure of each configuration at its epoch (from 1), NaN where it diverged. [configuration]"""

    def regret(self, figure: float) -> float:
        """0 for the best of many random configurations, 1 for a median one."""


def _number(
    name: str, low: float, high: float, *, log: bool, whole: bool = False, fusable: bool = True
) -> Parameter:
    return Parameter(
        name, Range(low, high, log), Domain("int" if whole else "float", low, high, fusable=fusable)
    )


# ---------------------------------------------------------------------------------------------------- LCBench

LCBENCH = Space(
    (
        _number("batch_size", 16, 512, log=True, whole=True),
        _number("learning_rate", 1e-4, 1e-1, log=True),
        _number("momentum", 0.1, 0.99, log=False),
        _number("weight_decay", 1e-5, 1e-1, log=True),
        _number("num_layers", 1, 5, log=False, whole=True, fusable=False),
        _number("max_units", 64, 1024, log=True, whole=True, fusable=False),
        _number("max_dropout", 0.0, 1.0, log=False),
    ),
    {},
)
"""Columns of the surrogate, after the epoch; `num_layers` and `max_units` are structural."""

_SESSIONS: dict[str, Any] = {}


def lcbench_names() -> list[str]:
    """The tasks to develop on: those at even positions."""
    described = json.loads((FOLDER / "lcbench" / "config_space.json").read_text())
    tasks = next(h for h in described["hyperparameters"] if h["name"] == "OpenML_task_id")
    return list(tasks["choices"][::2])


class LCBench:
    """A task of the surrogate, by its OpenML number."""

    space, epochs, maximize = LCBENCH, 52, True

    def __init__(self, number: str) -> None:
        self.name = f"lcbench {number}"
        self._number = number
        self._code = json.loads((FOLDER / "lcbench" / "encoding.json").read_text())["OpenML_task_id"][number]

    def nearest(self, params: Params, tried: set[int]) -> tuple[int, Params]:
        """Every configuration has a curve."""
        return len(tried), params

    def figures(self, params: Sequence[Params], epochs: Sequence[int]) -> Floats:
        """Validation accuracy in per cent, from one call of the surrogate."""
        columns = [[p[q.name] for q in LCBENCH.parameters] for p in params]
        return self._ask(np.array(columns, dtype=np.float32), np.array(epochs, dtype=np.float32))

    def _ask(self, columns: NDArray[np.float32], epochs: NDArray[np.float32]) -> Floats:
        fed = {
            "x_cat": np.full((len(columns), 1), self._code, dtype=np.int32),
            "x_cont": np.column_stack([epochs, columns]).astype(np.float32),
        }
        found = _session().run(None, fed)[0]
        return np.asarray(found[:, 1], dtype=float)

    def regret(self, figure: float) -> float:
        """(best − figure) / (best − median)."""
        best, median = self._ends
        return (best - figure) / (best - median)

    @cached_property
    def _ends(self) -> tuple[float, float]:
        """Best and median of many random configurations, kept in a file since they take seconds."""
        file = CACHE / f"lcbench-{self._number}-{RANDOM}.json"
        if not file.exists():
            places = np.random.default_rng(16).random((RANDOM, len(LCBENCH.parameters)))
            drawn = [LCBENCH.from_unit(place.tolist()) for place in places]
            columns = np.array([[p[q.name] for q in LCBENCH.parameters] for p in drawn], dtype=np.float32)
            at = [self._ask(columns, np.full(RANDOM, epoch, dtype=np.float32)) for epoch in _LOOKED_AT]
            scores = np.max(at, axis=0)
            CACHE.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps([float(scores.max()), float(np.median(scores))]))
        best, median = json.loads(file.read_text())
        return best, median


def _session() -> Any:
    """The surrogate, on one thread, read once."""
    if not _SESSIONS:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        _SESSIONS["lcbench"] = onnxruntime.InferenceSession(str(FOLDER / "lcbench" / "model.onnx"), options)
    return _SESSIONS["lcbench"]


# ---------------------------------------------------------------------------------------------------- TaskSet

_AWAY_FROM_ONE = ("beta1", "beta2")


def taskset_names() -> list[str]:
    """The tasks that are there."""
    return sorted(file.stem for file in (FOLDER / "taskset").glob("*.npz"))


class TaskSet:
    """A thousand configurations of Adam on one recurrent network, by the name of the task."""

    maximize = False

    def __init__(self, name: str) -> None:
        self.name = f"taskset {name.removeprefix('FixedTextRNNClassification_imdb_')}"
        with np.load(FOLDER / "taskset" / f"{name}.npz") as found:
            names = [str(n) for n in found["hp_names"]]
            columns, self._curves = found["X"].astype(float), found["valid"].astype(float)
        self.epochs = self._curves.shape[1] - 1  # the first figure is from before training
        for i, n in enumerate(names):
            if n in _AWAY_FROM_ONE:
                names[i], columns[:, i] = f"1-{n}", 1.0 - columns[:, i]
        self.space = Space(
            tuple(_number(n, c.min(), c.max(), log=True) for n, c in zip(names, columns.T, strict=True)), {}
        )
        self._rows = [dict(zip(names, map(float, row), strict=True)) for row in columns]
        self._places = np.array([self.space.to_unit(row) for row in self._rows])
        self._row_of = {tuple(row.values()): i for i, row in enumerate(self._rows)}

    @property
    def rows(self) -> list[dict[str, float]]:
        """All there is to be trained."""
        return self._rows

    def nearest(self, params: Params, tried: set[int]) -> tuple[int, Params] | None:
        """The row that is nearest in the unit cube."""
        if len(tried) == len(self._rows):
            return None
        apart = ((self._places - np.array(self.space.to_unit(params))) ** 2).sum(axis=1)
        apart[list(tried)] = np.inf
        row = int(apart.argmin())
        return row, self._rows[row]

    def figures(self, params: Sequence[Params], epochs: Sequence[int]) -> Floats:
        """Validation loss."""
        rows = [self._row_of[tuple(float(p[q.name]) for q in self.space.parameters)] for p in params]  # type: ignore[arg-type]
        found = self._curves[rows, list(epochs)]
        return np.where(np.isfinite(found), found, np.nan)

    def regret(self, figure: float) -> float:
        """(figure − best) / (median − best), of all configurations."""
        best, median = self._ends
        return (figure - best) / (median - best)

    @cached_property
    def _ends(self) -> tuple[float, float]:
        curves = self._curves[:, 1:]
        scores = np.where(np.isfinite(curves), curves, np.inf).min(axis=1)
        return float(scores.min()), float(np.median(scores))
