"""First weights: the spread their sources ask for, what they keep through layers, whatever the padding."""

import math

import pytest
import torch
from torch import Tensor

from cotune.engine.first_weights import first_rows
from cotune.nets.context import Context
from cotune.nets.image.cnn import CNN
from cotune.nets.initialise import initialise
from cotune.nets.initialisers import INITIALISERS
from cotune.nets.layout import Layout
from cotune.nets.lsuv import lsuv
from cotune.nets.mlp import MLP
from cotune.nets.network import Network
from cotune.recipe.names import ACTIVATIONS, NORMS
from engine.lanes import lane, table

STD = 0.02
VARIANCE = {
    "he": 2 / 96,
    "glorot": 2 / (96 + 200),
    "lecun": 1 / 96,
    "he_uniform": 2 / 96,
    "glorot_uniform": 2 / (96 + 200),
    "lecun_uniform": 1 / 96,
    "orthogonal": 1 / 200,  # 96 rows of length 1 in 200 dimensions
    "lsuv": 1 / 200,  # before it is measured
    "normal": STD**2,
    "uniform": STD**2,
    "truncated_normal": STD**2,
    "zeros": 0.0,
}
FARTHEST = {  # in standard deviations
    "he_uniform": math.sqrt(3),
    "glorot_uniform": math.sqrt(3),
    "lecun_uniform": math.sqrt(3),
    "uniform": math.sqrt(3),
    "truncated_normal": 2 / 0.8796256610342398,
}


def first(network: Network, *, width: int, init: str = "he", seed: int = 3) -> dict[str, Tensor]:
    layout = Layout.of(network.weights())
    row = initialise(network, layout, width=width, init=init, seed=seed, std=STD)
    return {name: view[0] for name, view in layout.views(row.unsqueeze(0)).items()}


def test_every_initialiser_has_a_published_variance_and_a_source() -> None:
    assert VARIANCE.keys() == INITIALISERS.keys()
    assert all(initialiser.source for initialiser in INITIALISERS.values())
    assert {initialiser.head or "he" for initialiser in INITIALISERS.values()} <= INITIALISERS.keys()


@pytest.mark.parametrize("init", INITIALISERS)
def test_variance_is_the_published_one(init: str) -> None:
    found = first(MLP(96, (), 0, 200, 1, "none", False, 3), width=200, init=init)["hidden0.weight"]
    assert found.var().item() == pytest.approx(VARIANCE[init], rel=0.05)
    assert abs(found.mean().item()) < 0.01
    if init in FARTHEST:
        edge = FARTHEST[init] * VARIANCE[init] ** 0.5
        assert 0.98 * edge < found.abs().max() <= edge * (1 + 1e-6)


DRAWN = {
    "he": [0.2992686, -0.37917849, -0.48890147],
    "glorot": [0.21161488, -0.26811969, -0.34570557],
    "lecun": [0.21161488, -0.26811969, -0.34570557],
}


@pytest.mark.parametrize("init", DRAWN)
def test_draws_are_those_of_the_first_version(init: str) -> None:
    network = MLP(5, (3,), 2, 16, 2, "layer", False, 3)
    found = first(network, width=9, init=init, seed=1)["hidden1.weight"][0, :3]
    torch.testing.assert_close(found, torch.tensor(DRAWN[init]), rtol=1e-6, atol=0)


@pytest.mark.parametrize("init", INITIALISERS)
def test_the_head_feeds_no_activation(init: str) -> None:
    found = first(MLP(4, (), 0, 512, 1, "none", False, 16), width=512, init=init)["head.weight"]
    told = {"normal": STD**2, "uniform": STD**2, "truncated_normal": STD**2, "zeros": 0.0}
    assert found.var().item() == pytest.approx(told.get(init, 1 / 512), rel=0.1)


def test_filters_count_their_places() -> None:
    """Glorot & Bengio's fans of a filter of 5 by 5: 25 · channels inputs, 25 · filters outputs."""
    found = first(CNN(8, 8, 3, (64, 128), 5, 3), width=128, init="glorot")
    assert found["convolution1.weight"].shape == (25 * 64, 128)
    assert found["convolution1.weight"].var().item() == pytest.approx(2 / (25 * (64 + 128)), rel=0.05)
    found = first(CNN(8, 8, 3, (64, 128), 5, 3), width=128, init="he")
    assert found["convolution1.weight"].var().item() == pytest.approx(2 / (25 * 64), rel=0.05)


