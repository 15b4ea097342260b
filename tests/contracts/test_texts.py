"""Networks of words hold the engine's contracts: no company changes a lane's bits, and snapshots are exact."""

from pathlib import Path

import pytest

from contracts.test_snapshot import assert_equal
from cotune.engine import snapshot
from cotune.engine.lanes import Lane
from cotune.engine.loop import Engine
from cotune.nets.text.cnn import TextCNN
from engine import lanes as made_of
from engine import places
from engine.lanes import Figures, alone, assert_same_bits, engine, lane, population, row
from engine.texts import NETWORKS, texts

# There are no compiled loops for any of them.
PLACES = [each for each in places.EVERYWHERE if each != "compiled"]

every_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())


def drawn(network: TextCNN, number: int, batch_size: int = 32) -> Lane:
    """Lane `number`: what may differ inside a population differs."""
    return lane(
        number,
        network=network,
        variant=texts(rows=76, classes=network.outputs),
        batch_size=batch_size,
        activation=("relu", "gelu", "tanh")[number % 3],
        optimizer=("adamw", "sgd")[number % 2],
        lr=0.003 * (number + 1),
        dropout=(0.0, 0.3)[number % 2],
        weight_decay=0.1 * (number % 3),
        word_dropout=(0.0, 0.2, 0.0)[number % 3],
        init=("glorot", "he")[number % 2],
    )


@every_network
@pytest.mark.parametrize("batch_size", [7, 32])
def test_companions_arrivals_and_departures_have_no_effect(network: TextCNN, batch_size: int) -> None:
    """19 validation rows, some lanes with another activation: who stands beside a lane must not matter."""
    some = [drawn(network, n, batch_size) for n in range(5)]
    traces = {one.id: alone(one, epochs=3) for one in some}
    made = population(some[:3], chunk=4)
    for epoch in range(3):
        for record in made.train_epoch().records:
            trace = traces[record.lane]
            assert Figures.of(record) == trace.figures[record.epoch - 1]
            assert_same_bits(row(made, record.lane), trace.rows[record.epoch - 1], record.lane)
        if epoch == 0:
            made.leave([some[0].id])
            made.join(some[3:])


def test_a_snapshot_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    if not made_of.COMPUTE.on_host:
        pytest.skip("how many lanes step together is measured there, for every network; see test_snapshot.py")
    lanes = [drawn(network, n) for n, network in enumerate(NETWORKS.values())]
    by_id = {one.id: one for one in lanes}
    made = engine(lanes, metric="log_loss")
    made.train_epoch()
    snapshot.write(snapshot.take(made, [], boundary=1), tmp_path / "a")
    copy = Engine(metric="log_loss", compute=made_of.COMPUTE)
    snapshot.restore(snapshot.read(tmp_path / "a"), copy, by_id.__getitem__)
    assert_equal(made, copy)
    ours, theirs = made.train_epoch(), copy.train_epoch()
    assert [Figures.of(r) for r in ours.records] == [Figures.of(r) for r in theirs.records]
    assert_equal(made, copy)


@every_network
def test_a_lane_that_diverges_ends_alone(network: TextCNN) -> None:
    """A learning rate without bounds: the maximum over time must not hide what is no number."""
    tame = drawn(network, 1)
    wild = lane(7, network=network, variant=tame.variant, lr=1e30, optimizer="sgd")
    made = population([wild, tame])
    found = {each.lane for _ in range(4) for each in made.train_epoch().divergences}
    assert found == {wild.id}
    assert_same_bits(row(made, tame.id), alone(tame, epochs=4).rows[-1], tame.id)
