"""What passes along edges: the compiled loops against PyTorch's gather and scatter in double precision."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from cotune.data.graphs.world import Entries, World
from cotune.nets.graph import flow

LANES, UNITS = 3, 24
Flow = Callable[..., Tensor]


def made(nodes: int, ends: int, seed: int) -> tuple[World, torch.Generator]:
    """A graph at random; with few ends there are nodes that hear nobody."""
    g = torch.Generator().manual_seed(seed)
    sources, targets = torch.randint(0, nodes, (2, ends), generator=g)
    return World.of(nodes, sources, targets, torch.randn(nodes, 5, generator=g)), g


def same(ours: Flow, theirs: Flow, *x: Tensor) -> None:
    """Outputs and gradients, ours in float32 and theirs in float64."""
    one = [part.clone().requires_grad_() for part in x]
    two = [part.double().requires_grad_() for part in x]
    a, b = ours(*one), theirs(*two)
    torch.testing.assert_close(a.double(), b, rtol=1e-4, atol=1e-5)
    weights = torch.linspace(-1, 1, a.numel()).view(a.shape)
    (a * weights).sum().backward()
    (b * weights.double()).sum().backward()
    for p, q in zip(one, two, strict=True):
        torch.testing.assert_close(p.grad.double(), q.grad, rtol=1e-3, atol=1e-4)


CASES = [(1, 0), (5, 3), (40, 25), (65, 400)]


@pytest.mark.parametrize("some", [True, False], ids=["some rows", "all rows"])
@pytest.mark.parametrize("drops", [True, False], ids=["edges left out", "all edges"])
@pytest.mark.parametrize(("nodes", "ends"), CASES)
def test_sums_maxima_and_attention(nodes: int, ends: int, drops: bool, some: bool) -> None:
    world, g = made(nodes, ends, seed=nodes)
    asked = torch.randint(0, nodes, (LANES, 7), generator=g) if some else None
    x = torch.randn(LANES, world.padded, UNITS, generator=g)
    edges, looped = world.edges, world.looped

    v = torch.rand(LANES, looped.count, generator=g)
    v = v if drops else v[0]
    same(
        lambda x: flow.collect(looped, x, v, asked),
        lambda x: flow._collect_by_torch(looped, x, v.double(), asked),
        x,
    )

    kept = (torch.rand(LANES, edges.count, generator=g) > 0.3).float() if drops else None
    rounded = x.round()  # so that some are equal
    same(
        lambda x: flow.collect_largest(edges, x, kept, asked),
        lambda x: flow._largest_by_torch(edges, x, kept, asked),
        rounded,
    )

    heads = 3
    there = ((torch.rand(LANES, looped.count, generator=g) > 0.3) | world.is_loop).float() if drops else None
    factors = (torch.rand(LANES, looped.count, heads, generator=g) > 0.3) * 1.5 if drops else None
    judges = [torch.randn(LANES, UNITS, generator=g) for _ in range(2)]
    same(
        lambda x, a, b: flow.attend(looped, x, a, b, heads=heads, kept=there, factors=factors, asked=asked),
        lambda x, a, b: flow._attend_by_torch(
            looped, x, a, b, heads, there, None if factors is None else factors.double(), asked
        ),
        x,
        *judges,
    )


def test_large_scores_saturate() -> None:
    """Attention that is certain, and no NaN from e to a high power."""
    looped = Entries(torch.tensor([0, 2, 3]), torch.tensor([0, 1, 1]), 2)
    x = torch.zeros(1, 2, 8)
    x[0, 0], x[0, 1] = 1e4, -1e4
    ones = torch.ones(1, 8)
    y = flow.attend(looped, x, ones, ones, heads=1, kept=None, factors=None)
    torch.testing.assert_close(y, x)


@pytest.mark.parametrize("units", [8, 16, 24, 32, 56, 64])
def test_any_width_that_is_a_multiple_of_8(units: int) -> None:
    world, g = made(33, 90, seed=units)
    x = torch.randn(2, world.padded, units, generator=g)
    v = torch.rand(world.edges.count, generator=g)
    same(
        lambda x: flow.collect(world.edges, x, v),
        lambda x: flow._collect_by_torch(world.edges, x, v.double(), None),
        x,
    )
