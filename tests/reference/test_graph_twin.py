"""Networks over graphs against the plain twin, which is made of dense matrices."""

from typing import Any

import pytest

from cotune.recipe.names import GRAPH_NORMS, GRAPHS
from engine.graphs import EVERY, SHARES, graph_lane
from reference.test_twin import compare

PLACES = ["batched"]
LR = {"gin": 0.005}
"""Sums over neighbours are large: faster steps lead a network without norm to infinity."""


def companion(family: str, **rest: Any) -> Any:
    """A lane of other numbers in the same population."""
    return graph_lane(family, 1, **{**rest, "lr": 0.003})


@pytest.mark.parametrize(("family", "task"), EVERY)
def test_every_family_and_task(family: str, task: str) -> None:
    """With all that can be left out; the other lane leaves out nothing. Features are sparse of every other one."""
    sparse = EVERY.index((family, task)) % 2 == 0
    shares = SHARES | ({"attention_dropout": 0.3} if family == "gat" else {})
    rest = {"task": task, "sparse": sparse, "activation": "elu"}
    compare(graph_lane(family, **rest, **shares), companion(family, **rest))


@pytest.mark.parametrize("norm", GRAPH_NORMS)
@pytest.mark.parametrize("family", GRAPHS)
def test_every_norm(family: str, norm: str) -> None:
    shape = {"norm": norm, "residual": True, "depth": 3}
    # Plain descent: before a batch norm some gradients are truly zero, and Adam amplifies their rounding.
    compare(graph_lane(family, shape=shape, optimizer="nesterov", lr=LR.get(family, 0.05)), tolerance=5e-4)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_norms_of_many_graphs(norm: str) -> None:
    compare(
        graph_lane("gin", task="graph", shape={"norm": norm}, optimizer="nesterov", lr=0.02), tolerance=5e-4
    )


@pytest.mark.parametrize("readout", ["sum", "mean", "max"])
def test_every_readout(readout: str) -> None:
    compare(graph_lane("gcn", task="graph", shape={"readout": readout}, activation="tanh"))


@pytest.mark.parametrize("decoder", ["dot", "mlp"])
def test_every_decoder(decoder: str) -> None:
    compare(graph_lane("sage", task="link", shape={"decoder": decoder}, activation="tanh"))


@pytest.mark.parametrize("neighbours", [0, 3])
@pytest.mark.parametrize("aggregate", ["mean", "max"])
def test_neighbours_all_and_drawn(aggregate: str, neighbours: int) -> None:
    shape = {"aggregate": aggregate, "neighbours": neighbours, "depth": 2}
    rest = {"shape": shape, "activation": "elu"}
    compare(graph_lane("sage", **rest, **SHARES), companion("sage", **rest))


@pytest.mark.parametrize("family", GRAPHS)
def test_learned_slopes(family: str) -> None:
    compare(graph_lane(family, activation="prelu"))


@pytest.mark.parametrize("family", ["gcn", "sage", "gat"])
def test_a_single_convolution(family: str) -> None:
    compare(graph_lane(family, shape={"depth": 1}, weight_decay=0.1, l2=0.01))