@pytest.mark.parametrize(("inputs", "units"), [(40, 40), (40, 24), (24, 40), (1, 8), (8, 1)])
def test_orthogonal_is_orthogonal(inputs: int, units: int) -> None:
    w = first(MLP(inputs, (), 0, units, 1, "none", False, 3), width=units, init="orthogonal")[
        "hidden0.weight"
    ]
    product = w.T @ w if inputs >= units else w @ w.T
    torch.testing.assert_close(product, torch.eye(len(product)), atol=1e-5, rtol=0)


DEEP = 20
KEEPS = {  # initialiser, activation: the mean square of the outputs stays within this factor through 20 layers
    ("he", "relu"): 2.0,
    ("he_uniform", "relu"): 2.0,
    ("lecun", "selu"): 1.5,
    ("lecun_uniform", "selu"): 1.5,
    ("lecun", "identity"): 2.0,
    ("glorot", "identity"): 2.0,
    ("glorot_uniform", "identity"): 2.0,
    ("orthogonal", "identity"): 1.0001,
}


def outputs(network: MLP, weights: dict[str, Tensor], activation: str, x: Tensor) -> dict[str, Tensor]:
    """What each layer yields, after its activation."""
    found: dict[str, Tensor] = {}
    context = Context(True, ((activation, 0, 1),), watch=found.__setitem__)
    views = {name: tensor.unsqueeze(0) for name, tensor in weights.items()}
    network.forward(views, {}, x.unsqueeze(0), torch.zeros(1, len(x), 0, dtype=torch.int64), context)
    return found


@pytest.mark.parametrize(("init", "activation"), KEEPS)
def test_signals_keep_their_size_through_twenty_layers(init: str, activation: str) -> None:
    network = MLP(256, (), 0, 256, DEEP, "none", False, 3)
    x = torch.randn(64, 256, generator=torch.Generator().manual_seed(0))
    ratios = []
    for seed in range(4):  # a wide network's size wanders from layer to layer
        found = outputs(network, first(network, width=256, init=init, seed=seed), activation, x)
        ratios.append(float(found[f"hidden{DEEP - 1}"].square().mean() / found["hidden0"].square().mean()))
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    assert 1 / KEEPS[init, activation] < mean < KEEPS[init, activation]


def test_the_law_can_fail() -> None:
    """LeCun's weights under ReLU halve the mean square in every layer."""
    network = MLP(256, (), 0, 256, DEEP, "none", False, 3)
    x = torch.randn(64, 256, generator=torch.Generator().manual_seed(0))
    found = outputs(network, first(network, width=256, init="lecun"), "relu", x)
    assert found[f"hidden{DEEP - 1}"].square().mean() < 1e-3 * found["hidden0"].square().mean()


def gauged(network: Network, row: Tensor, layout: Layout, activation: str, x: Tensor) -> dict[str, float]:
    """Variance of each layer's products, by name."""
    found: dict[str, float] = {}

    def gauge(name: str, z: Tensor) -> Tensor:
        found[name] = float(z[..., : network.outputs if name == "head" else None].var(correction=0))
        return z

    moments = Layout.of(network.statistics())
    context = Context(True, ((activation, 0, 1),), gauge=gauge)
    codes = torch.zeros(1, len(x), 0, dtype=torch.int64)
    statistics = moments.views(torch.ones(1, moments.size))
    network.forward(layout.views(row.unsqueeze(0)), statistics, x.unsqueeze(0), codes, context)
    return found


MEASURED = [norm for norm in NORMS if norm not in ("spectral", "instance")]
"""Spectral norm sets the size of weights itself; instance norm makes zero of a unit with a single position."""


