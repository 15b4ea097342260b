"""The end of a study that generates: the generator, and what it makes against the test rows.

| symbol | meaning                                     | shape             |
|--------|---------------------------------------------|-------------------|
| f, y   | features of generated rows, and of test rows | row dimension     |
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from cotune.data.prepare.inverse import Renderer
from cotune.data.prepare.pixels import PixelPipeline
from cotune.engine.first_weights import first_rows
from cotune.engine.goals.image_judge import ImageJudge
from cotune.engine.goals.judging import SAMPLED, sampled, standing
from cotune.engine.lanes import Lane
from cotune.engine.loop import LaneWeights
from cotune.engine.metrics import METRICS
from cotune.engine.parallel import one_thread_a_kernel
from cotune.nets.gan.pair import GAN
from cotune.nets.layout import Layout
from cotune.product.generator import Generator
from cotune.study.generation.collapse import findings, modes_of, spread
from cotune.study.generation.judges import TableJudge
from cotune.study.generation.likeness import likeness
from cotune.study.generation.pictures import grid
from cotune.study.leaders import Leader
from cotune.study.prepared import Prepared
from cotune.types import Task

SHOWN = 100
"""Images of the report's grid."""

ROWS_SHOWN = 8
"""Rows of a table that the report shows."""


def generator_of(prepared: Prepared, leader: Leader) -> Generator:
    """The generator of a trial: of its folds and seeds the one with the best score."""
    best = METRICS[prepared.recipe.search.metric]
    item = (max if best.maximize else min)(leader.lanes, key=lambda each: each.score)
    return _cut(prepared, leader, item)


def _cut(prepared: Prepared, leader: Leader, item: LaneWeights) -> Generator:
    lane, gan = item.lane, _gan(item.lane)
    weights = Layout.of(gan.weights()).views(item.weights.unsqueeze(0))
    with one_thread_a_kernel(), torch.no_grad():
        moments = {name: (m[0].clone(), v[0].clone()) for name, (m, v) in standing(gan, weights).items()}
    tensors = {name: w[0].clone() for name, w in weights.items() if name.startswith("generator")}
    judge = lane.variant.judge
    if isinstance(judge, TableJudge):
        return Generator(gan, tensors, moments, judge.renderer)
    pipeline = prepared.factory.pipeline(lane.id, leader.result.params)
    assert isinstance(pipeline, PixelPipeline)
    return Generator(gan, tensors, moments, pipeline)


def _gan(lane: Lane) -> GAN:
    network = lane.structure.network
    assert isinstance(network, GAN)
    return network


def finish_generation(prepared: Prepared, leader: Leader, generator: Generator) -> dict[str, Any]:
    """What the study's result says; the only place where the test rows are looked at."""
    item = leader.lanes[0]
    judge, variant, data = item.lane.variant.judge, item.lane.variant, prepared.dataset
    test = prepared.splits.test
    some = torch.from_numpy(
        test[np.linspace(0, len(test) - 1, min(SAMPLED, len(test))).round().astype(np.int64)]
    )
    made = generator.features(SAMPLED, seed=0)
    with one_thread_a_kernel():
        f, y = judge.features(made), judge.real(variant, some)
        raw = judge.features(untrained(item.lane))
        modes = modes_of(
            judge, made, variant, some, f, y, names=data.classes, seed=prepared.recipe.search.seed
        )
        found = {
            "test": _figures(f, y),
            "untrained": _figures(raw, y),
            "modes": modes,
            "spread": spread(f, y),
        }
    generation = {**found, "findings": findings(modes, found["spread"]), **_shown(generator, judge)}
    if isinstance(judge, TableJudge):
        assert isinstance(generator.preparation, Renderer)
        rows = np.asarray(some)
        generation["likeness"] = likeness(
            data.table[rows], generator.preparation.typed(made.numpy()), y.numpy(), f.numpy()
        )
    number = leader.result.number
    return {
        "trial": number,
        "score": leader.result.score,
        "test": found["test"],
        "lanes": 1,
        "parameters": generator.size,
        "after": {
            "ensemble": "none",
            "members": [{"trial": number, "epoch": None, "weight": 1.0}],
            "notes": [],
        },
        "generation": generation,
    }


def untrained(lane: Lane) -> Tensor:
    """What the lane's generator made before it had learned anything."""
    gan = _gan(lane)
    layouts = (Layout.of(gan.weights()), Layout.of(gan.statistics()))
    weights = layouts[0].views(first_rows(lane, layouts)[0].unsqueeze(0))
    return sampled(gan, weights, standing(gan, weights), SAMPLED, seed=0)


def _figures(f: Tensor, y: Tensor) -> dict[str, float | None]:
    found = {}
    for name, metric in METRICS.items():
        if metric.fits(Task.GENERATION):
            value = (
                float(metric.compute(f.unsqueeze(0), y)[0]) if bool(torch.isfinite(f).all()) else float("nan")
            )
            found[name] = value if np.isfinite(value) else None
    return found


def _shown(generator: Generator, judge: ImageJudge | TableJudge) -> dict[str, Any]:
    """A picture of samples, or some rows of the table."""
    if isinstance(judge, ImageJudge):
        pixels = generator.features(SHOWN, seed=0).numpy().reshape(-1, *generator.shape.shape)
        return {"picture": grid(pixels)}
    rows = generator.sample(ROWS_SHOWN, seed=0)
    assert not isinstance(rows, np.ndarray)
    cells = [[None if cell is None else str(cell) for cell in row] for row in rows.rows()]
    return {"rows": {"columns": rows.columns, "cells": cells}}
