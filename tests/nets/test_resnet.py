"""Laws of residual networks and of their parts that no comparison with a plain twin can show."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from cotune.engine import snapshot
from cotune.engine.first_weights import first_rows
from cotune.engine.lanes import Lane
from cotune.engine.plain import networks as plain
from cotune.engine.plain.resnet import PlainResNet
from cotune.nets import families
from cotune.nets.context import Aside, Context
from cotune.nets.dropout import Factors
from cotune.nets.image import experts, maps
from cotune.nets.image.blocks import BLOCKS
from cotune.nets.image.cnn import CNN
from cotune.nets.image.convolve import convolve, convolve_each, fold, unfold
from cotune.nets.image.exits import leave_early
from cotune.nets.image.resnet import ResNet
from cotune.nets.layout import Layout
from cotune.recipe import names
from cotune.recipe.names import NORMS
from engine.lanes import Figures, assert_same_bits, engine, lane, row, table

SHAPE = ResNet(8, 7, 2, 8, 2, 2, 3, 3, supervision=0.3)
SHAPES = {
    "basic": SHAPE,
    "bottleneck": replace(SHAPE, block="bottleneck", filters=16),
    "separable": replace(SHAPE, block="separable", kernel=5),
    "stem": replace(SHAPE, stem=2),
    "one stage": replace(SHAPE, stages=1),
    "experts": replace(SHAPE, experts=3),
    "flat": replace(SHAPE, pooling="flatten"),
}


def started(shape: ResNet | CNN, lanes: int) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor]:
    """First weights and statistics of several lanes, each with its own seed, and images: lane first."""
    layouts = Layout.of(shape.weights()), Layout.of(shape.statistics())
    some = [lane(i, network=shape, variant=table(features=shape.features)) for i in range(lanes)]
    rows = [torch.stack(part) for part in zip(*(first_rows(one, layouts) for one in some), strict=True)]
    weights, statistics = (layout.views(part) for layout, part in zip(layouts, rows, strict=True))
    images = torch.randn(lanes, 6, shape.features, generator=torch.Generator().manual_seed(3))
    return weights, statistics, images


def outcome(
    shape: ResNet | CNN,
    weights: Mapping[str, Tensor],
    statistics: Mapping[str, Tensor],
    images: Tensor,
) -> list[Tensor]:
    """Logits, what is laid aside, statistics after the pass, and gradients, of all lanes."""
    leaves = {name: w.detach().clone().requires_grad_() for name, w in weights.items()}
    for leaf in leaves.values():
        leaf.grad = torch.zeros_like(leaf)
    moments = {name: part.clone() for name, part in statistics.items()}
    count, aside = len(images), Aside()
    drop = Factors(
        torch.rand(7, shape.draws(6), generator=torch.Generator().manual_seed(5))[:count] + 0.5,
        torch.full((count,), 0.2),
    )
    acts = (("relu", 0, 1), ("tanh", 1, count)) if count > 1 else (("relu", 0, 1),)
    context = Context(True, acts, None, drop, aside=aside)
    logits = shape.forward(leaves, moments, images, torch.zeros(count, 6, 0), context)
    loss = logits.square().mean((1, 2)) + sum(w * head.square().mean((1, 2)) for w, head in aside.heads)
    (loss + sum(aside.penalties)).sum().backward()
    gradients = [leaf.grad for leaf in leaves.values() if leaf.grad is not None]
    return [logits, *(head for _, head in aside.heads), *aside.penalties, *moments.values(), *gradients]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", [*SHAPES, "cnn"])
def test_a_team_of_lanes_does_what_each_does_alone(
    name: str, norm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a GPU all lanes go through as one network, on a CPU one after the other."""
    shape = CNN(8, 7, 2, (8, 16), 3, 3, norm=norm) if name == "cnn" else replace(SHAPES[name], norm=norm)
    state = started(shape, 3)
    one_by_one = outcome(shape, *state)

    def together(norm: str, weights: Any, statistics: Any, x: Tensor, context: Context) -> Any:
        return [(maps.Team(len(x), norm, weights, statistics, context), fold(x))]

    monkeypatch.setattr(f"cotune.nets.image.{'cnn' if name == 'cnn' else 'resnet'}.parted", together)
    for one, other in zip(one_by_one, outcome(shape, *state), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", SHAPES)
def test_products_are_those_of_the_plain_twin(name: str) -> None:
    """Gates and excitation are too small to count."""
    shape, found = SHAPES[name], 0
    one = lane(network=shape, variant=table(features=shape.features))
    network = plain.plain_network(one).eval()
    assert isinstance(network, PlainResNet)

    def count(module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal found
        assert isinstance(module, nn.Conv2d | nn.Linear)
        found += module.weight.numel() * output[0, 0].numel()

    for part in (network.convolutions, network.each, network.heads):
        for module in part.values():
            module.register_forward_hook(count)
    network(one.variant.numeric[:1], one.variant.codes[:1])
    assert shape.products == found


@pytest.mark.parametrize("norm", ["none", "batch", "weight"])
def test_a_saved_shape_comes_back(norm: str) -> None:
    shape = replace(SHAPE, norm=norm, block="separable", exit_at=0.9)
    assert families.from_json(families.to_json(shape)) == shape


def test_names_of_parts_are_those_of_recipes() -> None:
    assert tuple(BLOCKS) == names.BLOCKS
    assert maps.POOLINGS == names.MAP_POOLINGS


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_convolutions_of_several_lanes(kernel: int, stride: int) -> None:
    g = torch.Generator().manual_seed(0)
    x, w = torch.randn(3, 4, 7, 6, 2, generator=g), torch.randn(3, kernel**2 * 2, 5, generator=g)
    b = torch.randn(3, 5, generator=g)
    found = convolve(x, w, b, kernel, stride)
    each = unfold(convolve_each(fold(x), w[:, : kernel**2, :2], b[:, :2], kernel, stride), 3)
    for i in range(3):
        filters = w[i].view(kernel, kernel, 2, 5).permute(3, 2, 0, 1)
        expected = nn.functional.conv2d(x[i].permute(0, 3, 1, 2), filters, b[i], stride, kernel // 2)
        torch.testing.assert_close(found[i].permute(0, 3, 1, 2), expected)
        own = w[i, : kernel**2, :2].view(kernel, kernel, 1, 2).permute(3, 2, 0, 1)
        expected = nn.functional.conv2d(
            x[i].permute(0, 3, 1, 2), own, b[i, :2], stride, kernel // 2, groups=2
        )
        torch.testing.assert_close(each[i].permute(0, 3, 1, 2), expected)


def test_gates_sum_to_one_and_leave_two_experts() -> None:
    scores = torch.randn(2, 50, 5, generator=torch.Generator().manual_seed(1))
    gates = experts.gates_of(scores)
    torch.testing.assert_close(gates.sum(-1), torch.ones(2, 50))
    assert ((gates > 0).sum(-1) == 2).all()
    assert torch.equal(gates.argmax(-1), scores.argmax(-1))


def test_imbalance_is_nought_where_all_experts_matter_alike() -> None:
    even = torch.eye(4).repeat(3, 1)[None]
    uneven = torch.zeros(1, 12, 4)
    uneven[..., 0] = 1
    assert experts.imbalance(even).item() == 0
    assert experts.imbalance(uneven).item() == pytest.approx(3.0), "12, 0, 0, 0: variance 27, mean 3"


def test_in_prediction_an_expert_sees_only_what_chose_it() -> None:
    """And what comes out is what all experts on all images would give."""
    shape = replace(SHAPES["experts"], norm="group")
    weights, statistics, images = started(shape, 1)
    seen: list[int] = []
    context = Context(
        False, (("relu", 0, 1),), watch=lambda name, z: seen.append(len(z)) if "expert" in name else None
    )
    found = shape.forward(weights, statistics, images, torch.zeros(1, 6, 0), context)
    chosen, seen[:] = list(seen), []
    training = replace(context, training=True)
    torch.testing.assert_close(
        found, shape.forward(weights, statistics, images, torch.zeros(1, 6, 0), training)
    )
    assert sum(chosen) == sum(seen) * 2 // 3


@pytest.mark.parametrize("lanes", [1, 2])
def test_images_leave_at_the_first_head_that_is_sure(lanes: int) -> None:
    """Three images, three heads: sure at the first, at the second, never."""
    sure, unsure = (
        torch.tensor([9.0, 0.0, 0.0, 99.0]),
        torch.tensor([0.1, 0.0, 0.0, 99.0]),
    )  # the last is padding
    entered: list[int] = []

    def head(which: set[int]) -> Any:
        def part(x: Tensor) -> tuple[Tensor, Tensor]:
            entered.append(len(x))
            rows = [sure if int(number) in which else unsure for number in x[:, 0, 0, 0]]
            return x, (torch.stack(rows) + len(entered)).expand(lanes, -1, -1).clone()

        return part

    x = torch.arange(3.0).view(3, 1, 1, 1)
    logits, depth = leave_early([head({0}), head({1}), head(set())], x, threshold=0.9, outputs=3)
    assert depth.tolist() == [[1, 2, 3]] * lanes
    assert logits[:, :, 2].tolist() == [[1.0, 2.0, 3.0]] * lanes, (
        "each image's logits are of the head it left at"
    )
    assert entered == ([3, 2, 1] if lanes == 1 else [3, 3, 3])


def test_the_surer_images_must_be_the_deeper_they_go() -> None:
    one = lane(network=replace(SHAPE, stages=3), variant=table(features=112))
    depths = [mean_depth(one, at) for at in (0.34, 0.5, 0.9, 1.0)]
    assert depths == sorted(depths)
    assert depths[0] < depths[-1] == 3.0


def mean_depth(one: Lane, threshold: float) -> float:
    shape = one.structure.network
    assert isinstance(shape, ResNet)
    shape = replace(shape, exit_at=threshold)
    weights, statistics, images = started(shape, 1)
    context = Context(False, (("relu", 0, 1),))
    x = images.reshape(1, 6, *shape.example)
    [(team, own)] = maps.parted(shape.norm, weights, statistics, x, context)
    return float(shape.leaving(team, own)[1].double().mean())


def test_a_restored_network_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    """To the bit, running statistics and all."""
    shape = replace(SHAPE, experts=2, excitation=True)
    lanes = [lane(i, network=shape, variant=table(features=112), dropout=0.2) for i in range(2)]
    by_name = {one.id: one for one in lanes}
    made = engine(lanes, way="batched")
    made.train_epoch()
    snapshot.write(snapshot.take(made, [], boundary=1), tmp_path / "a")
    copy = engine([], way="batched", metric="log_loss")
    snapshot.restore(snapshot.read(tmp_path / "a"), copy, by_name.__getitem__)
    for _ in range(2):
        ours, theirs = made.train_epoch(), copy.train_epoch()
        assert [Figures.of(r) for r in ours.records] == [Figures.of(r) for r in theirs.records]
    for name in by_name:
        one, other = (row(each.populations[0], name) for each in (made, copy))
        assert_same_bits(one, other, name, exact=True)
