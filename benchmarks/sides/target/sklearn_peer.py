"""scikit-learn: HalvingRandomSearchCV over its own MLPs, bracket after bracket, a process for each core.

One JSON request as argument, one JSON row on standard output. Its networks have no dropout, no decoupled decay and no
schedule for Adam; what they have of the space is searched: width, depth, relu or tanh, the learning rate, and an L2
penalty over the range of the decay. The resource is the number of epochs (`max_iter`); a candidate that goes on is
trained anew, as scikit-learn does it. The one split is the validation rows of all sides. A network is judged when it
ends, since scikit-learn's own early stopping would want validation rows of its own.
"""

import json
import multiprocessing
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from scipy.stats import loguniform
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import HalvingRandomSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor

LEAST = 3
"""Epochs of the first rung."""


class Scorer:
    """Scores a fitted network, and writes down what it saw."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.began, self.folder = request["began"], Path(request["out"])
        self.classify = request["facts"]["metric"] == "log_loss"
        self.best = float("-inf")

    def score(self, network: Any, x: np.ndarray, y: np.ndarray) -> float:
        """-log_loss, or R²."""
        if self.classify:
            return -float(log_loss(y, network.predict_proba(x), labels=network.classes_))
        return float(r2_score(y, network.predict(x)))

    def __call__(self, network: Any, x: np.ndarray, y: np.ndarray) -> float:
        """Score and note."""
        found = self.score(network, x, y)
        own = os.getpid()
        facts = {"t": time.time() - self.began, "score": found, "epochs": int(network.n_iter_)}
        with (self.folder / f"trace-{own}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(facts) + "\n")
        kept = self.folder / f"best-{own}.joblib"
        if not kept.exists() or found > joblib.load(kept)[0]:
            joblib.dump((found, network), self.folder / f"best-{own}.partial")
            (self.folder / f"best-{own}.partial").replace(kept)
        return found


def search(request: dict[str, Any]) -> None:
    """Brackets until somebody ends this process."""
    warnings.simplefilter("ignore")
    os.environ["PYTHONWARNINGS"] = "ignore"
    facts = request["facts"]
    with np.load(request["arrays"]) as file:
        parts = [(file[f"{part}_x"], file[f"{part}_y"]) for part in ("train", "validation")]
    x, y = (np.concatenate(both) for both in zip(*parts, strict=True))
    rows = len(parts[0][0])
    split = [(np.arange(rows), np.arange(rows, len(x)))]
    space, decay, lr = facts["space"], facts["space"]["weight_decay"], facts["space"]["lr"]
    distributions = {
        "hidden_layer_sizes": [(width,) * depth for width in space["width"] for depth in space["depth"]],
        "activation": ["relu", "tanh"],
        "alpha": loguniform(decay["low"], decay["high"]),
        "learning_rate_init": loguniform(lr["low"], lr["high"]),
    }
    kind = MLPClassifier if facts["metric"] == "log_loss" else MLPRegressor
    for bracket in range(1_000_000):
        HalvingRandomSearchCV(
            kind(batch_size=facts["batch"], n_iter_no_change=facts["fixed"]["patience"]),
            distributions, resource="max_iter", min_resources=LEAST, max_resources=facts["epochs"],
            n_candidates="exhaust", factor=3, cv=split, scoring=Scorer(request), refit=False,
            return_train_score=False, error_score=-1e9,
            random_state=1000 * request["seed"] + bracket, n_jobs=request["cores"],
        ).fit(x, y)  # fmt: skip


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Search in a process of its own until the budget is spent; then test."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: request["cores"]])
    child = multiprocessing.get_context("fork").Process(target=search, args=(request,))
    child.start()
    child.join(request["began"] + request["seconds"] - time.time())
    ended = not child.is_alive()
    for process in (*_children(child.pid), child.pid):
        try:
            os.kill(process, 9)
        except ProcessLookupError:
            continue
    if ended:
        raise RuntimeError("the search ended by itself")
    folder, scorer = Path(request["out"]), Scorer(request)
    lines = [
        json.loads(line) for path in folder.glob("trace-*.jsonl") for line in path.read_text().splitlines()
    ]
    lines = [line for line in lines if line["t"] <= request["seconds"]]
    trace: list[tuple[float, float]] = []
    for line in sorted(lines, key=lambda line: line["t"]):
        if not trace or line["score"] > trace[-1][1]:
            trace.append((round(line["t"], 3), line["score"]))
    kept = [joblib.load(path) for path in folder.glob("best-*.joblib")]
    _, network = max(kept, key=lambda one: one[0])
    with np.load(request["arrays"]) as file:
        x, y = file["test_x"], file["test_y"]
    test = {"r2": scorer.score(network, x, y)}
    if scorer.classify:
        test = {
            "log_loss": -scorer.score(network, x, y),
            "accuracy": float(accuracy_score(y, network.predict(x))),
        }
    config = {name: network.get_params()[name] for name in ("hidden_layer_sizes", "activation", "alpha")}
    return {
        "trace": trace, "test": test, "config": config | {"learning_rate_init": network.learning_rate_init},
        "trials": len(lines), "epochs": sum(line["epochs"] for line in lines),
    }  # fmt: skip


def _children(parent: int | None) -> list[int]:
    """Processes that a process started, and theirs."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            own, rest = path.read_text().rsplit(")", 1)
        except OSError:
            continue
        if int(rest.split()[1]) == parent:
            number = int(own.split()[0])
            found += [number, *_children(number)]
    return found


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
