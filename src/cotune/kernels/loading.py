"""The compiled leaves of the machine, made or fetched from the cache on disk when first needed."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from cotune.kernels import descents, leaves, updates
from cotune.kernels.arrays import Doubles, Integers
from cotune.kernels.compiling import load
from cotune.kernels.fields import LOSS, OPTIMIZER
from cotune.kernels.leaves import Leaf
from cotune.kernels.program import CODE, Program

_LOADED: dict[Leaf, Any] = {}
_LOADING = threading.Lock()


def loaded(leaf: Leaf) -> Any:
    """A compiled leaf, callable by `.ctypes`."""
    with _LOADING:
        if leaf not in _LOADED:
            _LOADED[leaf] = load(leaf)
    return _LOADED[leaf]


def load_for(program: Program, size: Integers, rate: Doubles, *, paced: bool) -> None:
    """Load all that the machine needs to run a program for some lanes.

    Args:
        size, rate: of the lanes, by the columns of `cotune.kernels.fields` [lane column].
        paced: whether some lane's layers learn at rates of their own.
    """
    with _no_collector():
        for leaf in needed(program, size, rate, paced=paced):
            loaded(leaf)


def needed(program: Program, size: Integers, rate: Doubles, *, paced: bool) -> tuple[Leaf, ...]:
    """The leaves that the machine calls for a program and some lanes; arguments as for `load_for`."""
    asked = [
        leaves.COMMON,
        *(leaves.OF_OPERATIONS.get(code, ()) for code in np.unique(program.table[:, CODE]).tolist()),
        *(leaves.OF_LOSSES[code] for code in np.unique(size[:, LOSS]).tolist()),
        *(found for column, found in leaves.OF_RATES.items() if rate[:, column].max() > 0),
        *(found for column, found in leaves.OF_SLOTS.items() if size[:, column].max() >= 0),
        leaves.PACED if paced else (),
        (descents.descend,) if size[:, OPTIMIZER].max() >= updates.COMMON else (),
    ]
    return tuple(dict.fromkeys(leaf for some in asked for leaf in some))


@contextmanager
def _no_collector() -> Iterator[None]:
    """Compiling makes millions of objects that are soon freed; looking for cycles among them takes a seventh longer."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
