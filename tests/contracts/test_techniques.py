"""Contracts 1, 5 and 7 for every technique: lanes as its settings make them, one population for each.

Bit for bit beside others as alone; a lane that meets NaN goes alone; what a snapshot holds goes on as if nothing had
been.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch

from cotune.catalogue import TECHNIQUES
from cotune.data import load, split
from cotune.engine import snapshot
from cotune.engine.lanes import Lane
from cotune.engine.loop import Engine
from cotune.engine.outcome import Way
from cotune.recipe import make
from cotune.recipe.schema import leaves
from cotune.space import from_recipe
from cotune.study.lanes import LaneFactory
from cotune.study.settling.resolve import resolve
from cotune.types import LaneId
from engine import lanes as made_of
from engine.lanes import Figures, Trace, assert_same_bits, engine, row
from techniques.trying import rows_of, settings_of, target_of

EPOCHS = 2
IN_A_LANE = {key for key, (section, _) in leaves().items() if section in ("network", "augment", "training")}
IN_A_LANE |= {"numbers", "categories", "balance"}
IN_A_LANE -= {"patience"}
"""Recipe keys that change what a lane does; others change the rows that it gets, or how long it may train."""

CASES = [
    (name, family)
    for name, technique in TECHNIQUES.items()
    if set(technique.on) & IN_A_LANE
    for family in technique.families
]
"""Techniques that make a lane another, in each family that they are for."""

FIRST = {frozenset(TECHNIQUES[name].on): (name, family) for name, family in reversed(CASES)}
"""For every set of recipe keys a technique, for every day."""

EACH = pytest.mark.parametrize(
    ("name", "family"),
    [pytest.param(*case, marks=() if case in FIRST.values() else pytest.mark.slow) for case in CASES],
)


@cache
def lanes_of(name: str, family: str) -> tuple[tuple[Lane, ...], str]:
    """Three trials of a technique, and the metric that they are judged by."""
    technique = TECHNIQUES[name]
    rows, asked = rows_of(technique, family), make(**settings_of(technique, family))
    options = {name: getattr(asked.data, name) for name in type(asked.data).model_fields}
    known = ("source", "target", "task", "columns", "memory")
    dataset = load(
        rows,
        target=target_of(rows),
        task=asked.data.task,
        options={name: value for name, value in options.items() if name not in known},
    )
    splits = split(dataset, asked.split, seed=0)
    recipe = resolve(asked, dataset, splits)
    space = from_recipe(recipe)
    factory = LaneFactory(recipe, space, dataset, splits)
    lanes = tuple(factory.lane(LaneId(trial, 0), space.middle()) for trial in range(3))
    return lanes, recipe.search.metric


def way_of(lane: Lane) -> Way:
    """The way under test, or the only one that knows the lane."""
    return made_of.WAY if lane.structure.method.loops else "batched"


def started(lanes: tuple[Lane, ...], metric: str) -> Engine:
    made = engine(lanes, metric=metric, way=way_of(lanes[0]))
    assert len(made.populations) == 1, "lanes of one technique share a population"
    return made


def alone(lane: Lane, metric: str) -> Trace:
    made, trace = started((lane,), metric), Trace([], [])
    for _ in range(EPOCHS):
        outcome = made.train_epoch()
        trace.figures.extend(Figures.of(record) for record in outcome.records)
        trace.rows.append(row(made.populations[0], lane.id))
    return trace


def poisoned(lane: Lane) -> Lane:
    """The lane with rows that are no numbers; where rows have none, with a rate that blows it up."""
    if not lane.variant.numeric.shape[1]:
        return replace(lane, numbers={**lane.numbers, "lr": 1e38})
    numeric = torch.full_like(lane.variant.numeric, torch.nan)
    return replace(lane, variant=replace(lane.variant, numeric=numeric))


@EACH
def test_a_lane_depends_on_nothing_but_itself(name: str, family: str) -> None:
    """Beside two others, one of which goes down with NaN, as alone."""
    (one, other, third), metric = lanes_of(name, family)
    sick = poisoned(third)
    made = started((one, sick, other), metric)
    outcomes = [made.train_epoch() for _ in range(EPOCHS)]
    assert {divergence.lane for outcome in outcomes for divergence in outcome.divergences} == {sick.id}
    for lane in (one, other):
        trace = alone(lane, metric)
        assert_same_bits(row(made.populations[0], lane.id), trace.rows[-1], (name, lane.id))
        records = [record for outcome in outcomes for record in outcome.records if record.lane == lane.id]
        assert [Figures.of(record) for record in records] == trace.figures


@EACH
def test_a_restored_lane_goes_on_as_if_nothing_had_been(name: str, family: str, tmp_path: Path) -> None:
    lanes, metric = lanes_of(name, family)
    known = {lane.id: lane for lane in lanes}
    made = started(lanes[:2], metric)
    made.train_epoch()
    snapshot.write(snapshot.take(made, [], boundary=1), tmp_path / "a")
    copy = Engine(metric=metric, compute=made_of.COMPUTE)
    snapshot.restore(snapshot.read(tmp_path / "a"), copy, known.__getitem__)
    ours, theirs = made.train_epoch(), copy.train_epoch()
    assert [Figures.of(record) for record in ours.records] == [
        Figures.of(record) for record in theirs.records
    ]
    for lane in lanes[:2]:
        both = [row(each.populations[0], lane.id) for each in (made, copy)]
        assert_same_bits(*both, (name, lane.id), exact=True)
