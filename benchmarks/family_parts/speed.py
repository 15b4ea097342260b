"""The time of a plain PyTorch loop that trains networks one after the other, divided by ours.

Both sides train the same configurations on the same rows for one epoch and judge each network once on the validation
rows. The plain loop is what anybody would write: an `nn.Module`, fused AdamW, rows in memory, its best number of
threads. Ours has all lanes at once, on all cores, as a study would. Dropout is off on both sides, since the plain twin
draws our masks, which costs it more than `nn.Dropout` would.
"""

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import Bar, say

from cotune.api import build_recipe
from cotune.data import load, split
from cotune.engine.lanes import Lane
from cotune.engine.loop import Engine
from cotune.engine.plain.networks import plain_network
from cotune.space import from_recipe
from cotune.study.lanes import LaneFactory
from cotune.study.rules.mending import settled
from cotune.study.rules.rule import Given
from cotune.study.settling.resolve import resolve
from cotune.types import LaneId
from family_parts import graphs
from family_parts.folder import DATA

LANES = 16
PLAIN = 2
"""Lanes that the plain loop trains in a round; their time a lane is what counts."""

OURS: dict[str, Any] = {
    "dropout": 0.0,
    "optimizer": "adamw",
    "schedule": "constant",
    "lr": 1e-3,
    "activation": "relu",
}


@dataclass(frozen=True)
class Case:
    """A family at work: what it reads, the keys of its recipe, and how many times as fast we must be."""

    source: Callable[[], Any]
    keys: dict[str, Any]
    bar: float = 1.0


def _path(name: str) -> Callable[[], Any]:
    return lambda: DATA / name


def _series(times: int) -> Callable[[], Any]:
    """Made-up series of one channel, whose mean is the class."""

    def made() -> Any:
        g = np.random.default_rng(0)
        y = g.integers(0, 4, 1000)
        return (g.normal(size=(1000, times, 1)) + y[:, None, None]).astype(np.float32), y.astype(str)

    return made


def _images(rows: int) -> Callable[[], Any]:
    def made() -> Any:
        with np.load(DATA / "cifar10_subset.npz") as file:
            return file["x_train"][:rows], file["y_train"][:rows].astype(str)

    return made


SERIES: dict[str, Any] = {"kind": "series", "width": 32, "batch_size": 32}
RECURRENT: dict[str, Any] = {**SERIES, "activation": "tanh"}
GRAPHS = {"speed-gcn": 5.0, "speed-gat": 1.0, "speed-sage": 1.0, "speed-gin": 1.0}
"""Bars of networks over graphs, whose plain loop is in `family_parts.graphs`: sparse or dense, whichever is faster."""
CASES: dict[str, Case] = {
    "speed-mlp": Case(_path("letter.csv"), {"target": "class", "family": "mlp", "width": 64, "depth": 2}),
    "speed-gru": Case(_series(24), {**RECURRENT, "family": "gru"}, bar=3.0),
    "speed-rnn": Case(_series(24), {**RECURRENT, "family": "rnn"}),
    "speed-lstm": Case(_series(24), {**RECURRENT, "family": "lstm"}),
    "speed-tcn": Case(_series(24), {**SERIES, "family": "tcn"}),
    "speed-transformer": Case(_series(24), {**SERIES, "family": "transformer"}),
    "speed-textcnn": Case(_path("text/TREC.train.all"), {"family": "textcnn"}),
    "speed-bag": Case(_path("text/TREC.train.all"), {"family": "bag"}),
    "speed-cnn": Case(_images(2000), {"family": "cnn", "filters": 8, "convolutions": 2, "kernel": 3}),
    "speed-resnet": Case(_images(1000), {"family": "resnet"}),
}
"""By name; the bar is 1 where nothing else is asked: the plan never loses."""

NAMES = (*GRAPHS, *CASES)
QUICK = ("speed-gcn", "speed-gru", "speed-textcnn")


