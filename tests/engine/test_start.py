"""Weights of an earlier network in the place of drawn ones: whole layers, in the corner, kept where they are frozen."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from cotune.engine.first_weights import first_rows
from cotune.engine.lanes import Lane
from cotune.engine.outcome import Way
from cotune.engine.plain.networks import true_weights
from cotune.engine.start import layers_taken
from cotune.nets.image.cnn import CNN
from cotune.nets.image.resnet import ResNet
from cotune.nets.layout import Layout
from cotune.nets.rnn import RNN
from engine.lanes import lane, population, row, started, table

LANES = {
    **{norm: lane(width=5, norm=norm) for norm in ("none", "batch", "layer", "group", "rms", "weight", "spectral")},
    "measured": lane(width=5, init="lsuv"),
    "prelu": lane(width=5, activation="prelu"),
    "embedded": lane(width=5, variant=table(cardinalities=(4, 3))),
    "waves": lane(width=5, waved=2),
    "linear": lane(depth=0),
    "images": lane(network=CNN(4, 4, 1, (8, 16), 3, 3), variant=table(features=16)),
    "residual": lane(network=ResNet(4, 4, 1, 8, 2, 1, 3, 3, supervision=0.3), variant=table(features=16)),
    "series": lane(network=RNN(4, 4, 8, 3), variant=table(features=16)),
}  # fmt: skip


def first(one: Lane) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """By name: what a lane begins with in its true shapes, and the same in padded ones with those places 0."""
    network = one.structure.network
    layouts = (Layout.of(network.weights()), Layout.of(network.statistics()))
    true, padding = {}, {}
    for layout, flat in zip(layouts, first_rows(one, layouts), strict=True):
        for weight in layout.weights:
            whole = layout.view(flat.unsqueeze(0), weight)[0].clone()
            corner = tuple(slice(n) for n in network.real_shape(weight, one.width))
            true[weight.name] = whole[corner].clone()
            whole[corner] = 0
            padding[weight.name] = whole
    return true, padding


@pytest.mark.parametrize("name", LANES)
def test_everything_that_fits_is_taken_to_the_bit_and_padding_stays(name: str) -> None:
    one = started(LANES[name])
    assert one.start is not None
    true, padding = first(one)
    assert true.keys() == one.start.keys()
    assert all(torch.equal(tensor, one.start[key]) for key, tensor in true.items())
    assert all(torch.equal(tensor, first(LANES[name])[1][key]) for key, tensor in padding.items())


@pytest.mark.parametrize("norm", ["none", "batch", "layer", "weight"])
def test_a_layer_is_taken_whole_or_not_at_all(norm: str) -> None:
    drawn, _ = first(lane(width=5, norm=norm))
    one = started(lane(width=5, norm=norm), head__weight=torch.ones(5, 7), hidden1__weight=torch.ones(6, 5))
    assert one.start is not None
    assert layers_taken(one.structure.network, one.width, one.start) == ("hidden0",)
    for name, tensor in first(one)[0].items():
        source = one.start if name.startswith("hidden0.") else drawn
        assert torch.equal(tensor, source[name]), name


def test_a_matrix_without_its_bias_is_a_layer_too_and_strange_names_are_none() -> None:
    one = started(lane(width=5), hidden0__bias=None)
    assert one.start is not None
    one = replace(one, start={**one.start, "hidden7.weight": torch.ones(5, 5), "conv1": torch.ones(3)})
    assert layers_taken(one.structure.network, one.width, one.start) == ("hidden0", "hidden1", "head")
    assert not first(one)[0]["hidden0.bias"].any()


def test_gains_follow_from_matrices_that_come_without_them() -> None:
    one = started(lane(width=5, norm="weight"), hidden0__gain=None)
    found, _ = first(one)
    torch.testing.assert_close(found["hidden0.gain"], found["hidden0.weight"].norm(dim=0))


@pytest.mark.parametrize("way", ["compiled", "batched"])
def test_frozen_layers_keep_the_bits_they_began_with(way: Way) -> None:
    """And learn where they are not frozen, which is what freezing does."""
    frozen, free = (
        started(lane(trial, width=5, freeze=freeze, weight_decay=0.1), head__weight=torch.ones(5, 7))
        for trial, freeze in enumerate((2, 0))
    )
    made = population([frozen, free], way=way)
    for _ in range(2):
        made.train_epoch()
    for one in (frozen, free):
        assert one.start is not None
        found = true_weights(one, row(made, one.id)["weights"])
        for name in ("hidden0.weight", "hidden0.bias", "hidden1.weight", "hidden1.bias"):
            assert torch.equal(found[name], one.start[name]) == (one is frozen), name
        assert not torch.equal(found["head.weight"], first(one)[0]["head.weight"])
