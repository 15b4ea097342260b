"""Attention along the edges of a graph, forwards and backwards, lane by lane; edges are listed as in `graphs`.

| symbol | meaning                                                     | shape                |
|--------|-------------------------------------------------------------|----------------------|
| x, y   | what nodes send and what they receive, head by head         | lane node (head unit) |
| a, b   | vectors that judge the sender and the receiver              | lane (head unit)     |
| s, t   | s = ⟨a, x⟩ of every node and head, t = ⟨b, x⟩                | lane 2 node head     |
| α      | softmax over the edges to a node of leaky(t_receiver + s_sender) | lane entry head  |
| v      | α, times what dropout makes of it                           | lane entry head      |

y = Σ v x. Units are a head's, multiples of 8. Source: Veličković et al., Graph Attention Networks, ICLR 2018, eq. 3
and 4.
"""

import numpy as np

from cotune.kernels.arrays import floats, integers
from cotune.kernels.compiling import part
from cotune.kernels.exponential import exponential
from cotune.kernels.graphs import FLOAT, MANY, ZERO
from cotune.kernels.sums import add_8, dot_8

F = np.float32
ONE = F(1)
SLOPE = F(0.2)
"""Of the leaky rectifier, as in the paper."""
LOWEST = F(-3e38)


@part
def _dot(x: int, y: int, units: int) -> np.float32:
    total = ZERO
    for u in range(0, units, 8):
        total += dot_8(x + FLOAT * u, y + FLOAT * u)
    return total


@part
def _add(factor: np.float32, x: int, y: int, units: int) -> None:
    for u in range(0, units, 8):
        add_8(factor, x + FLOAT * u, y + FLOAT * u)


def attend(
    lanes: int, rows: int, asked_at: int, starts_at: int, columns_at: int, entries: int, nodes: int, heads: int,
    units: int, x_at: int, a_at: int, b_at: int, kept_at: int, factors_at: int, scores_at: int, alpha_at: int,
    v_at: int, y_at: int, scratch_at: int,
) -> None:  # fmt: skip
    """y [lane row (head unit)], and what `attend_backward` needs: scores, α and v.

    Args:
        asked_at: numbers of the rows [lane row]; 0 for all of them in order.
        kept_at: edges that are there, 0 or 1 [lane entry]; 0 where all are.
        factors_at: dropout's factors [lane entry head]; 0 where there are none. v may be α then.
        scratch_at: 2 · heads floats.
    """
    starts, asked, columns = (
        integers(starts_at, MANY),
        integers(asked_at, MANY),
        integers(columns_at, entries),
    )
    wide = heads * units
    largest, total = floats(scratch_at, heads), floats(scratch_at + FLOAT * heads, heads)
    for lane in range(lanes):
        x, scores = x_at + FLOAT * lane * nodes * wide, scores_at + FLOAT * lane * 2 * nodes * heads
        _judge(nodes, heads, units, x, a_at + FLOAT * lane * wide, scores)
        _judge(nodes, heads, units, x, b_at + FLOAT * lane * wide, scores + FLOAT * nodes * heads)
        kept = floats(kept_at + FLOAT * lane * entries, entries)
        offset = FLOAT * lane * entries * heads
        for r in range(rows):
            i = r if asked_at == 0 else asked[lane * rows + r]
            t = floats(scores + FLOAT * (nodes + i) * heads, heads)
            largest[:], total[:] = LOWEST, ZERO
            for e in range(starts[i], starts[i + 1]):
                alpha = floats(alpha_at + offset + FLOAT * e * heads, heads)
                s = floats(scores + FLOAT * columns[e] * heads, heads)
                there = kept_at == 0 or kept[e] != ZERO
                for h in range(heads):
                    score = t[h] + s[h]
                    score = score if score > ZERO else SLOPE * score
                    score = score if there else LOWEST
                    alpha[h] = score
                    largest[h] = score if score > largest[h] else largest[h]
            for e in range(starts[i], starts[i + 1]):
                alpha = floats(alpha_at + offset + FLOAT * e * heads, heads)
                for h in range(heads):
                    alpha[h] = exponential(alpha[h] - largest[h])
                    total[h] += alpha[h]
            y = y_at + FLOAT * (lane * rows + r) * wide
            floats(y, wide)[:] = ZERO
            for h in range(heads):
                total[h] = ONE / total[h]
            for e in range(starts[i], starts[i + 1]):
                place = offset + FLOAT * e * heads
                alpha, v = floats(alpha_at + place, heads), floats(v_at + place, heads)
                factors, row = floats(factors_at + place, heads), x + FLOAT * columns[e] * wide
                for h in range(heads):
                    alpha[h] *= total[h]
                    v[h] = alpha[h] if factors_at == 0 else alpha[h] * factors[h]
                for h in range(heads):
                    _add(v[h], row + FLOAT * h * units, y + FLOAT * h * units, units)


