"""What a lane computes, as a table: one row an operation, in the order of the forward pass.

Values live in one flat scratch array, the arena, at offsets that the builder deals out; a value is a matrix of `rows`
rows, `pitch` floats apart. Gradients get their places when the program is finished: a place is free again as soon as
the operation that made the value has been undone, so that the backward pass stays in the cache.

| column              | meaning                                                                   |
|---------------------|---------------------------------------------------------------------------|
| CODE                | the operation                                                             |
| X, Y                | arena: input and output                                                   |
| DX, DY              | arena: their gradients; DX is −1 where nobody needs it                    |
| W, B                | weights row: matrix or scale, bias or shift; B is −1 where there is none   |
| INPUTS, UNITS       | columns in use of X and of Y                                              |
| X_PITCH, Y_PITCH    | distances of their rows                                                   |
| ADDS                | 1 where DX holds something already, and is added to                        |
| EXTRA … EXTRA3      | what the operation needs beside that; see `Builder`                       |
| TIMES               | rows of X and Y to one row of the batch: the pixels of an image, else 1    |
"""

from dataclasses import dataclass

import numpy as np

from cotune.kernels import convolution, recurrent
from cotune.kernels.arrays import Integers

COLUMNS = 17
(CODE, X, Y, DX, DY, W, B, INPUTS, UNITS, X_PITCH, Y_PITCH, ADDS, EXTRA, EXTRA1, EXTRA2, EXTRA3, TIMES) = (
    range(COLUMNS)
)

EMBED, LINEAR, BATCH_NORM, LAYER_NORM, ACTIVATE, CONVOLVE, POOL, GRU, PERIODIC = range(9)

GRAIN = 16
"""Buffers start at multiples of this many floats."""


