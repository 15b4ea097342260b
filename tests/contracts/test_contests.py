"""Contracts of lanes that contend: each depends on nothing but itself, and goes on from a snapshot to the bit."""

from pathlib import Path

import pytest
import torch

from cotune.engine import snapshot
from cotune.engine.lanes import Lane
from cotune.engine.loop import Engine
from cotune.types import LaneId
from engine import places
from engine.contests import contender
from engine.lanes import alone, assert_same_bits, engine, population, row

PLACES = ["batched", "as-gpu"]

SHAPES = {
    "images": {},
    "images, spectral norm, hinge, nearest pixels": {
        "discriminator_norm": "spectral", "loss": "hinge", "upsampling": "nearest", "generator_norm": "layer",
    },
    "images, wasserstein, two rounds, layer norm": {
        "loss": "wasserstein", "rounds": 2, "discriminator_norm": "layer", "deep_supervision": 0.3,
    },
    "tables, batch 33": {"table": True, "batch_size": 33, "loss": "least_squares", "balance": "slowed", "steps": 3},
    "tables, wasserstein, spectral norm": {
        "table": True, "loss": "wasserstein", "rounds": 3, "discriminator_norm": "spectral", "ema_decay": 0.9,
    },
    "tables, waiting, heads": {"table": True, "balance": "waiting", "deep_supervision": 0.5, "instance_noise": 0.1},
}  # fmt: skip
EPOCHS = 2


def drawn(shape: str, number: int) -> Lane:
    """Lane `number` of a shape: what may differ inside a population differs."""
    numbers = {"lr": 1e-3 * (1 + number), "generator_lr": 0.5 + 0.3 * number, "real_label": 1 - 0.02 * number}
    optimizer = ("adam", "sgd", "rmsprop")[number % 3]
    return contender(number, optimizer=optimizer, **{**SHAPES[shape], **numbers})


@pytest.mark.parametrize("shape", SHAPES)
def test_a_lane_does_not_depend_on_companions(shape: str, place: str) -> None:
    with places.at(place):
        lanes = [drawn(shape, number) for number in range(4)]
        together = population(lanes[:3], metric="frechet")
        figures = {one.id: [] for one in lanes}
        for epoch in range(EPOCHS):
            if epoch:
                together.leave([lanes[0].id])
                together.join(lanes[3:])
            for record in together.train_epoch().records:
                figures[record.lane].append((record.train_loss, dict(record.metrics)))
        for one, epochs in ((lanes[1], 2), (lanes[2], 2), (lanes[3], 1)):
            trace = alone(one, epochs=epochs, metric="frechet")
            assert [(f.train_loss, f.metrics) for f in trace.figures] == figures[one.id]
            assert_same_bits(trace.rows[-1], row(together, one.id), one.id)


@pytest.mark.parametrize("shape", ["images, wasserstein, two rounds, layer norm", "tables, waiting, heads"])
def test_a_snapshot_goes_on_to_the_bit(shape: str, tmp_path: Path) -> None:
    lanes = [drawn(shape, number) for number in range(2)]
    straight = engine(lanes, metric="frechet", way="batched")
    for _ in range(3):
        straight.train_epoch()
    broken = engine(lanes, metric="frechet", way="batched")
    broken.train_epoch()
    snapshot.write(snapshot.take(broken, [], boundary=1), tmp_path / "00000001.safetensors")
    restored = Engine(metric="frechet", ways=["batched"])
    saved = snapshot.newest(tmp_path, last=1)
    assert saved is not None
    snapshot.restore(saved, restored, lambda name: next(one for one in lanes if one.id == name))
    for _ in range(2):
        restored.train_epoch()
    for one in lanes:
        assert_same_bits(row(straight.populations[0], one.id), row(restored.populations[0], one.id), one.id)


@pytest.mark.parametrize("rounds", [2, 3])
def test_a_side_that_waits_keeps_its_weights_and_memory(rounds: int) -> None:
    made = population([contender(rounds=rounds, steps=1, epochs=9)], metric="frechet")
    generator = made.layouts[0].offsets["generator0.weight"]
    discriminator = made.layouts[0].offsets["discriminator0.weight"]
    moved = []
    for _ in range(2 * rounds):
        before = made.state.weights.clone(), made.state.memory.clone()
        made.train_epoch()
        after = made.state.weights, made.state.memory
        moved.append(bool((before[0][0, generator] != after[0][0, generator]).item()))
        memory_moved = bool((before[1][0, :, generator] != after[1][0, :, generator]).any())
        assert memory_moved == moved[-1]
        assert before[0][0, discriminator] != after[0][0, discriminator]
    assert moved == ([False] * (rounds - 1) + [True]) * 2


def test_a_contest_whose_loss_is_not_finite_ends_its_own_lane() -> None:
    sound, wild = contender(0, table=True), contender(1, table=True, lr=1e30)
    made = population([sound, wild], metric="frechet")
    outcomes = [made.train_epoch() for _ in range(2)]
    assert {d.lane for outcome in outcomes for d in outcome.divergences} == {LaneId(1, 0)}
    assert_same_bits(row(made, sound.id), alone(sound, epochs=2, metric="frechet").rows[-1])
    assert torch.isfinite(row(made, sound.id)["weights"]).all()
