"""Kernels of words: lane by lane on a CPU, and by large kernels as on a GPU, must say the same."""

import pytest
import torch
from torch import Tensor

from cotune.nets.text import words

LANES, BATCH, POSITIONS, ENTRIES, WIDTH, UNITS = 3, 6, 9, 40, 5, 8
SIZES = (1, 2, 4)


@pytest.fixture
def codes() -> Tensor:
    """Texts of all lengths; one of no words, one with padding among its words."""
    g = torch.Generator().manual_seed(1)
    found = torch.randint(1, ENTRIES, (LANES, BATCH, POSITIONS), generator=g)
    lengths = torch.randint(1, POSITIONS + 1, (LANES, BATCH, 1), generator=g)
    found = torch.where(torch.arange(POSITIONS) < lengths, found, 0)
    found[0, 0] = 0
    found[1, 1] = torch.tensor([7, 0, 7, 8, 0, 0, 0, 0, 0])
    return found


def weights(*shapes: tuple[int, ...]) -> list[Tensor]:
    """Leaves whose gradients hold something else at first, which must be overwritten."""
    g = torch.Generator().manual_seed(2)
    found = [torch.randn(LANES, *shape, generator=g).requires_grad_() for shape in shapes]
    for weight in found:
        weight.grad = torch.full_like(weight, 7.0)
    return found


def gradients(out: Tensor, leaves: list[Tensor]) -> list[Tensor]:
    g = torch.Generator().manual_seed(3)
    (out * torch.randn(out.shape, generator=g)).sum().backward()
    return [leaf.grad.clone() for leaf in leaves]


def test_windows(codes: Tensor) -> None:
    shapes = [(ENTRIES, WIDTH), *((size * WIDTH, UNITS) for size in SIZES)]
    table, *filters = leaves = weights(*shapes)
    ours = words.strongest(codes, table, filters, SIZES)
    own = gradients(ours, leaves)
    for leaf in leaves:
        leaf.grad = None
    theirs = words._strongest_at_once(codes, table, filters, SIZES)
    torch.testing.assert_close(ours, theirs)
    assert not ours[0, 0].any()
    for one, other in zip(own, gradients(theirs, leaves), strict=True):
        torch.testing.assert_close(one, other)
        assert other.any()


def test_means(codes: Tensor) -> None:
    (table,) = leaves = weights((ENTRIES, WIDTH))
    ours = words.mean_words(codes, table)
    own = gradients(ours, leaves)
    table.grad = None
    theirs = torch.stack(
        [
            torch.stack([t[text[text > 0]].sum(0) / max(1, (text > 0).sum()) for text in batch])
            for t, batch in zip(table, codes, strict=True)
        ]
    )
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(own[0], gradients(theirs, leaves)[0])


def test_lanes_that_see_the_same_rows_number_them_once(codes: Tensor) -> None:
    lots = words.numbered(codes[1].expand(LANES, -1, -1), ENTRIES)
    assert lots[0] is lots[2]
    table, *filters = weights((ENTRIES, WIDTH), (2 * WIDTH, UNITS))
    shared = words.strongest(codes[1].expand(LANES, -1, -1), table, filters, (2,))
    apart = words.strongest(codes[1].repeat(LANES, 1, 1), table, filters, (2,))
    assert torch.equal(shared, apart)


def test_what_is_no_number_is_not_hidden_by_the_maximum(codes: Tensor) -> None:
    table, *filters = weights((ENTRIES, WIDTH), (2 * WIDTH, UNITS))
    with torch.no_grad():
        table[1, 7] = torch.nan
    assert words.strongest(codes, table, filters, (2,))[1, 1].isnan().all()
