"""The training loop of peers, as fast as plain PyTorch goes on a core: fused Adam, rows in memory, an epoch's rows
gathered at once, batches that are views of them, learning rates computed beforehand, no look at a tensor within an
epoch, one look at the validation rows after it.

One thread: peers work with a process for each core, which beats one process with all of them for networks this small.
"""

import json
import math
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from networks import Graph, network_of
from torch import Tensor, nn

WORST = -1e9
"""The score of a network whose outputs are not finite; a number, since some searches take no infinity."""


class OutOfTime(Exception):
    """The budget is spent, in the middle of a training."""


@dataclass(frozen=True)
class Rows:
    """The rows of a part of the data."""

    x: Tensor
    codes: Tensor
    y: Tensor


class Task:
    """What a request asks, with its rows loaded.

    Args:
        request: see `time_to_target.request_of`.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        self.request, self.facts = request, request["facts"]
        with np.load(request["arrays"]) as file:
            self.arrays = dict(file)
        self.train, self.validation, self.test = (
            self._rows(part) for part in ("train", "validation", "test")
        )
        self.graph = Graph(self.arrays) if "edges" in self.arrays else None
        self.epochs: int = self.facts["epochs"]

    def _rows(self, part: str) -> Rows:
        x, codes, y = (torch.from_numpy(self.arrays[f"{part}_{name}"]) for name in ("x", "codes", "y"))
        return Rows(x, codes, y)

    @property
    def seconds_left(self) -> float:
        """Of the budget, which began when the process was started."""
        return float(self.request["began"] + self.request["seconds"] - time.time())

    def score(self, outputs: Tensor, y: Tensor) -> float:
        """Of the search, more is better: -log_loss, or R²."""
        if self.facts["metric"] == "log_loss":
            found = -float(F.cross_entropy(outputs.double(), y))
        else:
            found = float(1 - ((outputs[:, 0] - y) ** 2).mean() / y.var(unbiased=False))
        return found if math.isfinite(found) else WORST

    def figures(self, outputs: Tensor, y: Tensor) -> dict[str, float]:
        """What is reported of the test rows, in the terms of cotune's metrics."""
        if self.facts["metric"] == "log_loss":
            return {
                "log_loss": float(F.cross_entropy(outputs.double(), y)),
                "accuracy": float((outputs.argmax(1) == y).double().mean()),
            }
        return {"r2": self.score(outputs, y)}


class Training:
    """One network in training.

    Args:
        task: the task.
        config: its configuration.
        seed: of weights, order and dropout.
    """

    def __init__(self, task: Task, config: dict[str, Any], *, seed: int) -> None:
        torch.manual_seed(seed)
        self.task, self.config, self.epoch, self.waited = task, config, 0, 0
        self.best, self.state = WORST, None
        fixed = task.facts["fixed"]
        self.network = network_of(task.facts, task.arrays, config, task.graph)
        self.whole = task.facts["batch"] == 0
        rows = len(task.train.y)
        self.batch = rows if self.whole else min(task.facts["batch"], rows)
        self.steps = rows // self.batch
        matrices = [p for p in self.network.parameters() if p.ndim >= 2]
        others = [p for p in self.network.parameters() if p.ndim < 2]
        kind = torch.optim.AdamW if fixed["optimizer"] == "adamw" else torch.optim.Adam
        decay = config.get("weight_decay", 0.0) if fixed["optimizer"] == "adamw" else config.get("l2", 0.0)
        self.optimizer = kind(
            [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}],
            lr=config["lr"], fused=True,
        )  # fmt: skip
        self.loss = nn.CrossEntropyLoss() if task.facts["classes"] else nn.MSELoss()
        self.rates = rates(config["lr"], task.epochs * self.steps, fixed)
        self.patience = fixed["patience"]

    def advance(self) -> float:
        """Train an epoch; the score on the validation rows. Keeps the weights of the best epoch."""
        task, train = self.task, self.task.train
        self.network.train()
        if self.whole:
            x, codes, y = train.x, train.codes, train.y
        else:
            order = torch.randperm(len(train.y))[: self.steps * self.batch]
            x, codes, y = train.x[order], train.codes[order], train.y[order]
        first = self.epoch * self.steps
        parts = zip(*(each.split(self.batch) for each in (x, codes, y)), strict=True)
        groups = self.optimizer.param_groups
        for step, (xb, cb, yb) in enumerate(parts, first):
            if task.seconds_left <= 0:
                raise OutOfTime
            groups[0]["lr"] = groups[1]["lr"] = self.rates[step]
            self.optimizer.zero_grad(set_to_none=True)
            outputs = self.network(xb, cb)
            self.loss(outputs if task.facts["classes"] else outputs[:, 0], yb).backward()
            self.optimizer.step()
        self.epoch += 1
        score = task.score(self.outputs(task.validation), task.validation.y)
        self.waited += 1
        if score > self.best:
            self.best, self.waited = score, 0
        return score

    @property
    def bored(self) -> bool:
        """Whether there was no gain for so many epochs as the recipe of the other side waits."""
        return 0 < self.patience <= self.waited

    @torch.no_grad()
    def outputs(self, rows: Rows) -> Tensor:
        """Of a part of the data [row output]."""
        self.network.eval()
        if self.whole:
            return self.network(rows.x, rows.codes)
        parts = zip(rows.x.split(1024), rows.codes.split(1024), strict=True)
        return torch.cat([self.network(x, codes) for x, codes in parts])


