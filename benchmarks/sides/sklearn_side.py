"""scikit-learn's side of benchmarks/tables.py: random search over a pipeline with an MLP, by the clock."""

import json
import multiprocessing
import os
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from queue import Empty
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import loguniform
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import ParameterSampler, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler

SPACE: dict[str, Any] = {
    "hidden_layer_sizes": [
        *[(width,) * depth for width in (64, 128, 256) for depth in (1, 2, 3)],
        (512,), (128, 64), (256, 128),
    ],
    "activation": ["relu", "tanh"],
    "alpha": loguniform(1e-6, 1e-1),
    "learning_rate_init": loguniform(3e-4, 1e-2),
    "batch_size": [64, 128, 256, 512],
    "scaler": ["standard", "quantile"],
}  # fmt: skip


def pipeline(params: dict[str, Any], *, classify: bool, seed: int) -> Any:
    """Impute, scale, one-hot, and an MLP that stops early."""
    chosen = dict(params)
    scaler = (
        StandardScaler()
        if chosen.pop("scaler") == "standard"
        else QuantileTransformer(output_distribution="normal", random_state=seed)
    )
    numbers = Pipeline([("impute", SimpleImputer(strategy="median", add_indicator=True)), ("scale", scaler)])
    words = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include=np.number)),
            ("words", words, make_column_selector(dtype_exclude=np.number)),
        ]
    )
    settings = {"early_stopping": True, "max_iter": 200, "random_state": seed, **chosen}
    if classify:
        return Pipeline([("columns", columns), ("network", MLPClassifier(**settings))])
    network = TransformedTargetRegressor(MLPRegressor(**settings), transformer=StandardScaler())
    return Pipeline([("columns", columns), ("network", network)])


@dataclass(frozen=True)
class Rows:
    """Training rows."""

    X: pd.DataFrame
    y: np.ndarray


def read(path: str, target: str) -> Rows:
    """A CSV file; words lose blanks around them, and ? is missing."""
    frame = pd.read_csv(path, skipinitialspace=True, na_values=["?"])
    return Rows(frame.drop(columns=target), frame[target].to_numpy())


def fit(params: dict[str, Any], rows: Rows, *, classify: bool, seed: int) -> Any:
    """A fitted pipeline, without the warning that 200 epochs were not enough."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return pipeline(params, classify=classify, seed=seed).fit(rows.X, rows.y)


def score(model: Any, rows: Rows, *, classify: bool) -> float:
    """Accuracy or R²."""
    found = model.predict(rows.X)
    return float(accuracy_score(rows.y, found) if classify else r2_score(rows.y, found))


def work(tasks: Any, results: Any, train: Rows, held: Rows, classify: bool, seed: int) -> None:
    """A worker: candidates in, (score, seconds, params) out."""
    while True:
        params = tasks.get()
        began = time.monotonic()
        model = fit(params, train, classify=classify, seed=seed)
        results.put((score(model, held, classify=classify), time.monotonic() - began, params))


def candidates(seed: int) -> Iterator[dict[str, Any]]:
    """Draws without end."""
    return iter(ParameterSampler(SPACE, n_iter=1_000_000, random_state=seed))


def search(
    rows: Rows, *, classify: bool, seconds: float, workers: int, seed: int
) -> list[tuple[float, float, dict[str, Any]]]:
    """Every candidate that was scored in time for the best of them to be fitted again before `seconds` are over."""
    began = time.monotonic()
    stratify = rows.y if classify else None
    parts = train_test_split(np.arange(len(rows.y)), test_size=0.2, stratify=stratify, random_state=seed)
    train, held = (Rows(rows.X.iloc[part], rows.y[part]) for part in parts)
    context = multiprocessing.get_context("fork")
    tasks, results = context.Queue(), context.Queue()
    drawn = candidates(seed)
    pool = [
        context.Process(target=work, args=(tasks, results, train, held, classify, seed), daemon=True)
        for _ in range(workers)
    ]
    for _ in range(2 * workers):  # one in work and one waiting for each
        tasks.put(next(drawn))
    for process in pool:
        process.start()
    found: list[tuple[float, float, dict[str, Any]]] = []
    while True:
        best = max(found, key=lambda result: result[0], default=None)
        # A refit has a quarter more rows than the trial had.
        if best is not None and time.monotonic() - began + 1.25 * best[1] >= seconds:
            break
        try:
            found.append(results.get(timeout=0.1))
            tasks.put(next(drawn))
        except Empty:
            continue
    for process in pool:
        process.kill()
        process.join()
    tasks.cancel_join_thread()  # nobody will take what still waits in it
    return found


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Search, refit, predict the test rows, score."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: request["cores"]])
    classify = request["metric"] == "accuracy"
    began = time.monotonic()
    rows = read(request["train"], request["target"])
    found = search(
        rows,
        classify=classify,
        seconds=request["seconds"] - (time.monotonic() - began),
        workers=request["cores"],
        seed=request["seed"],
    )
    validation, _, params = max(found, key=lambda result: result[0])
    model = fit(params, rows, classify=classify, seed=request["seed"])
    seconds = time.monotonic() - began
    return {
        "score": score(model, read(request["test"], request["target"]), classify=classify),
        "seconds": seconds,
        "candidates": len(found),
        "finished": len(found),
        "validation": validation,
        "best": params,
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