def lanes_of(case: Case) -> tuple[list[Lane], str]:
    """Lanes of one structure, as a study would make them, and the metric that judges them."""
    source, keys = case.source(), dict(case.keys)
    target, kind = keys.pop("target", None), keys.pop("kind", None)
    options = {} if kind is None else {"kind": kind}
    ours = {name: value for name, value in OURS.items() if keys["family"] != "bag" or name != "activation"}
    recipe = build_recipe({"data": {"target": target, **options}}, **{**ours, **keys})
    said = {name: getattr(recipe.data, name) for name in type(recipe.data).model_fields}
    known = ("source", "target", "task", "columns", "memory", "image_size")
    dataset = load(
        str(source) if isinstance(source, Path) else source,
        target=target,
        options={name: value for name, value in said.items() if name not in known},
    )
    splits = split(dataset, recipe.split, seed=0)
    resolved = resolve(recipe, dataset, splits)
    resolved, _ = settled(resolved, Given.of(resolved, dataset, splits))
    space = from_recipe(resolved)
    factory = LaneFactory(resolved, space, dataset, splits)
    middle = space.from_unit([0.5] * len(space.parameters))
    lanes = [replace(factory.lane(LaneId(trial, 0), middle), epochs=10_000) for trial in range(LANES)]
    return lanes, resolved.search.metric


def plain_seconds(lane: Lane, threads: int) -> float:
    """An epoch of one network, the plain way, and one look at the validation rows."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        network, variant = plain_network(lane).train(), lane.variant
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
        loss_of = torch.nn.MSELoss() if variant.target.is_floating_point() else torch.nn.CrossEntropyLoss()
        batch, began = lane.structure.batch_size, time.perf_counter()
        order = lane.train[torch.randperm(len(lane.train))]
        for step in range(lane.structure.steps):
            rows = order[step * batch : (step + 1) * batch]
            optimizer.zero_grad()
            logits = network(variant.numeric[rows], variant.codes[rows])
            loss = loss_of(logits, variant.target[rows])
            loss.backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            for rows in lane.validation.split(4096):
                network(variant.numeric[rows], variant.codes[rows])
        return time.perf_counter() - began
    finally:
        torch.set_num_threads(before)


def measured(name: str, *, rounds: int) -> tuple[dict[str, Any], Bar]:
    """A case's row, and its bar: sides take turns, medians of the rounds."""
    if name in GRAPHS:
        family = name.removeprefix("speed-")
        ratio = graphs.speed(family)
        return {"case": name, "ratio": ratio}, Bar(
            f"{family}: time of a plain loop / ours", ratio, GRAPHS[name]
        )
    case = CASES[name]
    lanes, metric = lanes_of(case)
    engine = Engine(metric=metric)
    engine.join(lanes)
    engine.train_epoch()
    counts = sorted({1, torch.get_num_threads()})
    threads = min(counts, key=lambda n: min(plain_seconds(lanes[0], n) for _ in range(2)))
    ours, plain = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        engine.train_epoch()
        ours.append((time.perf_counter() - began) / len(lanes))
        plain.append(sum(plain_seconds(lane, threads) for lane in lanes[:PLAIN]) / PLAIN)
    ratio = statistics.median(theirs / own for own, theirs in zip(ours, plain, strict=True))
    theirs, own = (statistics.median(each) * 1e3 for each in (plain, ours))
    say(f"{name}: plain {theirs:.1f} ms, ours {own:.1f} ms a lane-epoch")
    plans = {kind: {"way": plan.way, "alone": plan.alone} for kind, plan in engine.plans.items()}
    row = {
        "case": name, "network": lanes[0].structure.network.kind, "lanes": len(lanes), "threads": threads,
        "ours": statistics.median(ours), "plain": statistics.median(plain), "ratio": ratio, "plans": plans,
    }  # fmt: skip
    assert math.isfinite(ratio)
    return row, Bar(f"{name.removeprefix('speed-')}: time of a plain loop / ours", ratio, case.bar)
