"""Recurrent cells: how a state goes from one time to the next.

| symbol  | meaning                                                  | shape             |
|---------|----------------------------------------------------------|-------------------|
| a       | x wx + bx, what the inputs add to each gate, side by side | lane batch (gate unit) |
| h, c    | state; the LSTM has a second part, its memory             | lane batch unit   |
| wh, bh  | weights of the state                                     | lane unit (gate unit) |
| b       | h wh + bh                                                | lane batch (gate unit) |

rnn:  h ← tanh(a + b)
gru:  r, z = σ(a + b);  n = tanh(a_n + r b_n);  h ← (1 − z) n + z h
lstm: i, f, o = σ(a + b);  g = tanh(a_g + b_g);  c ← f c + i g;  h ← o tanh c

Gates stand in torch's order: r z n, and i f g o.

Sources: Elman 1990; Cho et al., EMNLP 2014; Hochreiter & Schmidhuber 1997 with Gers et al. 2000.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

State = tuple[Tensor, ...]
"""(h,), or (h, c)."""

Step = Callable[[Tensor, State, Tensor, Tensor], State]
"""(a, state, wh, bh) → state; bh is lane 1 (gate unit)."""


@dataclass(frozen=True)
class Cell:
    """A kind of cell.

    Args:
        gates: how many there are.
        parts: of the state, each as wide as h.
        step: from one time to the next.
        forgets: whether it has a forget gate, whose bias begins at 1 (Jozefowicz et al. 2015).
    """

    gates: int
    parts: int
    step: Step
    forgets: bool = False


def _rnn(a: Tensor, state: State, wh: Tensor, bh: Tensor) -> State:
    return (torch.tanh(a + torch.baddbmm(bh, state[0], wh)),)


def _gru(a: Tensor, state: State, wh: Tensor, bh: Tensor) -> State:
    (h,) = state
    units = h.shape[-1]
    b = torch.baddbmm(bh, h, wh)
    (a_rz, a_n), (b_rz, b_n) = (torch.split(part, [2 * units, units], -1) for part in (a, b))
    reset, update = torch.sigmoid(a_rz + b_rz).chunk(2, dim=-1)
    new = torch.tanh(a_n + reset * b_n)
    return (new + update * (h - new),)


def _lstm(a: Tensor, state: State, wh: Tensor, bh: Tensor) -> State:
    h, c = state
    i, f, g, o = (a + torch.baddbmm(bh, h, wh)).chunk(4, dim=-1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


CELLS: Mapping[str, Cell] = {
    "rnn": Cell(1, 1, _rnn),
    "gru": Cell(3, 1, _gru),
    "lstm": Cell(4, 2, _lstm, forgets=True),
}
"""By family."""


def run(
    cell: Cell, a: Tensor, wh: Tensor, bh: Tensor, mask: Tensor | None, *, keeps: bool
) -> tuple[Tensor, Tensor]:
    """All states h [lane time batch unit], and the last [lane batch unit], from zero on.

    Where the mask is false the state stays as it was: it ends with a row's own last time, and a row that is read
    backwards begins there.

    Args:
        a: what inputs add to the gates, lane time batch (gate unit).
        wh, bh: lane unit (gate unit), lane (gate unit).
        mask: lane time batch.
        keeps: whether all states are wanted; else the first of what is returned is the last alone, lane 1 batch unit.
    """
    lanes, _, batch, _ = a.shape
    zero = a.new_zeros(lanes, batch, wh.shape[1])
    state: State = (zero,) * cell.parts
    bias, states = bh.unsqueeze(1), []
    masks = None if mask is None else mask.unsqueeze(-1).unbind(1)
    for t, now in enumerate(a.unbind(1)):  # one stack backwards, where slices would each fill a whole tensor
        following = cell.step(now, state, wh, bias)
        if masks is not None:
            following = tuple(
                torch.where(masks[t], new, old) for new, old in zip(following, state, strict=True)
            )
        state = following
        if keeps:
            states.append(state[0])
    return (torch.stack(states, 1) if keeps else state[0].unsqueeze(1)), state[0]
