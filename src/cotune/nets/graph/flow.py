"""What nodes hear from their neighbours, for all lanes: compiled loops on a CPU, PyTorch's kernels elsewhere.

| symbol | meaning                                              | shape                |
|--------|------------------------------------------------------|----------------------|
| x      | what nodes (or features) send                        | lane node unit       |
| v      | factors of the entries                               | lane entry, or entry |
| asked  | rows that are wanted, `None` for all in order        | lane row             |

The compiled loops take one lane after the other, each in the order of its entries: bits of a lane depend on no other.
"""

from typing import Any

import torch
from torch import Tensor

from cotune.data.graphs.world import Entries
from cotune.kernels import attention, graphs
from cotune.kernels.loading import loaded

SLOPE = float(attention.SLOPE)


def _at(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()


def collect(entries: Entries, x: Tensor, v: Tensor, asked: Tensor | None = None) -> Tensor:
    """y_i = Σ v x over the entries of row i [lane row unit]. No gradient goes to v.

    Args:
        x: units are a multiple of 8.
    """
    if x.device.type != "cpu":
        return _collect_by_torch(entries, x, v, asked)
    found: Tensor = _Collect.apply(entries, x, v, asked)  # type: ignore[no-untyped-call]
    return found


class _Collect(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, entries: Entries, x: Tensor, v: Tensor, asked: Tensor | None) -> Tensor:
        x, v = x.contiguous(), v.contiguous()
        asked = None if asked is None else asked.contiguous()
        ctx.entries, ctx.shape = entries, x.shape
        ctx.save_for_backward(v, asked)
        y = x.new_empty(len(x), entries.height if asked is None else asked.shape[1], x.shape[2])
        _call(graphs.collect, entries, x, v, asked, y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[None, Tensor, None, None]:
        v, asked = ctx.saved_tensors
        dx = dy.new_zeros(ctx.shape)
        _call(graphs.spread, ctx.entries, dx, v, asked, dy.contiguous())
        return None, dx, None, None


def _call(leaf: Any, entries: Entries, x: Tensor, v: Tensor, asked: Tensor | None, y: Tensor) -> None:
    lanes, nodes, units = x.shape
    assert units % 8 == 0
    loaded(leaf).ctypes(
        lanes, y.shape[1], _at(asked), _at(entries.starts), _at(entries.columns), _at(v),
        entries.count if v.ndim == 2 else 0, _at(x), nodes * units, units, _at(y),
    )  # fmt: skip


def _collect_by_torch(entries: Entries, x: Tensor, v: Tensor, asked: Tensor | None) -> Tensor:
    sent = x.index_select(1, entries.columns) * v.expand(len(x), -1).unsqueeze(2)
    y = x.new_zeros(len(x), entries.height, x.shape[2]).index_add(1, entries.rows, sent)
    return y if asked is None else rows_of(y, asked)


def rows_of(x: Tensor, asked: Tensor) -> Tensor:
    """Each lane's own rows of x [lane row unit]."""
    return x.gather(1, asked.unsqueeze(2).expand(-1, -1, x.shape[2]))


def collect_largest(entries: Entries, x: Tensor, kept: Tensor | None, asked: Tensor | None = None) -> Tensor:
    """y_i = max x over the entries of row i, unit by unit; 0 where there are none [lane row unit].

    Args:
        kept: entries that are there, 0 or 1 [lane entry]; `None` where all are.
    """
    if x.device.type != "cpu":
        return _largest_by_torch(entries, x, kept, asked)
    found: Tensor = _Largest.apply(entries, x, kept, asked)  # type: ignore[no-untyped-call]
    return found


class _Largest(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, entries: Entries, x: Tensor, kept: Tensor | None, asked: Tensor | None) -> Tensor:
        x = x.contiguous()
        kept = None if kept is None else kept.contiguous()
        asked = None if asked is None else asked.contiguous()
        lanes, nodes, units = x.shape
        rows = entries.height if asked is None else asked.shape[1]
        y = x.new_empty(lanes, rows, units)
        chosen = torch.empty(y.shape, dtype=torch.int64)
        loaded(graphs.collect_largest).ctypes(
            lanes, rows, _at(asked), _at(entries.starts), _at(entries.columns), _at(kept), entries.count, _at(x),
            nodes, units, _at(y), _at(chosen),
        )  # fmt: skip
        ctx.entries, ctx.shape = entries, x.shape
        ctx.save_for_backward(chosen)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[None, Tensor, None, None]:
        (chosen,), dy = ctx.saved_tensors, dy.contiguous()
        lanes, nodes, units = ctx.shape
        dx = dy.new_zeros(ctx.shape)
        loaded(graphs.spread_largest).ctypes(
            lanes, dy.shape[1], _at(ctx.entries.columns), _at(chosen), _at(dx), nodes, units, _at(dy)
        )
        return None, dx, None, None


def _largest_by_torch(entries: Entries, x: Tensor, kept: Tensor | None, asked: Tensor | None) -> Tensor:
    """The first of equals gets the whole gradient, as in the compiled loop."""
    lanes, _, units = x.shape
    sent = x.index_select(1, entries.columns)
    masked = sent if kept is None else sent.masked_fill(kept.unsqueeze(2) == 0, -torch.inf)
    place = entries.rows.view(1, -1, 1).expand(lanes, -1, units)
    nothing = x.new_full((lanes, entries.height, units), -torch.inf)
    y = nothing.scatter_reduce(1, place, masked.detach(), "amax")
    numbers = torch.arange(entries.count, device=x.device).view(1, -1, 1)
    winning = torch.where((masked == y.gather(1, place)) & masked.isfinite(), numbers, entries.count)
    first = torch.full_like(y, entries.count, dtype=torch.int64).scatter_reduce(1, place, winning, "amin")
    found = _with_zeros(sent).gather(1, first)
    return found if asked is None else rows_of(found, asked)


def _with_zeros(x: Tensor) -> Tensor:
    """x with a row of zeros at its end."""
    return torch.nn.functional.pad(x, (0, 0, 0, 1))


def attend(
    entries: Entries,
    x: Tensor,
    sender: Tensor,
    receiver: Tensor,
    *,
    heads: int,
    kept: Tensor | None,
    factors: Tensor | None,
    asked: Tensor | None = None,
) -> Tensor:
    """Σ α x with α = softmax over the entries of a row of leaky(⟨receiver, x_i⟩ + ⟨sender, x_j⟩), head by head.

    Args:
        x: lane node (head unit), a head's units a multiple of 8.
        sender, receiver: lane (head unit).
        kept: entries that are there, 0 or 1 [lane entry]; `None` where all are. Every row must keep one.
        factors: dropout's, lane entry head; `None` where there are none.

    Returns:
        lane row (head unit).

    Source: Veličković et al., Graph Attention Networks, ICLR 2018.
    """
    if x.device.type != "cpu":
        return _attend_by_torch(entries, x, sender, receiver, heads, kept, factors, asked)
    found: Tensor = _Attend.apply(entries, x, sender, receiver, heads, kept, factors, asked)  # type: ignore[no-untyped-call]
    return found


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, entries: Entries, x: Tensor, a: Tensor, b: Tensor, heads: int, kept: Tensor | None,
        factors: Tensor | None, asked: Tensor | None,
    ) -> Tensor:  # fmt: skip
        x, a, b = x.contiguous(), a.contiguous(), b.contiguous()
        kept, factors, asked = (p if p is None else p.contiguous() for p in (kept, factors, asked))
        lanes, nodes, wide = x.shape
        rows = entries.height if asked is None else asked.shape[1]
        scores, y = x.new_empty(lanes, 2, nodes, heads), x.new_empty(lanes, rows, wide)
        alpha = x.new_empty(lanes, entries.count, heads)
        v = alpha if factors is None else torch.empty_like(alpha)
        assert wide % (8 * heads) == 0
        scratch = x.new_empty(2 * heads)
        loaded(attention.attend).ctypes(
            lanes, rows, _at(asked), _at(entries.starts), _at(entries.columns), entries.count, nodes, heads,
            wide // heads, _at(x), _at(a), _at(b), _at(kept), _at(factors), _at(scores), _at(alpha), _at(v), _at(y),
            _at(scratch),
        )  # fmt: skip
        ctx.entries, ctx.heads = entries, heads
        ctx.save_for_backward(x, a, b, factors, asked, scores, alpha, v)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, a, b, factors, asked, scores, alpha, v = ctx.saved_tensors
        entries, dy = ctx.entries, dy.contiguous()
        lanes, nodes, wide = x.shape
        dx, da, db = torch.zeros_like(x), torch.zeros_like(a), torch.zeros_like(b)
        scratch = x.new_empty((2 * nodes + entries.count + 1) * ctx.heads)
        loaded(attention.attend_backward).ctypes(
            lanes, dy.shape[1], _at(asked), _at(entries.starts), _at(entries.columns), entries.count, nodes, ctx.heads,
            wide // ctx.heads, _at(x), _at(a), _at(b), _at(factors), _at(scores), _at(alpha), _at(v), _at(dy), _at(dx),
            _at(da), _at(db), _at(scratch),
        )  # fmt: skip
        return None, dx, da, db, None, None, None, None


def _attend_by_torch(
    entries: Entries, x: Tensor, a: Tensor, b: Tensor, heads: int, kept: Tensor | None, factors: Tensor | None,
    asked: Tensor | None,
) -> Tensor:  # fmt: skip
    lanes, nodes, wide = x.shape
    parted = x.view(lanes, nodes, heads, -1)
    s, t = ((parted * judge.view(lanes, 1, heads, -1)).sum(3) for judge in (a, b))
    scores = torch.nn.functional.leaky_relu(
        t.index_select(1, entries.rows) + s.index_select(1, entries.columns), SLOPE
    )
    if kept is not None:
        scores = scores.masked_fill(kept.unsqueeze(2) == 0, -torch.inf)
    place = entries.rows.view(1, -1, 1).expand_as(scores)
    rows = (lanes, entries.height, heads)
    largest = scores.new_full(rows, -torch.inf).scatter_reduce(1, place, scores.detach(), "amax")
    weights = (scores - largest.gather(1, place)).exp()
    alpha = weights / weights.new_zeros(rows).index_add(1, entries.rows, weights).gather(1, place)
    v = alpha if factors is None else alpha * factors
    sent = parted.index_select(1, entries.columns) * v.unsqueeze(3)
    y = parted.new_zeros(lanes, entries.height, heads, wide // heads).index_add(1, entries.rows, sent)
    return y.flatten(2) if asked is None else rows_of(y.flatten(2), asked)
