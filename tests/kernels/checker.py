"""Goes through a program as the machine does, and notes for every float of the arena whose it is."""

from collections.abc import Sequence

import numpy as np

from cotune.kernels import convolution, recurrent
from cotune.kernels.program import (
    ACTIVATE,
    ADDS,
    BATCH_NORM,
    CODE,
    CONVOLVE,
    DX,
    DY,
    EMBED,
    EXTRA,
    EXTRA1,
    EXTRA2,
    EXTRA3,
    GRAIN,
    GRU,
    INPUTS,
    LAYER_NORM,
    LINEAR,
    POOL,
    TIMES,
    UNITS,
    X_PITCH,
    Y_PITCH,
    Program,
    X,
    Y,
)  # fmt: skip

Name = tuple[str, int]
"""("value" or "gradient" or …, offset of the value)."""


class Arena:
    """Whose each float is."""

    def __init__(self, size: int) -> None:
        self._owner = np.zeros(size, dtype=np.int64)
        self._numbers: dict[Name, int] = {}

    def write(self, at: int, floats: int, name: Name) -> None:
        """From now on they belong to `name`."""
        assert at % GRAIN == 0, f"{name} at {at} is not aligned"
        assert at >= 0
        assert at + floats <= len(self._owner), f"{name} goes beyond the arena"
        self._owner[at : at + floats] = self._numbers.setdefault(name, len(self._numbers) + 1)

    def read(self, at: int, floats: int, name: Name) -> None:
        """They must still belong to `name`."""
        own = self._owner[at : at + floats] == self._numbers.get(name, -1)
        assert own.all(), f"{(~own).sum()} of {floats} floats of {name} at {at} hold something else"


class Checker:
    """Goes through a program."""

    def __init__(self, program: Program) -> None:
        self._program, self._rows = program, program.rows
        self._arena = Arena(program.arena)

    def forward(self) -> None:
        """As `machine.forward`."""
        arena, start = self._arena, self._program.input
        arena.write(start.at, start.size(self._rows), ("value", start.at))
        for op in self._program.table:
            code, x, y = int(op[CODE]), self._floats(op, X), self._floats(op, Y)
            arena.read(op[X], x, ("value", op[X]))
            if code == EMBED:
                continue
            if code == BATCH_NORM:
                self._scratch(int(op[UNITS]))
            if code == CONVOLVE:
                self._scratch(self._convolving(op))
            for place, floats in self._kept(op):
                arena.write(place, floats, ("kept", place))
            if code == ACTIVATE and op[EXTRA] >= 0:
                arena.read(op[EXTRA], y, ("value", op[EXTRA]))
            arena.write(op[Y], y, ("value", op[Y]))
        logits = self._program.logits
        arena.read(logits.at, logits.size(self._rows), ("value", logits.at))
        arena.write(self._program.d_logits, logits.size(self._rows), ("gradient", logits.at))

    def backward(self) -> None:
        """As `machine.backward`; what each operation needs of the forward pass must still be there."""
        for op in self._program.table[::-1]:
            y = self._floats(op, Y)
            self._arena.read(op[DY], y, ("gradient", op[Y]))
            for place, floats in self._kept(op):
                self._arena.read(place, floats, ("kept", place))
            if op[CODE] != EMBED:
                self._arena.read(op[X], self._floats(op, X), ("value", op[X]))
                self._undo(op)

    def _undo(self, op: np.ndarray) -> None:
        arena, code, x, y = self._arena, int(op[CODE]), self._floats(op, X), self._floats(op, Y)
        if code in (ACTIVATE, BATCH_NORM, LAYER_NORM):
            if code == ACTIVATE and op[EXTRA] >= 0:
                self._pass_on(op[EXTRA1], y, op[EXTRA], op[EXTRA2])
                arena.read(op[DY], y, ("gradient", op[Y]))
            arena.write(op[DX], x, ("gradient", op[X]))
            return
        if code == POOL:
            arena.read(op[Y], y, ("value", op[Y]))
        if code == LINEAR and op[DX] >= 0:
            self._scratch(int(op[X_PITCH] * op[UNITS]))
        if code == CONVOLVE:
            self._scratch(self._convolving(op))
        if op[DX] >= 0:
            self._pass_on(op[DX], x, op[X], op[ADDS])
            arena.read(op[X], x, ("value", op[X]))
            assert op[DX] != op[DY]

    def _pass_on(self, place: int, floats: int, value: int, adds: int) -> None:
        if adds:
            self._arena.read(place, floats, ("gradient", value))
        self._arena.write(place, floats, ("gradient", value))

    def _kept(self, op: np.ndarray) -> Sequence[tuple[int, int]]:
        """(place, floats) that go from the forward to the backward pass beside the values."""
        if op[CODE] == BATCH_NORM:
            return [(int(op[EXTRA2]), int(op[UNITS]))]
        if op[CODE] == LAYER_NORM:
            return [(int(op[EXTRA2]), int(self._rows * op[TIMES]))]
        if op[CODE] == GRU:
            return [
                (int(op[EXTRA3]), recurrent.room(self._rows, *(int(op[c]) for c in (EXTRA2, INPUTS, UNITS))))
            ]
        return []

    def _scratch(self, floats: int) -> None:
        self._arena.write(self._program.spare, floats, ("scratch", 0))

    def _convolving(self, op: np.ndarray) -> int:
        return convolution.room(*(int(op[c]) for c in (EXTRA, EXTRA1, INPUTS, UNITS, EXTRA2)))

    def _floats(self, op: np.ndarray, end: int) -> int:
        """Floats of an operation's X or Y."""
        if end == X and op[CODE] in (CONVOLVE, POOL):
            channels = op[INPUTS] if op[CODE] == CONVOLVE else op[X_PITCH]
            return int(self._rows * op[EXTRA] * op[EXTRA1] * channels)
        return int(self._rows * op[TIMES] * op[X_PITCH if end == X else Y_PITCH])


def check(program: Program) -> None:
    """Two steps one after the other: the second begins with what the first has left."""
    checker = Checker(program)
    for _ in range(2):
        checker.forward()
        checker.backward()
