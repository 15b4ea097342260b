"""Networks of sequences hold the engine's contracts: no company changes a lane's bits, and snapshots are exact."""

from pathlib import Path

import pytest

from contracts.test_snapshot import assert_equal, through_a_file
from cotune.engine.lanes import Lane
from cotune.nets.sequence.base import SequenceNetwork
from engine import places
from engine.lanes import Figures, alone, assert_same_bits, engine, lane, population, row
from engine.series import NETWORKS, data_of

# There are no compiled loops for any of them.
PLACES = [each for each in places.EVERYWHERE if each != "compiled"]
ROWS = 76

every_network = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())


def drawn(network: SequenceNetwork, number: int, batch_size: int = 32) -> Lane:
    """Lane `number`: what may differ inside a population differs."""
    return lane(
        number,
        network=network,
        variant=data_of(network, rows=ROWS),
        batch_size=batch_size,
        activation=("relu", "gelu", "tanh")[number % 3],
        optimizer=("adamw", "sgd")[number % 2],
        lr=0.003 * (number + 1),
        dropout=(0.0, 0.3)[number % 2],
        weight_decay=0.1 * (number % 3),
        init=("glorot", "he")[number % 2],
    )


@every_network
def test_companions_arrivals_and_departures_have_no_effect(network: SequenceNetwork) -> None:
    """19 validation rows, some lanes with another activation: who stands beside a lane must not matter."""
    some = [drawn(network, n) for n in range(5)]
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


@pytest.mark.parametrize("batch_size", [16, 48])
@pytest.mark.parametrize("name", ["lstm, all at once", "tcn, unequal lengths", "transformer, all at once"])
def test_other_batches(name: str, batch_size: int) -> None:
    some = [drawn(NETWORKS[name], n, batch_size) for n in range(3)]
    made = population(some)
    for _ in range(2):
        made.train_epoch()
    for one in some:
        assert_same_bits(row(made, one.id), alone(one, epochs=2).rows[-1], one.id)


def test_a_snapshot_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    some = ("lstm, all at once", "tcn, unequal lengths", "transformer")
    lanes = [drawn(NETWORKS[name], n) for n, name in enumerate(some)]
    made = engine(lanes, metric="log_loss")
    made.train_epoch()
    by_id = {one.id: one for one in lanes}
    copy, _ = through_a_file(made, tmp_path / "a", [], by_id)
    assert_equal(made, copy)
    ours, theirs = made.train_epoch(), copy.train_epoch()
    assert [Figures.of(r) for r in ours.records] == [Figures.of(r) for r in theirs.records]
    assert_equal(made, copy)
