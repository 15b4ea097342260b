"""The engine's contracts for networks over graphs, whose loops take one lane after the other."""

import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from cotune.data.graphs.world import World
from cotune.engine import snapshot
from cotune.engine.chance import Chances
from cotune.engine.evaluate import outputs
from cotune.engine.lanes import Lane
from cotune.engine.loop import Engine
from cotune.nets.layout import ALIGN, Layout
from cotune.recipe.names import GRAPH_NORMS, GRAPHS
from engine import lanes as made_of
from engine.graphs import EVERY, SHARES, graph_lane, graph_network, graph_rows
from engine.lanes import (
    BOTH_WAYS,
    SIDE_BY_SIDE,
    Figures,
    alone,
    assert_same_bits,
    engine,
    population,
    row,
)
from engine.places import needs_gpu

PLACES = ["batched", pytest.param("cuda", marks=needs_gpu)]
EPOCHS = 3
SHAPES = {
    **{f"{family} {task}": {"family": family, "task": task} for family, task in EVERY},
    "dense features, batch 13": {"family": "gcn", "sparse": False, "batch_size": 13},
    "drawn neighbours": {"family": "sage", "shape": {"neighbours": 3}, "batch_size": 13},
    "largest of drawn neighbours": {"family": "sage", "shape": {"neighbours": 2, "aggregate": "max"}},
    "largest neighbours": {"family": "sage", "shape": {"aggregate": "max", "norm": "batch"}},
    "narrow": {
        "family": "gat",
        "shape": {"width": 16, "norm": "layer", "depth": 3, "residual": True},
        "batch_size": 1,
    },
}


def drawn(shape: str, number: int) -> Lane:
    """Lane `number` of a shape: everything that may differ inside a population differs, drawn by its number."""
    pick = random.Random(f"{shape} {number}")
    shares = {name: pick.choice([0.0, share]) for name, share in SHARES.items()}
    shares |= {"attention_dropout": pick.choice([0.0, 0.4])}
    return graph_lane(
        trial=number,
        activation=pick.choice(SIDE_BY_SIDE),
        optimizer=pick.choice(BOTH_WAYS),
        lr=pick.choice([1e-3, 3e-3]),
        l2=pick.choice([0.0, 0.01]),
        label_smoothing=pick.choice([0.0, 0.1]),
        epochs=EPOCHS,
        **shares,
        **SHAPES[shape],
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_companions_arrivals_and_departures_have_no_effect(shape: str) -> None:
    """Lane n joins at boundary n mod 3 and leaves after 1 + n mod 3 epochs; each is, to the bit, as alone."""
    traces = {n: alone(drawn(shape, n), epochs=EPOCHS) for n in range(4)}
    made, waiting, compared = population([drawn(shape, -1)], chunk=3), list(range(4)), 0
    for boundary in range(EPOCHS + 3):
        made.join([drawn(shape, n) for n in waiting if n % 3 <= boundary])
        waiting = [n for n in waiting if n % 3 > boundary]
        outcome = made.train_epoch()
        assert not outcome.divergences
        for record in outcome.records:
            trace = traces.get(record.lane.trial)
            if trace is not None and record.epoch <= EPOCHS:
                assert Figures.of(record) == trace.figures[record.epoch - 1], record.lane
                assert_same_bits(row(made, record.lane), trace.rows[record.epoch - 1], record.lane)
                compared += 1
        made.leave([r.lane for r in outcome.records if r.lane.trial >= 0 and r.epoch >= 1 + r.lane.trial % 3])
    assert compared >= 7


@pytest.mark.parametrize("family", GRAPHS)
def test_a_restored_engine_goes_on_as_if_nothing_had_been(family: str, tmp_path: Path) -> None:
    lanes = [graph_lane(family, n, shape={"norm": "batch"}, **SHARES) for n in range(3)]
    made = engine(lanes)
    made.train_epoch()
    snapshot.write(snapshot.take(made, [], boundary=1), tmp_path / "file")
    by_name = {one.id: one for one in lanes}
    other = Engine(metric="log_loss", compute=made_of.COMPUTE)
    snapshot.restore(snapshot.read(tmp_path / "file"), other, by_name.__getitem__)
    for each in (made, other):
        each.train_epoch()
    for one in lanes:
        found = [row(each.populations[0], one.id) for each in (made, other)]
        assert_same_bits(*found, one.id, exact=True)


@pytest.mark.parametrize(("family", "task"), EVERY)
def test_rows_are_aligned_and_padding_stays_zero(family: str, task: str) -> None:
    norm = GRAPH_NORMS[EVERY.index((family, task)) % len(GRAPH_NORMS)]
    network = graph_network(family, task, norm=norm)
    for weights in (network.weights(), network.statistics()):
        layout = Layout.of(weights)
        spans = sorted((layout.offsets[w.name], layout.offsets[w.name] + w.size) for w in weights)
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))
        assert all(start % ALIGN == 0 for start, _ in spans)
    one = graph_lane(family, task=task, shape={"norm": norm}, l2=0.1, optimizer="adam", lr=3e-3)
    made = population([one])
    made.train_epoch()
    real = one.corners(made.layouts[0])
    assert made.state.weights[0].cpu()[real == 0].abs().max() == 0


@pytest.mark.parametrize("family", GRAPHS)
def test_nodes_that_nobody_hears_change_nothing(family: str) -> None:
    """The same graph with a hundred lonely nodes more: the others' outputs are the same."""
    one = graph_lane(family, shape={"norm": "layer"})
    world = one.variant.world
    own = torch.zeros(world.nodes, world.inputs)
    own[world.sparse.rows, world.sparse.columns] = world.sparse.factors
    more = torch.cat([own, torch.randn(100, world.inputs)])
    wider = World.of(world.nodes + 100, world.edges.columns, world.edges.rows, more)
    made = population([one])
    made.train_epoch()
    device = made.compute.device
    rows = one.variant.numeric.to(device), one.variant.codes.to(device)
    parts = (made.lanes, made.state.weights, made.state.statistics, made.layouts)
    found = [outputs(*parts, *rows, each.to(device)) for each in (world, wider)]
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-5)


def test_an_infinite_feature_is_seen_in_the_lanes_that_hear_it() -> None:
    one = graph_lane("gcn", sparse=False)
    dense = one.variant.world.dense.clone()
    dense[0] = torch.inf
    variant = replace(one.variant, world=replace(one.variant.world, dense=dense))
    outcome = population([replace(one, variant=variant)]).train_epoch()
    assert [d.layer for d in outcome.divergences] == ["convolution0"]


def test_draws_are_shares_and_differ_by_name_step_and_lane() -> None:
    lanes = [graph_lane("gat", n, dropout=0.25) for n in range(2)]
    chances = Chances(lanes, torch.device("cpu"))
    first, second = (chances.of_step(torch.tensor([t, t])) for t in (0, 1))
    one = first.factors("dropout", "a", 4000)
    assert ((one == 0).float().mean(1) - 0.25).abs().max() < 0.04
    assert (one.mean(1) - 1).abs().max() < 0.05
    others = (first.factors("dropout", "b", 4000), second.factors("dropout", "a", 4000), one.flip(0))
    assert all(not torch.equal(one, other) for other in others)
    assert torch.equal(first.of(1).factors("dropout", "a", 4000)[0], one[1])
    assert first.factors("edge_drop", "a", 10) is None
    assert graph_rows() is graph_rows()
