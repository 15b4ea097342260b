"""Made-up studies to look at and to test with: seeded, ASHA-like, of any size."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cotune.records.boundary import Boundary
from cotune.records.view import StudyView
from cotune.types import LaneId, Record, Status, TrialResult

RUNGS = (3, 9, 27)
PARAMETERS: list[dict[str, Any]] = [
    {"name": "lr", "fusable": True, "low": 3e-4, "high": 3e-2, "log": True},
    {"name": "weight_decay", "fusable": True, "low": 1e-5, "high": 1.0, "log": True},
    {"name": "dropout", "fusable": True, "low": 0.0, "high": 0.5},
    {"name": "label_smoothing", "fusable": True, "low": 0.0, "high": 0.1},
    {"name": "width", "fusable": False, "choices": [64, 128, 256]},
    {"name": "depth", "fusable": False, "choices": [1, 2, 3]},
    {"name": "activation", "fusable": False, "choices": ["relu", "gelu", "silu"]},
    {"name": "optimizer", "fusable": False, "choices": ["sgd", "nesterov", "adam", "adamw"]},
]
RECIPE: dict[str, Any] = {
    "network": {"family": "mlp", "width": 128, "depth": 2, "activation": "relu", "residual": False}
}
CENSUS = [
    ("age", "numeric", 0, 73, ""),
    ("workclass", "categorical", 2799, 8, ""),
    ("fnlwgt", "numeric", 0, 28523, ""),
    ("education", "categorical", 0, 16, ""),
    ("education_num", "numeric", 0, 16, "rises with education"),
    ("marital_status", "categorical", 0, 7, ""),
    ("occupation", "categorical", 2809, 14, ""),
    ("relationship", "categorical", 0, 6, ""),
    ("sex", "boolean", 0, 2, ""),
    ("capital_gain", "numeric", 0, 123, "92 % are 0"),
    ("hours_per_week", "numeric", 0, 96, ""),
    ("native_country", "categorical", 857, 41, "12 rare countries share one category"),
    ("person", "identifier", 0, 48842, "not used: a different value in every row"),
]


def draw(rng: random.Random, parameter: dict[str, Any]) -> Any:
    """A value of a searched parameter."""
    if "choices" in parameter:
        return rng.choice(parameter["choices"])
    low, high = parameter["low"], parameter["high"]
    if parameter.get("log"):
        return math.exp(rng.uniform(math.log(low), math.log(high)))
    return rng.uniform(low, high)


def quality(params: dict[str, Any]) -> float:
    """How good a configuration is in the end, at most 1."""
    lost = 0.25 * abs(math.log10(params.get("lr", 3e-3)) + 2.5) ** 2
    lost += 0.35 * (params.get("dropout", 0.15) - 0.15) ** 2 * 8
    lost += {"relu": 0.05, "gelu": 0.0, "silu": 0.02}.get(params.get("activation", "gelu"), 0.0)
    lost += {64: 0.05, 128: 0.0, 256: 0.03}.get(params.get("width", 128), 0.0)
    lost += {"sgd": 0.2, "nesterov": 0.12, "adam": 0.02}.get(params.get("optimizer", "adamw"), 0.0)
    return 1.0 - lost + 0.02 * math.log10(params.get("weight_decay", 0.1))


def _costs(trial: TrialResult) -> dict[str, float]:
    """As of an MLP."""
    size = 100.0 * trial.params["width"] + (trial.params["depth"] - 1) * trial.params["width"] ** 2
    return {"size": size, "latency": round(0.01 + size / 1e6, 3)}


def build(
    *,
    trials: int = 212,
    epochs: int = 60,
    task: str = "binary",
    classes: Sequence[str] = ("<=50K", ">50K"),
    parameters: Sequence[dict[str, Any]] = tuple(PARAMETERS),
    finished: bool = True,
    several: bool = False,
    seed: int = 7,
) -> StudyView:
    """A study.

    Args:
        several: whether small networks and a low log loss are wanted, too.
        finished: with a result; otherwise the last eighth of the trials is still running.
    """
    rng = random.Random(seed)
    metric, maximize = ("rmse", False) if task == "regression" else ("accuracy", True)
    made = [_trial(rng, n, epochs, metric, parameters) for n in range(trials)]
    made = _ranked_out(made, epochs, maximize=maximize)
    if not finished:
        last = trials - trials // 8
        made = [replace(t, status=Status.RUNNING) if t.number >= last else t for t in made]
    meta: dict[str, Any] = {
        "version": "0.1.0",
        "created": "2026-11-20T10:00:00+00:00",
        "name": "houses" if task == "regression" else "adult",
        "recipe": RECIPE,
        "task": task,
        "metric": metric,
        "maximize": maximize,
        "classes": None if task == "regression" else list(classes),
        "target": "price" if task == "regression" else "income",
        "epochs": epochs,
        "data": _data(),
        "parameters": list(parameters),
        "plan": [
            "27 groups of trials with equal structure, trained as populations of up to 64 lanes.",
            "Trials are compared after 3, 9 and 27 epochs; one in three goes on.",
            "AdamW with a cosine schedule, batches of 256 rows, at most 60 epochs.",
        ],
    }
    boundaries = _boundaries(made, seconds=0.06 * sum(t.epochs for t in made))
    records = {t.number: _records(t, metric) for t in made[:3]}
    costs = {}
    if several:
        meta["objectives"] = [{"name": "size", "maximize": False}, {"name": "latency", "maximize": False}]
        costs = {t.number: _costs(t) for t in made}
    view = StudyView(meta, tuple(made), boundaries, records, costs)
    if finished and made:
        meta["finished"] = "the time limit of 3 min 0 s was reached"
        meta["result"] = _result(rng, view, task, classes)
    return view


def _trial(
    rng: random.Random, number: int, epochs: int, metric: str, parameters: Sequence[dict[str, Any]]
) -> TrialResult:
    params = {p["name"]: draw(rng, p) for p in parameters}
    if "lr" in params and params["lr"] > 0.028:
        return TrialResult(number, params, Status.DIVERGED, None, 2, 0.1, "step 71, layer 1")
    good = quality(params)
    curve = []
    for epoch in range(1, epochs + 1):
        learned = 1 - math.exp(-epoch * (0.05 + 0.1 * rng.random()))
        error = 0.135 + 0.1 * (1 - good) + 0.11 * (1 - learned) + rng.gauss(0, 0.002)
        loss = 0.28 + 0.2 * (1 - good) + 0.4 * math.exp(-epoch / 9) + rng.gauss(0, 0.003)
        curve.append((epoch, loss, error * 1.6e5 if metric == "rmse" else 1 - error))
    return TrialResult(number, params, Status.COMPLETE, None, epochs, 0.0, "", tuple(curve))


def _ranked_out(made: list[TrialResult], epochs: int, *, maximize: bool) -> list[TrialResult]:
    alive = [t for t in made if t.status is Status.COMPLETE]
    ended = {t.number: t for t in made if t.status is not Status.COMPLETE}
    for rung in (r for r in RUNGS if r < epochs):
        alive.sort(key=lambda t: t.curve[rung - 1][2], reverse=maximize)
        keep = max(1, len(alive) // 2)
        for trial in alive[keep:]:
            ended[trial.number] = _cut(trial, rung, Status.STOPPED, maximize=maximize)
        alive = alive[:keep]
    ended.update((t.number, _cut(t, epochs, Status.COMPLETE, maximize=maximize)) for t in alive)
    return [ended[n] for n in sorted(ended)]


def _cut(trial: TrialResult, epochs: int, status: Status, *, maximize: bool) -> TrialResult:
    curve = trial.curve[:epochs]
    score = (max if maximize else min)(figure for _, _, figure in curve)
    return replace(trial, status=status, score=score, epochs=epochs, seconds=0.055 * epochs, curve=curve)


def _boundaries(made: list[TrialResult], *, seconds: float) -> tuple[Boundary, ...]:
    number = 120 if made else 0
    found = []
    for n in range(1, number + 1):
        first, last = (len(made) * (n - 1)) // number, (len(made) * n) // number
        ended = tuple(replace(t, curve=()) for t in made[first:last] if t.status.is_over)
        found.append(Boundary(n, seconds * n / number, 9_400, 9_700, ended=ended))
    return tuple(found)


def _records(trial: TrialResult, metric: str) -> tuple[Record, ...]:
    lane = LaneId(trial.number, 0)
    return tuple(Record(lane, e, e * 120, loss, {metric: figure}, 0.05) for e, loss, figure in trial.curve)


def _data() -> dict[str, Any]:
    keys = ("name", "kind", "missing", "distinct", "note")
    return {
        "source": "adult.csv",
        "rows": 48842,
        "columns": [dict(zip(keys, column, strict=True)) for column in CENSUS],
        "notes": ["52 rows are exact duplicates.", "The classes are uneven: 76 % are '<=50K'."],
        "preparation": [
            "Missing numbers become the median of the training rows, and are marked in a further column.",
            "Numbers are mapped to a normal distribution by quantiles.",
            "Categories become one column each; categories in fewer than 10 rows share one.",
        ],
        "parts": {"train": 31258, "validation": 7815, "test": 9769, "folds": 1},
    }


def _result(rng: random.Random, view: StudyView, task: str, classes: Sequence[str]) -> dict[str, Any]:
    best = view.ranked()[0]
    found: dict[str, Any] = {"trial": best.number, "score": best.score, "lanes": 1, "parameters": 30_594}
    if task == "regression":
        actual = [rng.lognormvariate(12, 0.4) for _ in range(2000)]
        predicted = [a * rng.gauss(1.0, 0.09) for a in actual]
        found["test"] = {"rmse": 21713.4, "mae": 15206.1, "r2": 0.8731}
        found["scatter"] = {"actual": actual, "predicted": predicted}
        return found
    size = len(classes)
    rows = [[0] * size for _ in range(size)]
    for _ in range(9769):
        true = min(int(rng.random() ** 1.8 * size), size - 1)
        away = rng.randint(1, size - 1) if rng.random() < 0.139 else 0
        rows[true][(true + away) % size] += 1
    right = sum(rows[i][i] for i in range(size)) / 9769
    found["test"] = {
        "accuracy": right,
        "balanced_accuracy": right - 0.08,
        "roc_auc": 0.9148,
        "log_loss": 0.3021,
    }
    found["confusion"] = rows
    return found
