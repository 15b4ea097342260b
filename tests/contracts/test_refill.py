"""Contracts 2 and 3: a freed slot is taken at the next boundary; folds and seeds are lanes like any other."""

import pytest

from cotune.types import LaneId
from engine import places
from engine.lanes import GPU_TOLERANCE, Figures, alone, assert_same_bits, engine, lane, table

PLACES = places.EVERYWHERE


def test_a_freed_slot_is_taken_at_the_next_boundary() -> None:
    made = engine([lane(i) for i in range(3)])
    made.train_epoch()
    made.leave([LaneId(1, 0)])
    assert made.lanes == 2
    late = lane(7)
    made.join([late])
    outcome = made.train_epoch()
    assert made.lanes == 3
    records = {record.lane.trial: record for record in outcome.records}
    assert {trial: record.epoch for trial, record in records.items()} == {0: 2, 2: 2, 7: 1}
    assert Figures.of(records[7]) == alone(late, epochs=1).figures[0]
    assert outcome.steps == 3 * late.structure.steps


def test_populations_take_turns_and_empty_ones_are_dissolved() -> None:
    made = engine([lane(0, width=8), lane(1, width=16), lane(2, width=8, depth=1)], metric="accuracy")
    assert len(made.populations) == 3
    trained = [{r.lane.trial for r in made.train_epoch().records} for _ in range(3)]
    assert set().union(*trained) == {0, 1, 2}
    made.leave([LaneId(1, 0)])
    assert sorted(one.id.trial for p in made.populations for one in p.lanes) == [0, 2]
    made.leave([LaneId(0, 0), LaneId(2, 0)])
    assert not made.populations
    assert not made.lanes


def test_folds_and_seeds_are_lanes() -> None:
    """Four folds with two seeds each: eight lanes of one population, each judged on its own fold."""
    lanes = [lane(0, 2 * fold + seed, fold=fold) for fold in range(4) for seed in range(2)]
    made = engine(lanes)
    assert len(made.populations) == 1
    for _ in range(2):
        outcome = made.train_epoch()
    assert len({record.metrics["log_loss"] for record in outcome.records}) == 8
    for record, one in zip(outcome.records, lanes, strict=True):
        assert Figures.of(record) == alone(one, epochs=2).figures[1]


def test_best_is_of_the_best_epoch(place: str) -> None:
    """The kept weights are those of the epoch with the best figure, in the order of the lanes' names."""
    lanes = [lane(0, fold, fold=fold, lr=0.3, schedule="constant", epochs=6) for fold in (1, 0)]
    made = engine([*lanes, lane(1)])
    traces = {one.id: alone(one, epochs=6) for one in lanes}
    for _ in range(6):
        made.train_epoch()
    best = made.best(0)
    assert [item.lane.id.index for item in best] == [0, 1]
    moved, tolerance = 0, GPU_TOLERANCE if place == "cuda" else 0.0
    for item in best:
        trace = traces[item.lane.id]
        losses = [f.metrics["log_loss"] for f in trace.figures]
        epoch = losses.index(min(losses))
        moved += epoch < 5
        assert item.score == pytest.approx(losses[epoch], rel=tolerance, abs=tolerance)
        assert_same_bits({"w": item.weights}, {"w": trace.rows[epoch]["weights"].cpu()})
    assert moved, "a rate of 0.3 was to overshoot"


def test_lanes_never_evaluated_have_no_best() -> None:
    made = engine([lane(0)])
    assert made.best(0) == []
    made.populations[0].evaluate_unfinished()
    assert len(made.best(0)) == 1


def test_a_regression_figure_is_in_the_targets_own_units() -> None:
    variant = table(classes=0)
    made = engine([lane(variant=variant, lr=0.0)])
    outcome = made.train_epoch()
    (record,) = outcome.records
    assert abs(record.metrics["rmse"] / variant.scale - record.metrics["loss"] ** 0.5) < 1e-6
