"""What networks of words share: numbers of words, and kernels that look at each different word of a batch once.

| symbol  | meaning                                                    | shape               |
|---------|------------------------------------------------------------|---------------------|
| codes   | words by number; 0 is padding, 1 a word that is unknown    | lane batch position |
| table   | embeddings of words                                        | lane entry width    |
| filter  | weights of a window of some words, one word after the other | lane (word width) unit |

On a CPU lanes are gone through one by one: a lane's batch has words of its own, and a kernel's rounding depends on the
count of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.kernels import words as kernels

PADDING, UNKNOWN = 0, 1
"""Numbers of what is no word. Padding has no embedding: it counts as zero."""


@dataclass(frozen=True, eq=False)
class Numbered:
    """A batch of one lane, its words numbered anew.

    Args:
        words: the different words in order of appearance [word].
        places: where `words` has each [row position]; −1 for padding.
        ends: position behind each row's last word [row].
    """

    words: Tensor
    places: Tensor
    ends: Tensor

    @classmethod
    def of(cls, codes: Tensor, entries: int) -> "Numbered":
        """Number the words of codes [row position].

        Args:
            entries: numbers that words may have.
        """
        codes = codes.contiguous()
        rows, positions = codes.shape
        words, places, seen = (
            torch.empty(n, dtype=torch.int64) for n in (codes.numel(), codes.numel(), entries)
        )
        ends = torch.empty(rows, dtype=torch.int64)
        at = [tensor.data_ptr() for tensor in (codes, seen, words, places, ends)]
        count = kernels.number_words(at[0], rows, positions, at[1], entries, at[2], at[3], at[4])
        return cls(words[:count], places.view(rows, positions), ends)


def numbered(codes: Tensor, entries: int) -> list[Numbered]:
    """Every lane's batch; lanes that see the same rows share them."""
    if codes.stride(0) == 0:
        return [Numbered.of(codes[0], entries)] * len(codes)
    return [Numbered.of(own, entries) for own in codes]


def strongest(codes: Tensor, table: Tensor, filters: Sequence[Tensor], sizes: Sequence[int]) -> Tensor:
    """Over all windows that hold a word of a row the highest score, lane batch (filter unit); 0 for a row of no words.

    score = Σⱼ table[codes[t + j]] · filter[j], where t runs from 1 − size on.

    While gradients are recorded those of leaves are written straight into `grad`, see `cotune.nets.layers.linear`.

    Args:
        filters: those of each size; all have the same units.
        sizes: words that a window of each spans.

    Source: Kim, Convolutional Neural Networks for Sentence Classification, EMNLP 2014, equations 2 to 4.
    """
    if codes.device.type != "cpu":
        return _strongest_at_once(codes, table, filters, sizes)
    found: Tensor = _Strongest.apply(codes, tuple(sizes), table, *filters)  # type: ignore[no-untyped-call]
    return found


def embedded(codes: Tensor, table: Tensor) -> Tensor:
    """Embeddings of words, zero for padding: lane batch position width."""
    lanes, entries, width = table.shape
    starts = torch.arange(lanes, device=codes.device).view(lanes, 1, 1) * entries
    found = F.embedding(codes + starts, table.reshape(lanes * entries, width))
    return found * (codes != PADDING).unsqueeze(-1)


def ends_of(codes: Tensor) -> Tensor:
    """Position behind the last word: lane batch."""
    positions = torch.arange(1, codes.shape[2] + 1, device=codes.device)
    return ((codes != PADDING) * positions).amax(2)


def _strongest_at_once(
    codes: Tensor, table: Tensor, filters: Sequence[Tensor], sizes: Sequence[int]
) -> Tensor:
    """`strongest` by large kernels, for devices with many cores."""
    lanes, batch, positions = codes.shape
    width, ends, found = table.shape[2], ends_of(codes), []
    x = embedded(codes, table)
    for size, filter in zip(sizes, filters, strict=True):
        units, windows = filter.shape[2], positions + size - 1
        padded = F.pad(x, (0, 0, size - 1, size - 1)).view(lanes, -1, width)
        wide = filter.view(lanes, size, width, units).permute(0, 2, 1, 3).reshape(lanes, width, size * units)
        products = torch.bmm(padded, wide).view(lanes, batch, -1, size, units)
        scores = sum(products[:, :, j : j + windows, j] for j in range(size))
        assert isinstance(scores, Tensor)
        begins = torch.arange(windows, device=codes.device)  # the window at t = 1 − size is the first
        holds = begins < (ends + size - 1).unsqueeze(2)
        best = scores.masked_fill(~holds.unsqueeze(3), -torch.inf).amax(2)
        found.append(torch.where((ends > 0).unsqueeze(2), best, 0.0))
    return torch.cat(found, dim=2)