@pytest.mark.parametrize("norm", MEASURED)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_lsuv_gives_every_layer_unit_variance(activation: str, norm: str) -> None:
    network = MLP(10, (), 0, 32, DEEP, norm, True, 3, slopes=activation == "prelu")
    layout = Layout.of(network.weights())
    x = 5 + 3 * torch.randn(64, 10, generator=torch.Generator().manual_seed(0))
    before = initialise(network, layout, width=32, init="lsuv", seed=1)
    codes = torch.zeros(64, 0, dtype=torch.int64)
    after = lsuv(network, layout, before, width=32, activation=activation, numeric=x, codes=codes)
    found = gauged(network, after, layout, activation, x)
    assert len(found) == DEEP + 1
    assert found == pytest.approx(dict.fromkeys(found, 1.0), abs=0.011)
    assert gauged(network, before, layout, activation, x) != pytest.approx(dict.fromkeys(found, 1.0), abs=0.1)


def test_lsuv_measures_images() -> None:
    network = CNN(8, 8, 1, (8, 16), 3, 3)
    layout = Layout.of(network.weights())
    x = torch.rand(32, 64, generator=torch.Generator().manual_seed(0))
    before = initialise(network, layout, width=16, init="lsuv", seed=1)
    codes = torch.zeros(32, 0, dtype=torch.int64)
    after = lsuv(network, layout, before, width=16, activation="relu", numeric=x, codes=codes)
    found = gauged(network, after, layout, "relu", x)
    assert found == pytest.approx({"convolution0": 1.0, "convolution1": 1.0, "head": 1.0}, abs=0.011)


@pytest.mark.parametrize("value", [0.0, 7.0, math.nan, math.inf])
def test_lsuv_leaves_what_cannot_be_measured(value: float) -> None:
    network = MLP(4, (), 0, 8, 1, "none", False, 1)
    layout = Layout.of(network.weights())
    before = initialise(network, layout, width=8, init="lsuv", seed=1)
    x, codes = torch.full((1, 4), value), torch.zeros(1, 0, dtype=torch.int64)
    after = lsuv(network, layout, before, width=8, activation="relu", numeric=x, codes=codes)
    assert torch.isfinite(after).all()
    assert torch.equal(after, before) == (value != 7.0)  # the units of one row do vary


def test_a_lane_is_measured_on_its_own_first_batch() -> None:
    one, other = (lane(init="lsuv", variant=table(seed=seed)) for seed in (0, 1))
    layouts = tuple(Layout.of(part) for part in (one.structure.network.weights(), ()))
    rows, theirs, again = (first_rows(x, layouts)[0] for x in (one, other, one))
    assert torch.equal(rows, again)
    assert not torch.equal(rows, theirs)
    ratio = (rows / theirs)[: 5 * 8]
    assert ratio.nan_to_num(nan=float(ratio[0])).max() == pytest.approx(float(ratio[0]))


def test_biases_are_zero_and_norms_are_one() -> None:
    found = first(MLP(4, (), 0, 8, 1, "layer", False, 3), width=8)
    assert not found["hidden0.bias"].any()
    assert not found["head.bias"].any()
    assert (found["hidden0.norm.weight"] == 1).all()
    assert not found["hidden0.norm.bias"].any()


@pytest.mark.parametrize("init", INITIALISERS)
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_padded_lane_starts_as_it_would_alone(norm: str, depth: int, init: str) -> None:
    options = {"depth": depth, "norm": norm, "init": init, "variant": table(cardinalities=(3, 4)), "width": 8}
    narrow, wide = (lane(padded=padded, **options) for padded in (8, 16))
    found = []
    for one in (narrow, wide):
        network = one.structure.network
        layouts = Layout.of(network.weights()), Layout.of(network.statistics())
        row = first_rows(one, layouts)[0]
        found.append({name: view[0] for name, view in layouts[0].views(row.unsqueeze(0)).items()})
    alone, padded = found
    for weight in wide.structure.network.weights():
        corner = tuple(slice(n) for n in wide.structure.network.real_shape(weight, 8))
        tensor = padded[weight.name].clone()
        assert torch.equal(tensor[corner], alone[weight.name][corner])
        tensor[corner] = 0
        assert not tensor.any(), f"the padding of {weight.name} is not zero"


@pytest.mark.parametrize("init", [name for name in INITIALISERS if name != "zeros"])
def test_seeds_differ_and_repeat(init: str) -> None:
    network = MLP(5, (), 0, 8, 2, "none", False, 3)
    one, again, other = (first(network, width=8, init=init, seed=s)["hidden1.weight"] for s in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
