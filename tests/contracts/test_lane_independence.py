"""Contract 1: a lane depends on nothing but itself. Bit for bit: companions, arrivals, departures, chunks, cores."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cotune.engine.devices import Compute
from cotune.engine.lanes import Lane, padded_width
from cotune.engine.loss import LOSSES
from cotune.engine.optim import OPTIMIZERS
from cotune.engine.outcome import Way
from cotune.engine.schedules import SCHEDULES
from cotune.nets.activations import ACTIVATIONS
from cotune.nets.image.resnet import ResNet
from cotune.nets.initialisers import INITIALISERS
from cotune.recipe.names import NORMS
from engine import lanes as made_of
from engine import places
from engine.lanes import (
    BOTH_WAYS,
    SIDE_BY_SIDE,
    Figures,
    Trace,
    alone,
    assert_same_bits,
    engine,
    lane,
    population,
    row,
    side_by_side,
    suited,
    table,
)

REGRESSION = table(classes=0, rows=76, counts=True)
ONE_FEATURE = table(rows=76, features=1, classes=0, counts=True)
CLASSES = table(rows=76, weighted=True)
EMBEDDED = table(rows=76, cardinalities=(4, 3), classes=2)
SHAPES = {
    "classes, batch 7, batch norm": {"variant": CLASSES, "batch_size": 7, "norm": "batch"},
    "classes, batch 32, layer norm": {
        "variant": CLASSES,
        "batch_size": 32,
        "norm": "layer",
        "residual": True,
    },
    "regression, batch 33": {"variant": REGRESSION, "batch_size": 33},
    "embedded, batch 50, batch norm": {"variant": EMBEDDED, "batch_size": 50, "norm": "batch"},
    "one feature, batch 48": {"variant": table(rows=76, features=1), "batch_size": 48, "norm": "layer"},
    "one feature, no layer": {
        "variant": table(rows=76, features=1, classes=0, counts=True),
        "batch_size": 16,
        "depth": 0,
    },
    "seven features, batch 1": {"variant": table(rows=12, features=7), "batch_size": 1},
    "residual network, batch 11": {
        "variant": table(rows=76, features=60, weighted=True),
        "batch_size": 11,
        "network": ResNet(
            5, 4, 3, 8, 2, 1, 3, 3, block="separable", excitation=True, experts=3, supervision=0.3
        ),
    },
    "odd everything": {"variant": table(rows=76, features=13, classes=5), "batch_size": 11, "norm": "layer"},
}
HEAVY_SHAPES = {"heavy": {"variant": table(rows=700, features=10), "batch_size": 256, "norm": "batch"}}
"""Lanes so heavy that several cores take them, and kernels so large that they would be split."""
EPOCHS = 3
PLACES = places.EVERYWHERE


def drawn(shape: str, number: int) -> Lane:
    """Lane `number` of a shape: everything that may differ inside a population differs, drawn by its number."""
    pick = random.Random(f"{shape} {number}")
    options = (SHAPES | HEAVY_SHAPES)[shape]
    losses = side_by_side(0 if options["variant"].target.is_floating_point() else 3)
    wide = 128 if shape in HEAVY_SHAPES else 8  # narrow, so that only padding aligns the lanes
    return lane(
        trial=number,
        width=pick.choice([wide // 5, wide // 2, wide]),
        padded=padded_width(wide, options["batch_size"]),
        activation=pick.choice(SIDE_BY_SIDE),
        optimizer=pick.choice(BOTH_WAYS),
        loss=pick.choice(losses),
        schedule=pick.choice(list(SCHEDULES)),
        init=pick.choice(list(INITIALISERS)),
        fold=pick.randrange(4),
        lr=pick.choice([1e-3, 1e-2]),
        dropout=pick.choice([0.0, 0.3]),
        weight_decay=pick.choice([0.0, 0.1]),
        l1=pick.choice([0.0, 1e-3]),
        clip_norm=pick.choice([0.0, 0.5]),
        label_smoothing=pick.choice([0.0, 0.1]),
        warmup=pick.choice([0.0, 0.2]),
        momentum=pick.choice([0.0, 0.9]),
        epochs=EPOCHS,
        **options,
    )


def solo(shape: str, number: int) -> Trace:
    """What the lane does when it trains alone, at the place where tests train now."""
    return _solo(shape, number, made_of.WAY, made_of.COMPUTE)


@cache
def _solo(shape: str, number: int, way: Way, compute: Compute) -> Trace:  # noqa: ARG001
    return alone(drawn(shape, number), epochs=EPOCHS, way=way)


def run(
    shape: str, numbers: list[int], joins: Callable[[int], int], leaves: Callable[[int], int], chunk: int
) -> int:
    """Train a population lanes join and leave, comparing each lane with itself alone at every epoch."""
    made, waiting, compared = population([drawn(shape, -1)], chunk=chunk), list(numbers), 0
    boundary = 0
    while waiting or boundary < EPOCHS:
        made.join([drawn(shape, n) for n in waiting if joins(n) <= boundary])
        waiting = [n for n in waiting if joins(n) > boundary]
        outcome = made.train_epoch()
        assert not outcome.divergences
        boundary += 1
        for record in outcome.records:
            alone_trace = solo(shape, record.lane.trial)
            assert Figures.of(record) == alone_trace.figures[record.epoch - 1], record.lane
            assert_same_bits(row(made, record.lane), alone_trace.rows[record.epoch - 1], record.lane)
            compared += 1
        over = [r.lane for r in outcome.records if r.epoch >= min(EPOCHS, leaves(r.lane.trial))]
        made.leave(over)
        if not made.lanes and waiting:
            made.join([drawn(shape, waiting.pop())])
        if not made.lanes:
            break
    return compared


@pytest.mark.parametrize("shape", SHAPES)
def test_companions_arrivals_and_departures_have_no_effect(shape: str) -> None:
    compared = run(shape, list(range(12)), joins=lambda n: n % 3, leaves=lambda n: 1 + n % EPOCHS, chunk=64)
    assert compared >= 12


@settings(max_examples=12, deadline=None)
@given(
    shape=st.sampled_from(list(SHAPES)),
    numbers=st.lists(st.integers(0, 9), min_size=1, max_size=9, unique=True),
    data=st.data(),
    chunk=st.integers(1, 6),
)
def test_any_timetable(shape: str, numbers: list[int], data: st.DataObject, chunk: int) -> None:
    joins = {n: data.draw(st.integers(0, 3), label=f"lane {n} joins at") for n in numbers}
    leaves = {n: data.draw(st.integers(1, EPOCHS), label=f"lane {n} leaves after") for n in numbers}
    run(shape, numbers, lambda n: joins[n], lambda n: leaves.get(n, EPOCHS), chunk)


@pytest.mark.parametrize("size", [2, 3, 64, 257])
def test_any_number_of_lanes(size: int) -> None:
    shape = "classes, batch 7, batch norm"
    made = population([drawn(shape, n % 8 if n < 8 else 1000 + n) for n in range(size)], chunk=64)
    for epoch in range(2):
        made.train_epoch()
        for number in range(min(8, size)):
            expected = solo(shape, number).rows[epoch]
            assert_same_bits(row(made, drawn(shape, number).id), expected, (size, number))


@pytest.mark.parametrize("kind", ["activation", "optimizer", "loss"])
def test_lanes_side_by_side_in_slices(kind: str) -> None:
    """Contract 4: every member of a registry beside every other, against itself alone."""
    optimizers = BOTH_WAYS if made_of.WAY == "compiled" else OPTIMIZERS
    names = {"activation": SIDE_BY_SIDE, "optimizer": optimizers, "loss": side_by_side(0)}[kind]
    variant = table(classes=0, counts=True)
    stand(*(lane(i, variant=variant, norm="layer", **{kind: name}) for i, name in enumerate(names)))


@pytest.mark.parametrize("batch_size", [32, 33])
def test_losses_of_classes_side_by_side(batch_size: int) -> None:
    stand(*(lane(i, loss=name, batch_size=batch_size) for i, name in enumerate(side_by_side(3))))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("batch_size", [32, 33])
def test_equal_losses_side_by_side(loss: str, batch_size: int) -> None:
    """A batch of 33, and 19 validation rows, end in the middle of a vector: which lane is last must not matter."""
    stand(*(lane(i, variant=suited(loss, rows=76), loss=loss, batch_size=batch_size) for i in range(3)))


def stand(*lanes: Lane) -> None:
    """Lanes trained side by side are, to the bit, as alone, and so are their figures."""
    made = population(lanes[::-1])
    traces = {one.id: alone(one, epochs=2) for one in lanes}
    for epoch in range(2):
        for record in made.train_epoch().records:
            assert Figures.of(record) == traces[record.lane].figures[epoch]
        for one in lanes:
            assert_same_bits(row(made, one.id), traces[one.id].rows[epoch], (one.activation, one.loss))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_equal_activations_side_by_side(activation: str) -> None:
    """19 validation rows of 8 units end in the middle of a vector: which lane is last must not matter."""
    lanes = [lane(i, variant=table(rows=76), activation=activation) for i in range(4)]
    made = population(lanes)
    outcome = made.train_epoch()
    for one, record in zip(lanes, outcome.records, strict=True):
        trace = alone(one, epochs=1)
        assert Figures.of(record) == trace.figures[0]
        assert_same_bits(row(made, one.id), trace.rows[0], activation)


@pytest.mark.parametrize("norm", NORMS)
def test_widths_padded_into_one_population(norm: str) -> None:
    """A lane of 8 padded to 16 has the same bits whether or not another lane fills the 16."""
    small = lane(0, width=8, padded=16, norm=norm)
    full = lane(1, width=16, padded=16, norm=norm)
    made = population([small, full])
    for _ in range(2):
        made.train_epoch()
    for one in (small, full):
        assert_same_bits(row(made, one.id), alone(one, epochs=2).rows[-1], one.width)


@pytest.mark.parametrize("shape", SHAPES)
def test_whole_matrices_are_a_lanes_own(shape: str) -> None:
    """Muon multiplies matrices with themselves: of one shape for all lanes, of a true width for each."""
    if made_of.WAY == "compiled":
        pytest.skip("muon has no compiled form")
    lanes = [replace(drawn(shape, number), optimizer="muon") for number in range(9)]
    made = population(lanes)
    for _ in range(2):
        made.train_epoch()
    for one in lanes:
        assert_same_bits(row(made, one.id), alone(one, epochs=2).rows[-1], one.id)


def test_variants_share_a_population() -> None:
    """Folds and preparations: lanes of different tables of one shape, of different numbers of rows."""
    tables = [table(seed=s, rows=rows) for s, rows in ((1, 120), (2, 124), (3, 121))]
    lanes = [lane(i, variant=t) for i, t in enumerate(tables)]
    structure = lanes[0].structure
    lanes = [one for one in lanes if one.structure == structure]
    assert len(lanes) == 3
    made = engine(lanes)
    for _ in range(2):
        made.train_epoch()
    for one in lanes:
        assert_same_bits(row(made.populations[0], one.id), alone(one, epochs=2).rows[-1], one.id)


PROGRAM = """
import json, sys, zlib
sys.path.insert(0, sys.argv[1])
from contracts.test_lane_independence import HEAVY_SHAPES, SHAPES, drawn, made_of, places, population, row
from cotune.engine.parallel import cores
found = {"cores": cores()}
for place in sys.argv[3:]:
    found[place] = {}
    made_of.WAY, made_of.COMPUTE = places.PLACES[place]
    for shape in [*SHAPES, *HEAVY_SHAPES]:
        made = population([drawn(shape, n) for n in range(int(sys.argv[2]))])
        for _ in range(2):
            outcome = made.train_epoch()
        sums = [zlib.crc32(t.numpy().tobytes()) for t in row(made, drawn(shape, 0).id).values()]
        figures = [[r.train_loss, r.metrics] for r in outcome.records if r.lane.trial == 0]
        found[place][shape] = [sums, figures]
print(json.dumps(found))
"""
PLACES_OF_CORES = ["compiled", "batched", "as-gpu"]


@cache
def _in_process(*, threads: int, lanes: int) -> dict[str, Any]:
    """By place, what comes of a lane of every shape; a process for all places, since starting one takes longest."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(Path(__file__).parents[1]), str(lanes), *PLACES_OF_CORES],
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_cores_have_no_effect(place: str) -> None:
    """One lane on one core against the same lane among nine on two (on a machine of one core this says less)."""
    if place not in PLACES_OF_CORES:
        pytest.skip("on a GPU a lane's bits depend on the count of lanes, and cores have no part in them")
    one, two = _in_process(threads=1, lanes=1), _in_process(threads=2, lanes=9)
    assert one["cores"] == 1
    assert one[place] == two[place]


def test_threads_outside_are_left_as_they_were() -> None:
    before = torch.get_num_threads()
    alone(lane(), epochs=1)
    assert torch.get_num_threads() == before