class _Strongest(torch.autograd.Function):
    """`strongest` on a CPU, lane by lane."""

    @staticmethod
    def forward(ctx: Any, codes: Tensor, sizes: tuple[int, ...], table: Tensor, *filters: Tensor) -> Tensor:
        lanes, batch, positions = codes.shape
        units = filters[0].shape[2]
        spans = torch.tensor(sizes)
        shape = (lanes, batch, len(sizes) * units)
        best, at = torch.empty(shape), torch.empty(shape)
        scratch = torch.empty(units)
        lots = numbered(codes, table.shape[1])
        for lane, lot in enumerate(lots):
            products = table[lane].index_select(0, lot.words) @ _side_by_side(filters, sizes, lane)
            kernels.strongest(
                lot.places.data_ptr(), lot.ends.data_ptr(), batch, positions, products.data_ptr(), products.shape[1],
                spans.data_ptr(), len(sizes), units, best[lane].data_ptr(), at[lane].data_ptr(), scratch.data_ptr(),
            )  # fmt: skip
        ctx.save_for_backward(table, at, spans, *filters)
        ctx.lots, ctx.sizes = lots, sizes
        ctx.gradients = [_gradient_of(weight) for weight in (table, *filters)]
        return best

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[None, ...]:
        table, at, spans, *filters = ctx.saved_tensors
        to_table, *to_filters = ctx.gradients
        units, width, g = filters[0].shape[2], table.shape[2], g.contiguous()
        for lane, lot in enumerate(ctx.lots):
            batch, positions = lot.places.shape
            d_products = torch.zeros(len(lot.words), sum(ctx.sizes) * units)
            kernels.strongest_backward(
                lot.places.data_ptr(), lot.ends.data_ptr(), batch, positions, d_products.data_ptr(),
                d_products.shape[1], spans.data_ptr(), len(ctx.sizes), units, g[lane].data_ptr(), at[lane].data_ptr(),
            )  # fmt: skip
            x, first = table[lane].index_select(0, lot.words), 0
            d_wide = x.T @ d_products
            for size, to_filter in zip(ctx.sizes, to_filters, strict=True):
                d = d_wide[:, first : first + size * units].view(width, size, units).permute(1, 0, 2)
                to_filter[lane].view(size, width, units).copy_(d)
                first += size * units
            to_table[lane].zero_()
            to_table[lane].index_copy_(0, lot.words, d_products @ _side_by_side(filters, ctx.sizes, lane).T)
        return (None,) * (3 + len(filters))


def _gradient_of(weight: Tensor) -> Tensor | None:
    """Where its gradient is to be written; what is no leaf is not trained."""
    return weight.grad if weight.is_leaf else None


def _side_by_side(filters: Sequence[Tensor], sizes: Sequence[int], lane: int) -> Tensor:
    """A lane's filters as one matrix [width (filter word unit)]."""
    parts = []
    for filter, size in zip(filters, sizes, strict=True):
        own = filter[lane]
        units = own.shape[1]
        parts.append(own.view(size, -1, units).permute(1, 0, 2).reshape(-1, size * units))
    return torch.cat(parts, dim=1)


def mean_words(codes: Tensor, table: Tensor) -> Tensor:
    """The mean of a row's words, lane batch width; 0 for a row of no words. Gradients as of `strongest`.

    Source: Joulin et al., Bag of Tricks for Efficient Text Classification, EACL 2017.
    """
    if codes.device.type != "cpu":
        return embedded(codes, table).sum(2) * _shares(codes).unsqueeze(2)
    found: Tensor = _Mean.apply(codes, table)  # type: ignore[no-untyped-call]
    return found


def _shares(codes: Tensor) -> Tensor:
    return 1.0 / (codes != PADDING).sum(-1).clamp(min=1)


class _Mean(torch.autograd.Function):
    """`mean_words` on a CPU, lane by lane."""

    @staticmethod
    def forward(ctx: Any, codes: Tensor, table: Tensor) -> Tensor:
        lanes, batch, positions = codes.shape
        width = table.shape[2]
        places = torch.where(codes == PADDING, -1, codes).contiguous()
        shares, found = _shares(codes).contiguous(), torch.empty(lanes, batch, width)
        for lane in range(lanes):
            kernels.sum_words(
                places[lane].data_ptr(), batch, positions, table[lane].data_ptr(), width, shares[lane].data_ptr(),
                found[lane].data_ptr(),
            )  # fmt: skip
        ctx.places, ctx.shares, ctx.gradient = places, shares, _gradient_of(table)
        return found

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[None, None]:
        g, (lanes, batch, positions) = g.contiguous(), ctx.places.shape
        for lane in range(lanes):
            own = ctx.gradient[lane].zero_()
            kernels.sum_words_backward(
                ctx.places[lane].data_ptr(), batch, positions, own.data_ptr(), g.shape[2], ctx.shares[lane].data_ptr(),
                g[lane].data_ptr(),
            )  # fmt: skip
        return None, None
