"""Contract 5: NaN stays in its lane and ends it; the others' bits do not change."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from cotune.engine.bank import Variant
from cotune.engine.lanes import Lane
from cotune.engine.rng import permutation
from cotune.types import LaneId
from engine import places
from engine.lanes import Figures, alone, assert_same_bits, lane, population, row, table

PLACES = places.EVERYWHERE
HEALTHY = [lane(i, norm="batch", activation=a) for i, a in enumerate(("relu", "tanh", "relu", "gelu"))]


def poisoned(value: float, *, target: bool = False) -> Variant:
    """The regression table with one bad number in its first training row."""
    good = table(classes=0)
    numeric, y = good.numeric.clone(), good.target.clone()
    if target:
        y[1] = value
    else:
        numeric[1, 2] = value
    return replace(good, numeric=numeric, target=y)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "nesterov"])
@pytest.mark.parametrize("metric", ["log_loss", "accuracy"])
def test_others_keep_their_bits(optimizer: str, metric: str) -> None:
    sick = lane(9, norm="batch", lr=1e30, optimizer=optimizer, weight_decay=1.0)
    made = population([*HEALTHY[:2], sick, *HEALTHY[2:]], metric=metric)
    outcomes = [made.train_epoch() for _ in range(3)]
    found = [d for outcome in outcomes for d in outcome.divergences]
    assert found
    assert {d.lane for d in found} == {sick.id}
    assert all(len(outcome.divergences) <= 1 for outcome in outcomes)
    for one in HEALTHY:
        trace = alone(one, epochs=3, metric=metric)
        assert_same_bits(row(made, one.id), trace.rows[-1], one.activation)
        record = next(r for r in outcomes[-1].records if r.lane == one.id)
        assert Figures.of(record) == trace.figures[-1]


def first_fault(one: Lane, **companions: Any) -> tuple[int, str]:
    made = population([one, lane(1, variant=table(classes=0), **companions)])
    for _ in range(3):
        outcome = made.train_epoch()
        if outcome.divergences:
            (found,) = outcome.divergences
            assert found.lane == one.id
            assert [r.lane for r in outcome.records] == [LaneId(1, 0)]
            return found.step, found.layer
    raise AssertionError("the lane did not diverge")


def step_of_row(one: Lane, number: int) -> int:
    """The step of the first epoch in which a row is seen."""
    order = one.train[permutation(one.seed, 0, len(one.train))].tolist()
    return order.index(number) // one.structure.batch_size


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_bad_input_is_reported_with_its_step_and_layer(value: float) -> None:
    one = lane(variant=poisoned(value), batch_size=15)
    assert first_fault(one, batch_size=15) == (step_of_row(one, 1), "hidden0")


def test_a_bad_input_of_a_linear_model_is_seen_at_the_head() -> None:
    one = lane(variant=poisoned(torch.nan), depth=0, batch_size=15)
    assert first_fault(one, depth=0, batch_size=15) == (step_of_row(one, 1), "head")


def test_a_huge_target_is_seen_in_the_loss() -> None:
    one = lane(variant=poisoned(3e38, target=True), batch_size=15)
    assert first_fault(one, batch_size=15) == (step_of_row(one, 1), "loss")


def test_bad_validation_rows_are_told_from_bad_training() -> None:
    good = table(classes=0)
    numeric = good.numeric.clone()
    numeric[0, 0] = torch.inf  # row 0 is a validation row of fold 0
    one = lane(variant=replace(good, numeric=numeric))
    assert first_fault(one) == (one.structure.steps, "validation")


def test_outputs_that_are_no_numbers_have_no_accuracy() -> None:
    """The most probable of three NaN is class 0; the figure looks sound, the lane is not."""
    numeric = table().numeric.clone()
    numeric[0, 0] = torch.nan
    one = lane(variant=replace(table(), numeric=numeric))
    outcome = population([one], metric="accuracy").train_epoch()
    assert [d.layer for d in outcome.divergences] == ["validation"]
    assert not outcome.records


def test_a_lost_lane_keeps_its_best_from_before() -> None:
    """The zeros it ends with are never taken for a network, however good they look."""
    sick = lane(variant=poisoned(torch.nan), batch_size=15)
    made = population([sick, lane(1, variant=table(classes=0), batch_size=15)])
    made.train_epoch()
    place = [one.id for one in made.lanes].index(sick.id)
    assert torch.isnan(made.state.best[place])
    made.evaluate_unfinished()
    assert torch.isnan(made.state.best[place])
    assert torch.isfinite(made.state.best[1 - place])


def test_a_sum_of_losses_beyond_float_is_nobodys_fault() -> None:
    """Two lanes whose losses are finite, but not their sum."""
    variant = poisoned(3e38, target=True)
    lanes = [lane(i, seed=5, variant=variant, loss="mae", lr=0.0, batch_size=1) for i in range(2)]
    made = population(lanes)
    outcome = made.train_epoch()
    assert not outcome.divergences
    assert all(r.train_loss > 3e38 / 91 for r in outcome.records)
