"""A lane that leaves with its state goes on as if it had never left; a clone begins as a copy, its parent untouched."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cotune.engine import snapshot
from cotune.engine.lanes import Lane
from cotune.engine.loop import Engine
from cotune.engine.moving import KINDRED, clone
from cotune.engine.optim import OPTIMIZERS
from cotune.errors import CloneError
from cotune.types import LaneId
from engine import lanes as made_of
from engine import places
from engine.graphs import graph_lane
from engine.lanes import Figures, alone, assert_same_bits, engine, lane, metric_of, row, table
from engine.series import NETWORKS, data_of

PLACES = places.EVERYWHERE
ROWS = 76
GRU = next(name for name in NETWORKS if name.startswith("gru"))


def sequences(name: str) -> Callable[[int], Lane]:
    network = NETWORKS[name]

    def of(trial: int) -> Lane:
        return lane(
            trial, network=network, variant=data_of(network, rows=ROWS), lr=0.003 * (trial + 1), dropout=0.2
        )

    return of


def plain(trial: int) -> Lane:
    return lane(
        trial, width=(5, 7, 8)[trial % 3], norm="batch", dropout=0.2, optimizer="sgd", lr=0.01 * (trial + 1)
    )


def plateau(trial: int) -> Lane:
    return lane(trial, schedule="reduce_on_plateau", lr=0.3, plateau_patience=1, epochs=9, activation="gelu")


def averaged(trial: int) -> Lane:
    return lane(trial, ema_decay=0.9, lookahead=3, gradient_noise=0.01 * (trial + 1))


def embedded(trial: int) -> Lane:
    return lane(
        trial, variant=table(cardinalities=(4, 3), classes=0), label_noise=0.1, input_noise=0.1 * trial
    )


KINDS: dict[str, Callable[[int], Lane]] = {
    "mlp of several widths": plain,
    "at a plateau": plateau,
    "averages": averaged,
    "embeddings": embedded,
    "schedule free": lambda trial: lane(trial, optimizer="schedule_free", lr=0.01 * (trial + 1)),
    "mixing, in batches": lambda trial: lane(trial, mixup=0.3, lr=0.01 * (trial + 1)),
    "gcn": lambda trial: graph_lane("gcn", trial, lr=0.01 * (trial + 1), dropout=0.3),
    "gru": sequences(GRU),
    "tcn": sequences(next(name for name in NETWORKS if name.startswith("tcn"))),
}
every_kind = pytest.mark.parametrize("of", KINDS.values(), ids=KINDS.keys())


@every_kind
def test_a_lane_that_rested_goes_on_as_if_it_had_never_left(of: Callable[[int], Lane]) -> None:
    lanes = [of(trial) for trial in range(3)]
    traces = {one.id: alone(one, epochs=5) for one in lanes}
    made = engine(lanes)
    trained = dict.fromkeys(traces, 0)
    away = []
    for turn in range(6):
        for record in made.train_epoch().records:
            trained[record.lane] += 1
            trace = traces[record.lane]
            if record.epoch <= 5:
                assert Figures.of(record) == trace.figures[record.epoch - 1]
                population = next(p for p in made.populations if record.lane in [x.id for x in p.lanes])
                assert_same_bits(row(population, record.lane), trace.rows[record.epoch - 1], record.lane)
        if turn == 1:
            away = made.take([LaneId(1, 0), LaneId(0, 0)])
            assert [item.lane.id.trial for item in away] == [1, 0]
            assert made.lanes == 1
        elif turn == 3:
            made.rejoin(away)
    assert [trained[one.id] for one in lanes] == [4, 4, 6]


@every_kind
def test_a_clone_with_the_parents_name_and_numbers_is_the_parent(of: Callable[[int], Lane]) -> None:
    """Whatever of the state a clone did not take over would show."""
    one = of(1)
    made = engine([one, of(0)])
    for _ in range(2):
        made.train_epoch()
    (state,) = made.copies([one.id])
    apart = engine([of(2)])
    apart.rejoin([clone(state, one)])
    for _ in range(2):
        ours, theirs = ([r for r in e.train_epoch().records if r.lane == one.id] for e in (made, apart))
        assert [Figures.of(r) for r in ours] == [Figures.of(r) for r in theirs]
    assert ours


@every_kind
def test_clones_go_their_own_ways_and_leave_the_parent_alone(of: Callable[[int], Lane]) -> None:
    parent = of(1)
    trace = alone(parent, epochs=4)
    made = engine([parent, of(0)])
    for _ in range(2):
        made.train_epoch()
    (state,) = made.copies([parent.id])
    numbers = {**parent.numbers, "lr": parent.number("lr") / 3, "weight_decay": 0.1}
    changed = replace(parent, id=LaneId(7, 0), numbers=numbers)
    other_seed = replace(parent, id=LaneId(8, 0), seed=parent.seed ^ 12345)
    before = {name: tensor.clone() for name, tensor in state.state.tensors().items()}
    made.rejoin([clone(state, changed), clone(state, other_seed)])
    figures: dict[int, list[Figures]] = {}
    for _ in range(2):
        for record in made.train_epoch().records:
            figures.setdefault(record.lane.trial, []).append(Figures.of(record))
    assert figures[1] == trace.figures[2:]
    assert_same_bits(before, state.state.tensors(), exact=True)
    assert [f.epoch for f in figures[7]] == [f.epoch for f in figures[8]] == [3, 4]
    assert figures[7][-1].step == figures[1][-1].step
    assert len({figures[n][-1].train_loss for n in (1, 7, 8)}) == 3


@every_kind
def test_paused_lanes_are_part_of_a_snapshot(of: Callable[[int], Lane], tmp_path: Path) -> None:
    lanes = {one.id: one for one in (of(0), of(1), of(2), lane(3, width=16))}
    made = engine([one for one in lanes.values() if metric_of(one) == metric_of(lanes[LaneId(0, 0)])])
    made.train_epoch()
    away = made.take([p.lanes[-1].id for p in made.populations])
    path = tmp_path / "a"
    snapshot.write(snapshot.take(made, [], boundary=1, paused=away), path)
    saved = snapshot.read(path)
    copy = Engine(metric=metric_of(lanes[LaneId(0, 0)]), compute=made_of.COMPUTE)
    snapshot.restore(saved, copy, lanes.__getitem__)
    found = snapshot.paused(saved, lanes.__getitem__)
    assert {item.lane.id for item in found} == {item.lane.id for item in away}
    made.rejoin(away)
    copy.rejoin(found)
    for _ in range(2):
        ours, theirs = made.train_epoch(), copy.train_epoch()
        assert [Figures.of(r) for r in ours.records] == [Figures.of(r) for r in theirs.records]


def test_a_clone_judged_anew_keeps_nothing_of_the_parents_best() -> None:
    parent = lane(0, lr=0.02, schedule="constant", epochs=9)
    made = engine([parent], metric="accuracy")
    for _ in range(3):
        made.train_epoch()
    (state,) = made.copies([parent.id])
    child = replace(parent, id=LaneId(1, 0), numbers={**parent.numbers, "lr": 30.0, "clip_norm": 1.0})
    made.rejoin([clone(state, child, judged_anew=True)])
    records = {r.lane.trial: r for r in made.train_epoch().records}
    (best,) = made.best(1)
    assert best.score == records[1].metrics["accuracy"] < made.best(0)[0].score


def bad_clones() -> dict[str, tuple[Lane, Lane, str]]:
    return {
        "depth": (lane(0), lane(1, depth=1), "network"),
        "batch": (lane(0), lane(1, batch_size=16), "batch_size"),
        "width": (lane(0, width=8), lane(1, width=7), r"width \(8 and 7\)"),
        "method": (lane(0), lane(1, ema_decay=0.9), "method"),
        "optimizer": (lane(0), lane(1, optimizer="sgd"), "adamw and sgd"),
    }


@pytest.mark.parametrize("name", bad_clones())
def test_a_state_that_does_not_fit_is_refused(name: str) -> None:
    parent, child, word = bad_clones()[name]
    made = engine([parent])
    (state,) = made.copies([parent.id])
    with pytest.raises(CloneError, match=rf"{word}.*change fusable"):
        clone(state, child)


@pytest.mark.parametrize("kin", KINDRED, ids=lambda kin: ", ".join(sorted(kin)))
def test_kindred_optimizers_have_equal_memory(kin: frozenset[str]) -> None:
    assert len({OPTIMIZERS[name].slots for name in kin}) == 1
    assert all(OPTIMIZERS[name].judged is None for name in kin)


def test_adam_goes_on_from_adamw() -> None:
    """Without decay they are the same rule, so their memory must mean the same."""
    parent = lane(0, optimizer="adamw", weight_decay=0.0)
    made = engine([parent])
    for _ in range(2):
        made.train_epoch()
    (state,) = made.copies([parent.id])
    made.rejoin([clone(state, replace(parent, id=LaneId(1, 0), optimizer="adam"))])
    ours, theirs = made.train_epoch().records
    assert Figures.of(ours) == Figures.of(theirs)


def test_only_lanes_in_training_can_be_taken() -> None:
    made = engine([lane(0)])
    with pytest.raises(KeyError):
        made.take([LaneId(5, 0)])
    assert made.lanes == 1
