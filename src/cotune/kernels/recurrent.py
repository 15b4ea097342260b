"""The gated recurrent unit over a whole sequence, forwards and backwards through time.

| symbol   | meaning                                             | shape            |
|----------|-----------------------------------------------------|------------------|
| x        | inputs                                              | row (time input) |
| wx, bx   | weights of the inputs for r, z, n side by side      | input (3 unit)   |
| wh, bh   | weights of the state                                | unit (3 unit)    |
| h        | state                                               | row unit         |

r = σ(x wx_r + bx_r + h wh_r + bh_r);  z likewise;  n = tanh(x wx_n + bx_n + r (h wh_n + bh_n));  h ← (1 − z) n + z h.

Source: Cho et al., EMNLP 2014, in torch.nn.GRU's form.

Scratch, in this order, time first: inputs [time row input], gates [time row 3 unit], their gradients through the state
[time row 3 unit], the states' part of n [time row unit], states [time + 1, row, unit], a step's products [row 3 unit],
wh turned.
"""

import numpy as np

from cotune.kernels import matmul
from cotune.kernels.arrays import Floats, floats
from cotune.kernels.compiling import external, part
from cotune.kernels.exponential import exponential
from cotune.kernels.rows import column_sums

_matmul, _transpose, _column_sums = external(matmul.matmul), external(matmul.transpose), external(column_sums)

FLOAT = 4
F = np.float32
ZERO, ONE, TWO = F(0), F(1), F(2)


def room(rows: int, times: int, inputs: int, units: int) -> int:
    """Floats of scratch."""
    return (
        rows * times * (inputs + 7 * units)
        + rows * (times + 1) * units
        + rows * 3 * units
        + 3 * units * units
    )


@part
def _places(
    scratch: int, rows: int, times: int, inputs: int, units: int
) -> tuple[int, int, int, int, int, int]:
    gates = scratch + FLOAT * rows * times * inputs
    through = gates + FLOAT * rows * times * 3 * units
    inner = through + FLOAT * rows * times * 3 * units
    states = inner + FLOAT * rows * times * units
    product = states + FLOAT * rows * (times + 1) * units
    return gates, through, inner, states, product, product + FLOAT * rows * 3 * units


def gru(
    x_at: int, wx_at: int, wh_at: int, bx_at: int, bh_at: int, y_at: int, rows: int, times: int, inputs: int,
    units: int, scratch: int,
) -> None:  # fmt: skip
    """The state after the last time, from zero at the first [row unit]; `units` must be a multiple of 8."""
    gates_at, _, inner_at, states_at, product_at, _ = _places(scratch, rows, times, inputs, units)
    x, turned = floats(x_at, rows * times * inputs), floats(scratch, rows * times * inputs)
    for r in range(rows):
        for t in range(times):
            for i in range(inputs):
                turned[(t * rows + r) * inputs + i] = x[(r * times + t) * inputs + i]
    wide, size = 3 * units, rows * units
    _matmul(scratch, inputs, 1, wx_at, wide, gates_at, wide, rows * times, wide, inputs, 2, bx_at, 0, 0)
    floats(states_at, size)[:] = ZERO
    product = floats(product_at, rows * wide)
    for t in range(times):
        before, after = states_at + FLOAT * t * size, states_at + FLOAT * (t + 1) * size
        _matmul(before, units, 1, wh_at, wide, product_at, wide, rows, wide, units, 2, bh_at, 0, 0)
        gates = floats(gates_at + FLOAT * t * rows * wide, rows * wide)
        inner = floats(inner_at + FLOAT * t * size, size)
        for r in range(rows):
            own = slice(r * units, (r + 1) * units)
            h, following, kept = floats(before, size)[own], floats(after, size)[own], inner[own]
            _step(gates[r * wide : (r + 1) * wide], product[r * wide : (r + 1) * wide], h, kept, following)
    last, y = floats(states_at + FLOAT * times * size, size), floats(y_at, size)
    for i in range(size):
        y[i] = last[i]


@part
def _step(gates: Floats, product: Floats, h: Floats, inner: Floats, following: Floats) -> None:
    """One row at one time; the gates' sums become their values."""
    units = len(h)
    reset, update, new = gates[:units], gates[units : 2 * units], gates[2 * units :]
    for u in range(2 * units):
        gates[u] = ONE / (ONE + exponential(-(gates[u] + product[u])))
    for u in range(units):
        inner[u] = product[2 * units + u]
        new[u] = ONE - TWO / (ONE + exponential(TWO * (new[u] + reset[u] * inner[u])))
        following[u] = new[u] + update[u] * (h[u] - new[u])


def gru_backward(
    wh_at: int, dy_at: int, dwx_at: int, dwh_at: int, dbx_at: int, dbh_at: int, rows: int, times: int, inputs: int,
    units: int, scratch: int,
) -> None:  # fmt: skip
    """Gradients of all weights; dy is used up."""
    gates_at, through_at, inner_at, states_at, _, turned_at = _places(scratch, rows, times, inputs, units)
    wide, size = 3 * units, rows * units
    _transpose(wh_at, wide, turned_at, units, units, wide)
    dh = floats(dy_at, size)
    for t in range(times - 1, -1, -1):
        step_at = through_at + FLOAT * t * rows * wide
        gates, through = floats(gates_at + FLOAT * t * rows * wide, rows * wide), floats(step_at, rows * wide)
        inner, before = floats(inner_at + FLOAT * t * size, size), floats(states_at + FLOAT * t * size, size)
        for r in range(rows):
            own, span = slice(r * units, (r + 1) * units), slice(r * wide, (r + 1) * wide)
            _step_backward(gates[span], through[span], before[own], inner[own], dh[own])
        _matmul(step_at, wide, 1, turned_at, units, dy_at, units, rows, units, wide, 1, 0, 0, 0)
    steps = rows * times
    _matmul(states_at, 1, units, through_at, wide, dwh_at, wide, units, wide, steps, 0, 0, 0, 0)
    _matmul(scratch, 1, inputs, gates_at, wide, dwx_at, wide, inputs, wide, steps, 0, 0, 0, 0)
    _column_sums(gates_at, steps, wide, dbx_at)
    _column_sums(through_at, steps, wide, dbh_at)


@part
def _step_backward(gates: Floats, through: Floats, h: Floats, inner: Floats, dh: Floats) -> None:
    """One row at one time: gates become the gradients of their sums, dh what reaches the state before but by wh."""
    units = len(h)
    for u in range(units):
        reset, update, new = gates[u], gates[units + u], gates[2 * units + u]
        d_new = dh[u] * (ONE - update) * (ONE - new * new)
        d_update = dh[u] * (h[u] - new) * update * (ONE - update)
        d_reset = d_new * inner[u] * reset * (ONE - reset)
        dh[u] *= update
        gates[u], gates[units + u], gates[2 * units + u] = d_reset, d_update, d_new
        through[u], through[units + u], through[2 * units + u] = d_reset, d_update, d_new * reset