def pitch_of(units: int) -> int:
    """Floats from row to row: columns rounded up to whole vectors."""
    return -(-units // 8) * 8


@dataclass(frozen=True)
class Value:
    """A matrix in the arena.

    Args:
        at: its offset.
        units: columns in use.
        learned: whether some weight has a part in it, so that its gradient is needed.
        times: its rows to one row of the batch.
        pitch: distance of rows.
    """

    at: int
    units: int
    learned: bool
    times: int
    pitch: int

    def size(self, rows: int) -> int:
        """Floats it takes for a batch of `rows`."""
        return rows * self.times * self.pitch


@dataclass(frozen=True, eq=False)
class Program:
    """A finished table.

    Args:
        table: operation column.
        starts: of each embedded column in the table of embeddings [column].
        arena: floats of scratch that it needs.
        draws: numbers of dropout's draws in a step.
        rows: rows the arena has room for.
        input, logits: values at both ends.
        d_logits: arena offset of the gradient of the logits.
        spare: arena offset of room for one transposed matrix or one row of sums.
    """

    table: Integers
    starts: Integers
    arena: int
    draws: int
    rows: int
    input: Value
    logits: Value
    d_logits: int
    spare: int


class Builder:
    """Takes down a network's forward pass, operation by operation.

    Args:
        rows: rows of the largest batch.
    """

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._size = 0
        self._spare = 0
        self._draws = 0
        self._table: list[dict[int, int]] = []
        self._values: list[tuple[Value, Value, Value | None]] = []
        self._starts: tuple[int, ...] = ()
        self._free: dict[int, list[int]] = {}

    def input(self, units: int, *, learned: bool = False, packed: bool = False) -> Value:
        """The rows of a batch; `learned` where embeddings are part of them, `packed` without gaps between rows."""
        pitch = units if packed else pitch_of(units)
        self._input = Value(self._room(self._rows * pitch), units, learned, 1, pitch)
        return self._input

    def embed(self, x: Value, *, table: int, width: int, first: int, starts: tuple[int, ...]) -> None:
        """Fill columns of the input from `first` on: EXTRA columns of `width` units, each from its part of a table."""
        self._starts = starts  # and, last, the number of entries in all
        self._add(EMBED, x, x, {W: table, UNITS: width, EXTRA: len(starts) - 1, EXTRA1: first})

    def periodic(
        self,
        x: Value,
        *,
        weights: tuple[int, int, int, int],
        numbers: int,
        waves: int,
        units: int,
        first: int,
    ) -> None:
        """Fill columns of the input from `first` on with `units` for each of the first `numbers` columns.

        W, B, EXTRA, EXTRA1: frequencies, phases, weights and biases; INPUTS: numbers; UNITS: units of each; EXTRA2:
        waves of each; EXTRA3: first.
        """
        self._spare = max(self._spare, 2 * waves)
        columns = {W: weights[0], B: weights[1], EXTRA: weights[2], EXTRA1: weights[3]}
        self._add(PERIODIC, x, x, {**columns, INPUTS: numbers, UNITS: units, EXTRA2: waves, EXTRA3: first})

    def linear(self, x: Value, *, weight: int, bias: int | None, units: int) -> Value:
        """x·w + b; the units of y must be a multiple of 8, as the weights are stored without gaps."""
        y = self._value(units)
        self._spare = max(self._spare, units * x.pitch)
        self._add(LINEAR, x, y, {W: weight, B: -1 if bias is None else bias})
        return y

    def batch_norm(self, x: Value, *, scale: int, shift: int, mean: int, variance: int) -> Value:
        """Normalise over the batch. EXTRA, EXTRA1: places of mean and variance; EXTRA2: arena, [unit]."""
        y = self._value(x.units, x.times)
        self._spare = max(self._spare, x.units)
        columns = {W: scale, B: shift, EXTRA: mean, EXTRA1: variance, EXTRA2: self._room(x.units)}
        self._add(BATCH_NORM, x, y, columns)
        return y

    def layer_norm(self, x: Value, *, scale: int, shift: int) -> Value:
        """Normalise each row over its units in use. EXTRA2: arena, [row]."""
        y = self._value(x.units, x.times)
        self._add(LAYER_NORM, x, y, {W: scale, B: shift, EXTRA2: self._room(self._rows * x.times)})
        return y

    def activate(self, x: Value, *, residual: Value | None = None) -> Value:
        """The lane's activation, mask and dropout, plus `residual` (EXTRA, its gradient EXTRA1, added to if EXTRA2).

        EXTRA3 is the number of the first draw in units of a row: layers draw one after the other.
        """
        y = self._value(x.units, x.times)
        self._add(
            ACTIVATE, x, y, {EXTRA: -1 if residual is None else residual.at, EXTRA3: self._draws}, residual
        )
        self._draws += x.units * x.times
        return y

    def convolve(
        self,
        x: Value,
        *,
        weight: int,
        bias: int,
        height: int,
        width: int,
        channels: int,
        units: int,
        kernel: int,
    ) -> Value:
        """x ∗ w + b on images [height width channel]; EXTRA, EXTRA1: height and width; EXTRA2: kernel.

        Units must be a multiple of 8, and so must channels where x is learned.
        """
        y = self._value(units, height * width)
        self._spare = max(self._spare, convolution.room(height, width, channels, units, kernel))
        columns = {W: weight, B: bias, INPUTS: channels, EXTRA: height, EXTRA1: width, EXTRA2: kernel}
        self._add(CONVOLVE, x, y, columns)
        return y

    def pool(self, x: Value, *, height: int, width: int) -> Value:
        """The largest of 2 by 2 pixels. EXTRA, EXTRA1: height and width of x."""
        y = self._value(x.units, (height // 2) * (width // 2))
        self._add(POOL, x, y, {EXTRA: height, EXTRA1: width})
        return y

    def flat(self, x: Value) -> Value:
        """The same numbers, all positions of a row side by side."""
        return Value(x.at, x.units * x.times, x.learned, 1, x.pitch * x.times)

    def gru(
        self,
        x: Value,
        *,
        weights: tuple[int, int],
        biases: tuple[int, int],
        times: int,
        inputs: int,
        units: int,
    ) -> Value:
        """The last state of a gated recurrent unit over rows of `times` times `inputs` numbers.

        EXTRA: weights of the state; EXTRA1: biases of the state; EXTRA2: times; EXTRA3: arena, scratch.
        """
        y = self._value(units)
        scratch = self._room(recurrent.room(self._rows, times, inputs, units))
        columns = {
            W: weights[0],
            B: biases[0],
            EXTRA: weights[1],
            EXTRA1: biases[1],
            EXTRA2: times,
            EXTRA3: scratch,
        }
        self._add(GRU, x, y, {**columns, INPUTS: inputs})
        return y

    def finish(self, logits: Value) -> Program:
        """Give every gradient its place."""
        places = {logits.at: self._room(logits.size(self._rows))}
        d_logits = places[logits.at]
        for row, (x, y, residual) in zip(reversed(self._table), reversed(self._values), strict=True):
            row[DY] = places[y.at]
            if row[CODE] in (EMBED, PERIODIC):
                continue
            if row[CODE] in (LINEAR, CONVOLVE, POOL, GRU):
                row[DX], row[ADDS] = self._claim(x, places)
                self._free.setdefault(y.size(self._rows), []).append(row[DY])
                continue
            if residual is not None:
                row[EXTRA1], row[EXTRA2] = self._claim(residual, places)
            row[DX] = places[x.at] = row[DY]
        table = np.zeros((len(self._table), COLUMNS), dtype=np.int64)
        for number, row in enumerate(self._table):
            for column, value in row.items():
                table[number, column] = value
        spare = self._room(self._spare)
        starts = np.array(self._starts, dtype=np.int64)
        return Program(
            table,
            starts,
            self._size,
            self._draws * self._rows,
            self._rows,
            self._input,
            logits,
            d_logits,
            spare,
        )

    def _add(
        self, code: int, x: Value, y: Value, columns: dict[int, int], residual: Value | None = None
    ) -> None:
        shape = {INPUTS: x.units, UNITS: y.units, X_PITCH: x.pitch, Y_PITCH: y.pitch, TIMES: y.times}
        self._table.append({CODE: code, X: x.at, Y: y.at, DX: -1} | shape | columns)
        self._values.append((x, y, residual))

    def _value(self, units: int, times: int = 1) -> Value:
        pitch = pitch_of(units)
        return Value(self._room(self._rows * times * pitch), units, True, times, pitch)

    def _claim(self, value: Value, places: dict[int, int]) -> tuple[int, int]:
        """(place of its gradient or −1, whether something is there already)."""
        if not value.learned:
            return -1, 0
        if value.at in places:
            return places[value.at], 1
        size = value.size(self._rows)
        free = self._free.get(size)
        places[value.at] = free.pop() if free else self._room(size)
        return places[value.at], 0

    def _room(self, floats: int) -> int:
        start = self._size
        self._size += -(-floats // GRAIN) * GRAIN
        return start
