"""First weights: the variance their sources ask for, at the lane's own width, whatever the padding."""

import pytest
import torch

from cotune.nets.initialise import GAINS, initialise
from cotune.nets.layout import Layout
from cotune.nets.mlp import MLP

VARIANCE = {"he": 2 / 96, "glorot": 2 / (96 + 200), "lecun": 1 / 96}


def first(network: MLP, *, width: int, init: str = "he", seed: int = 3) -> dict[str, torch.Tensor]:
    layout = Layout.of(network.weights())
    row = initialise(network, layout, width=width, init=init, seed=seed)
    return {name: view[0] for name, view in layout.views(row.unsqueeze(0)).items()}


@pytest.mark.parametrize("init", GAINS)
def test_variance_is_the_published_one(init: str) -> None:
    found = first(MLP(96, (), 0, 200, 1, "none", False, 3), width=200, init=init)["hidden0.weight"]
    assert found.var().item() == pytest.approx(VARIANCE[init], rel=0.05)
    assert abs(found.mean().item()) < 0.01


def test_the_head_feeds_no_activation() -> None:
    found = first(MLP(4, (), 0, 512, 1, "none", False, 16), width=512)["head.weight"]
    assert found.var().item() == pytest.approx(1 / 512, rel=0.1)


def test_biases_are_zero_and_norms_are_one() -> None:
    found = first(MLP(4, (), 0, 8, 1, "layer", False, 3), width=8)
    assert not found["hidden0.bias"].any()
    assert not found["head.bias"].any()
    assert (found["hidden0.norm.weight"] == 1).all()
    assert not found["hidden0.norm.bias"].any()


@pytest.mark.parametrize("norm", ["none", "layer", "batch"])
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_a_padded_lane_starts_as_it_would_alone(norm: str, depth: int) -> None:
    narrow, wide = (MLP(5, (3, 4), 2, width, depth, norm, False, 3) for width in (8, 16))
    alone, padded = first(narrow, width=8), first(wide, width=8)
    for weight in wide.weights():
        corner = tuple(slice(n) for n in wide.real_shape(weight, 8))
        tensor = padded[weight.name].clone()
        assert torch.equal(tensor[corner], alone[weight.name][corner])
        tensor[corner] = 0
        assert not tensor.any(), f"the padding of {weight.name} is not zero"


def test_seeds_differ_and_repeat() -> None:
    network = MLP(5, (), 0, 8, 2, "none", False, 3)
    one, again, other = (first(network, width=8, seed=s)["hidden1.weight"] for s in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
