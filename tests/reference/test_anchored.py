"""Networks that forecast from a window's own level: against the plain twin, and independent of company."""

from functools import cache

import pytest
import torch

from cotune.engine.bank import Variant
from cotune.engine.lanes import Lane
from cotune.engine.rng import seed_of
from cotune.nets import families
from cotune.nets.anchored import ANCHORS, Anchored
from cotune.nets.context import Context
from cotune.nets.layout import Layout
from cotune.nets.mlp import MLP
from cotune.nets.network import Network
from cotune.nets.rnn import RNN
from engine.lanes import lane, population
from reference.test_twin import compare

PLACES = ["batched"]
"""There is no program for them; on a GPU they step by the same code."""
TIMES, PAST, CHANNELS, TARGETS, HORIZON = 6, 3, 4, 2, 3
VALUES = TARGETS * HORIZON


@cache
def drifting(rows: int = 84) -> Variant:
    """Windows at levels far apart, whose targets follow their last values."""
    g = torch.Generator().manual_seed(seed_of("windows"))
    level = 3 * torch.randn(rows, 1, 1, generator=g)
    x = level + 0.3 * torch.randn(rows, TIMES, CHANNELS, generator=g)
    y = x[:, -1, :TARGETS].repeat(1, HORIZON) + 0.1 * torch.randn(rows, VALUES, generator=g)
    codes = torch.zeros(rows, 0, dtype=torch.int64)
    return Variant(x.flatten(1), codes, y, (), shape=(TIMES, CHANNELS))


def shape(anchor: str, inner: str = "mlp", outputs: int = VALUES) -> Anchored:
    features = TIMES * CHANNELS
    networks: dict[str, Network] = {
        "linear": MLP(features, (), 0, 8, 0, "none", residual=False, outputs=outputs),
        "mlp": MLP(features, (), 0, 8, 2, "layer", residual=False, outputs=outputs),
        "gru": RNN(TIMES, CHANNELS, 8, outputs),
    }
    return Anchored(networks[inner], TIMES, CHANNELS, PAST, TARGETS, HORIZON, anchor)


def windows(anchor: str, trial: int = 0, *, inner: str = "mlp", loss: str = "mse", **numbers: float) -> Lane:
    outputs = VALUES * (2 if loss == "gaussian" else 1)
    return lane(
        trial, variant=drifting(), network=shape(anchor, inner, outputs), loss=loss, batch_size=21, **numbers
    )


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("inner", ["linear", "mlp", "gru"])
@pytest.mark.parametrize("loss", ["mse", "gaussian"])
def test_it_trains_as_the_plain_twin(anchor: str, inner: str, loss: str) -> None:
    compare(windows(anchor, inner=inner, loss=loss, lr=0.005), windows(anchor, 1, inner=inner, loss=loss))


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("loss", ["mse", "gaussian"])
@pytest.mark.parametrize("companions", [1, 5])
def test_a_lane_has_the_same_bits_in_company(anchor: str, loss: str, companions: int) -> None:
    lanes = [windows(anchor, i, loss=loss, lr=0.003 * (i + 1)) for i in range(companions + 1)]
    whole, single = population(lanes, way="batched"), population(lanes[:1], way="batched")
    for _ in range(3):
        together, alone = whole.train_epoch().records[0], single.train_epoch().records[0]
        assert (together.train_loss, together.metrics) == (alone.train_loss, alone.metrics)
    assert torch.equal(whole.state.weights[0], single.state.weights[0])


@pytest.mark.parametrize("anchor", ANCHORS)
def test_a_window_at_another_level_is_forecast_at_that_level(anchor: str) -> None:
    network = shape(anchor)
    views = Layout.of(network.weights()).views(torch.randn(1, Layout.of(network.weights()).size))
    x = torch.randn(1, 5, TIMES, CHANNELS)
    moved = x.clone()
    moved[..., :PAST] += 10.0

    def said(x: torch.Tensor) -> torch.Tensor:
        context = Context(False, (("relu", 0, 1),))
        return network.forward(views, {}, x.flatten(2), torch.zeros(1, 5, 0, dtype=torch.int64), context)

    torch.testing.assert_close(said(moved)[..., :VALUES], said(x)[..., :VALUES] + 10.0, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("inner", ["linear", "gru"])
def test_a_saved_shape_is_the_same(inner: str) -> None:
    network = shape("standard", inner)
    assert families.from_json(families.to_json(network)) == network
