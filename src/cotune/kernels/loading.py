"""The compiled leaves of the machine, made or fetched from the cache on disk when first needed."""

import gc
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from cotune.kernels import descents, machine, updates
from cotune.kernels.compiling import load
from cotune.kernels.program import CODE, Program

_LOADED: dict[Callable[..., Any], Any] = {}
_LOADING = threading.Lock()


def loaded(leaf: Callable[..., Any]) -> Any:
    """A compiled leaf, callable by `.ctypes`."""
    with _LOADING:
        if leaf not in _LOADED:
            _LOADED[leaf] = load(leaf)
    return _LOADED[leaf]


def load_for(program: Program) -> None:
    """Load all that the machine needs to run a program."""
    needed = [
        leaf for code in set(program.table[:, CODE].tolist()) for leaf in machine.LEAVES_OF.get(code, ())
    ]
    with _no_collector():
        for leaf in (*machine.COMMON, *needed):
            loaded(leaf)


def load_optimizers(codes: Iterable[int]) -> None:
    """Load what the machine needs for optimizers with these codes."""
    if max(codes) >= updates.COMMON:
        with _no_collector():
            loaded(descents.descend)


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