@part
def _judge(nodes: int, heads: int, units: int, x: int, judge: int, scores: int) -> None:
    """Scores of every node and head [node head]."""
    found = floats(scores, nodes * heads)
    for n in range(nodes):
        for h in range(heads):
            found[n * heads + h] = _dot(x + FLOAT * (n * heads + h) * units, judge + FLOAT * h * units, units)


def attend_backward(
    lanes: int, rows: int, asked_at: int, starts_at: int, columns_at: int, entries: int, nodes: int, heads: int,
    units: int, x_at: int, a_at: int, b_at: int, factors_at: int, scores_at: int, alpha_at: int, v_at: int, dy_at: int,
    dx_at: int, da_at: int, db_at: int, scratch_at: int,
) -> None:  # fmt: skip
    """The gradients of x, a and b, which are added to.

    Args:
        scratch_at: (2 · nodes + entries + 1) · heads floats.
    """
    starts, asked, columns = (
        integers(starts_at, MANY),
        integers(asked_at, MANY),
        integers(columns_at, entries),
    )
    wide, count = heads * units, nodes * heads
    ds, dt = floats(scratch_at, count), floats(scratch_at + FLOAT * count, count)
    mean = floats(scratch_at + FLOAT * 2 * count, heads)
    dv_at = scratch_at + FLOAT * (2 * count + heads)
    for lane in range(lanes):
        x, dx = x_at + FLOAT * lane * nodes * wide, dx_at + FLOAT * lane * nodes * wide
        scores, offset = scores_at + FLOAT * lane * 2 * count, FLOAT * lane * entries * heads
        ds[:], dt[:] = ZERO, ZERO
        for r in range(rows):
            i = r if asked_at == 0 else asked[lane * rows + r]
            dy, t = (
                dy_at + FLOAT * (lane * rows + r) * wide,
                floats(scores + FLOAT * (nodes + i) * heads, heads),
            )
            mean[:] = ZERO
            for e in range(starts[i], starts[i + 1]):
                place, row = offset + FLOAT * e * heads, columns[e] * wide
                alpha, factors = floats(alpha_at + place, heads), floats(factors_at + place, heads)
                v, dv = floats(v_at + place, heads), floats(dv_at + FLOAT * e * heads, heads)
                for h in range(heads):
                    head = FLOAT * h * units
                    dv[h] = _dot(dy + head, x + FLOAT * row + head, units)
                    _add(v[h], dy + head, dx + FLOAT * row + head, units)
                for h in range(heads):
                    dv[h] = dv[h] if factors_at == 0 else dv[h] * factors[h]
                    mean[h] += alpha[h] * dv[h]
            received = floats(scratch_at + FLOAT * (nodes + i) * heads, heads)
            for e in range(starts[i], starts[i + 1]):
                alpha = floats(alpha_at + offset + FLOAT * e * heads, heads)
                dv, sent = (
                    floats(dv_at + FLOAT * e * heads, heads),
                    floats(scratch_at + FLOAT * columns[e] * heads, heads),
                )
                s = floats(scores + FLOAT * columns[e] * heads, heads)
                for h in range(heads):
                    slope = ONE if t[h] + s[h] > ZERO else SLOPE
                    change = alpha[h] * (dv[h] - mean[h]) * slope
                    sent[h] += change
                    received[h] += change
        for n in range(nodes):
            for h in range(heads):
                own, judged = FLOAT * (n * wide + h * units), FLOAT * (lane * wide + h * units)
                _add(ds[n * heads + h], a_at + judged, dx + own, units)
                _add(dt[n * heads + h], b_at + judged, dx + own, units)
                _add(ds[n * heads + h], x + own, da_at + judged, units)
                _add(dt[n * heads + h], x + own, db_at + judged, units)
