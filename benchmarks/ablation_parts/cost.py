"""What an ablation costs: a winner of twelve techniques, each taken out once, with five seeds; 65 networks."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any

import torch
from common import say

import cotune
from ablation_parts.plain import Config, Rows, train
from cotune.api import TunedStudy
from cotune.catalogue import TECHNIQUES
from cotune.demo import digits
from cotune.engine.parallel import cores
from cotune.records import Store
from cotune.records.ablation import Ablation
from cotune.study import Directory
from cotune.study.ablation.ablate import ablate
from cotune.study.session import Sitting, prepare_again
from cotune.types import LaneId

SEEDS = 5
NAMES = (
    "preparation/standard", "activation/gelu", "normalisation/layer", "initialisation/he", "loss/label_smoothing",
    "regularisation/dropout", "regularisation/weight_decay", "optimizer/adamw", "optimizer/clip_norm",
    "schedule/cosine", "schedule/warmup", "preparation/noise_injection",
)  # fmt: skip
"""The twelve, all known to the plain loop."""

WINNER: dict[str, Any] = {
    "width": 64, "depth": 2, "residual": False, "batch_size": 32, "lr": 0.002, "weight_decay": 0.01, "dropout": 0.2,
    "activation": "gelu", "norm": "layer", "init": "he", "label_smoothing": 0.05, "optimizer": "adamw",
    "clip_norm": 1.0, "schedule": "cosine", "warmup": 0.05, "scaling": "standard", "input_noise": 0.1,
    "metric": "accuracy", "trials": 1, "patience": 0,
}  # fmt: skip

ALIKE = 0.02
"""The two sides' winners must be so near in accuracy: else one of them does not do the work."""


def cost(*, rounds: int, epochs: int) -> dict[str, Any]:
    """Both sides in turn, each in full: ours from the command to the report, theirs the loop alone."""
    with tempfile.TemporaryDirectory(prefix="cotune-bench-") as scratch:
        study = cotune.tune(digits(), target="digit", out=Path(scratch) / "study", epochs=epochs, **WINNER)
        found = ours(study)  # what is compiled or loaded once is no part of an ablation
        configs = [dict(found.config), *(changed(found.config, w.changes) for w in found.worths)]
        rows = [rows_of(study, config) for config in configs]
        threads = best_threads(configs, rows, epochs)
        times: dict[str, list[float]] = {"cotune": [], "one at a time": []}
        scores: list[float] = []
        for number in range(rounds):
            began = time.perf_counter()
            found = ours(study)
            middle = time.perf_counter()
            torch.set_num_threads(threads)
            scores = [train(c, r, epochs=epochs, seed=seed) for seed in range(SEEDS)
                      for c, r in zip(configs, rows, strict=True)]  # fmt: skip
            times["cotune"].append(middle - began)
            times["one at a time"].append(time.perf_counter() - middle)
            say(
                f"round {number + 1} of {rounds}: {times['cotune'][-1]:.2f} s, {times['one at a time'][-1]:.2f} s"
            )
    pairs = list(zip(times["cotune"], times["one at a time"], strict=True))
    winners = (fmean(s for s in found.scores if s is not None), fmean(scores[:: len(configs)]))
    return {
        "case": "cost",
        "techniques": len(found.worths),
        "networks": found.networks,
        "epochs": epochs,
        "threads_of_the_loop": threads,
        "seconds": {name: [round(s, 3) for s in some] for name, some in times.items()},
        "ratio": round(median(a / b for a, b in pairs), 4),
        "accuracy_of_the_winner": [round(score, 4) for score in winners],
        "alike": abs(winners[0] - winners[1]) <= ALIKE,
    }


def ours(study: TunedStudy) -> Ablation:
    """The whole ablation: data read, networks trained, figures, files and report written."""
    sitting = Sitting(lambda _: None, lambda _: None, lambda: False)
    rows = tuple(TECHNIQUES[name] for name in NAMES)
    found = ablate(Directory(study.path), sitting, techniques=rows, seeds=SEEDS, add=False)
    if len(found.worths) != len(NAMES) or found.done != SEEDS:
        raise RuntimeError(f"{len(found.worths)} of {len(NAMES)} techniques were taken out: {found.skipped}")
    return found


def changed(winner: Config, changes: Config) -> dict[str, Any]:
    """The winner's configuration with some keys changed; `None` stands for one that is gone."""
    return {key: value for key, value in {**winner, **changes}.items() if value is not None}


def rows_of(study: TunedStudy, config: Config) -> Rows:
    """The rows as a configuration prepares them, ready before any clock runs."""
    directory = Directory(study.path)
    with Store.open(directory.store) as store:
        prepared = prepare_again(store.meta(), directory, None)
    lane = prepared.factory.lane(LaneId(0, 0), config)
    x, y = lane.variant.numeric.float(), lane.variant.target.long()
    parts = [(x[part].contiguous(), y[part].contiguous()) for part in (lane.train, lane.validation)]
    return Rows(parts[0], parts[1], len(prepared.dataset.classes))


def best_threads(configs: Sequence[Config], rows: Sequence[Rows], epochs: int) -> int:
    """One thread, or all cores: what the loop is faster with."""
    found = {}
    for threads in dict.fromkeys((1, cores())):
        torch.set_num_threads(threads)
        train(configs[0], rows[0], epochs=1, seed=0)
        began = time.perf_counter()
        train(configs[0], rows[0], epochs=epochs, seed=0)
        found[threads] = time.perf_counter() - began
    return min(found, key=lambda threads: found[threads])