def rates(lr: float, total: int, fixed: dict[str, Any]) -> list[float]:
    """The learning rate of every step: a linear warmup, then constant or a cosine down to `final_lr` of it."""
    warmup = round(fixed["warmup"] * total)
    rest, final = max(1, total - warmup), fixed.get("final_lr", 1.0)
    found = [lr * (step + 1) / warmup for step in range(warmup)]
    if fixed["schedule"] == "constant":
        return [*found, *[lr] * (total - warmup)]
    return [
        *found,
        *(lr * (final + (1 - final) * (1 + math.cos(math.pi * t / rest)) / 2) for t in range(total - warmup)),
    ]


@dataclass
class Journal:
    """What a worker has found, line by line on disk: (seconds since the start, score) whenever it has a better one.

    The best network is kept beside it.
    """

    task: Task
    best: float = WORST
    trials: int = 0
    epochs: int = 0
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = Path(self.task.request["out"])
        self.path = self.folder / f"trace-{os.getpid()}.jsonl"

    def line(self, **facts: Any) -> None:
        """Write down."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"t": time.time() - self.task.request["began"], **facts}) + "\n")

    def saw(self, training: Training, score: float) -> None:
        """After an epoch."""
        self.epochs += 1
        if score > self.best:
            self.best = score
            kept = {"config": training.config, "score": score, "weights": training.network.state_dict()}
            partial = self.folder / f"best-{os.getpid()}.partial"
            torch.save(kept, partial)
            partial.replace(self.folder / f"best-{os.getpid()}.pt")
            self.line(score=score)

    def ended(self, *, more: int = 1) -> None:
        """After a trial, or so many."""
        self.trials += more
        self.line(trials=self.trials, epochs=self.epochs)


def collected(task: Task) -> dict[str, Any]:
    """The trace of all workers together, counts, and the figures of the best network on the test rows."""
    folder = Path(task.request["out"])
    lines = [
        json.loads(line) for path in folder.glob("trace-*.jsonl") for line in path.read_text().splitlines()
    ]
    trace: list[tuple[float, float]] = []
    for found in sorted((line for line in lines if "score" in line), key=lambda line: line["t"]):
        if found["t"] <= task.request["seconds"] and (not trace or found["score"] > trace[-1][1]):
            trace.append((round(found["t"], 3), found["score"]))
    kept = [torch.load(path, weights_only=True) for path in folder.glob("best-*.pt")]
    best = max(kept, key=lambda one: one["score"], default=None)
    test: dict[str, float] = {}
    if best is not None:
        training = Training(task, best["config"], seed=0)
        training.network.load_state_dict(best["weights"])
        test = task.figures(training.outputs(task.test), task.test.y)
    counts = {
        name: sum(
            max(
                (line[name] for line in map(json.loads, path.read_text().splitlines()) if name in line),
                default=0,
            )
            for path in folder.glob("trace-*.jsonl")
        )
        for name in ("trials", "epochs")
    }
    config = None if best is None else best["config"]
    return {"trace": trace, "test": test, "config": config, **counts}


def begin(request: dict[str, Any]) -> Task:
    """One thread, as many cores as the request says, and the task."""
    torch.set_num_threads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: request["cores"]])
    return Task(request)
