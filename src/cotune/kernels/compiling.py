"""Compile functions for this processor once, and keep the result for the next process.

Compiled code comes in three sorts. A *leaf* is a loop over numbers, called with addresses and counts; it is compiled by
itself, so that no caller compiles it again, and only when something needs it. A *part* is compiled into each function
that calls it. What calls leaves is small, and all that Python calls. None of them can make an array.
"""

import ctypes
import inspect
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast

import llvmlite.binding
import numba
from llvmlite import ir
from numba import types
from numba.core import config
from numba.extending import intrinsic

from cotune.kernels.folder import cache_directory

P = ParamSpec("P")
R = TypeVar("R")

OPTIONS: dict[str, Any] = {
    "fastmath": {"contract", "reassoc", "arcp", "nsz"},
    "error_model": "numpy",
    "_nrt": False,
}
"""Sums may be split over vector lanes, while infinities and NaN keep their meaning; no memory is counted or freed."""

KINDS = {"int": types.int64, "float": types.float64, "None": types.void}

_LOCK = threading.RLock()
_SLOTS: dict[str, tuple[ctypes.c_void_p, Any]] = {}
"""Addresses of leaves, at addresses that compiled code knows by the leaf's symbol; and what was there at first."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """`function` as machine code that runs without Python's lock; compiled when first called."""
    with _our_cache() as kept:
        found: Callable[P, R] = numba.njit(nogil=True, cache=kept, **OPTIONS)(function)
    return found


def part(function: Callable[P, R]) -> Callable[P, R]:
    """`function` for other compiled functions; it lacks what Python needs for a call, which takes long to compile."""
    found: Callable[P, R] = numba.njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)(
        function
    )
    return found


def external(leaf: Callable[P, R]) -> Callable[P, R]:
    """What compiled code calls to reach a leaf; works once `load` has seen the leaf."""
    symbol, signature = _symbol(leaf), _signature(leaf)
    _slot(leaf)

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        nothing = signature.return_type == types.void
        result = ir.VoidType() if nothing else context.get_value_type(signature.return_type)
        kind = ir.FunctionType(result, [argument.type for argument in arguments]).as_pointer()
        slot = builder.module.globals.get(symbol) or ir.GlobalVariable(builder.module, kind, symbol)
        found = builder.call(builder.load(slot), arguments)
        return context.get_dummy_value() if nothing else found

    def call(*_: Any) -> Any:
        return signature, code

    call.__name__ = leaf.__name__
    names = ["typing", *inspect.signature(leaf).parameters]
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    )
    return cast(Callable[P, R], intrinsic(call))


def load(leaf: Callable[..., Any]) -> Any:
    """Compile a leaf, or fetch it from the cache, and let compiled code find it.

    Args:
        leaf: a function whose arguments are annotated int or float.

    Returns:
        the compiled leaf; it must be kept, and is callable by `.ctypes`.
    """
    with _our_cache() as kept:
        made = numba.cfunc(_signature(leaf), cache=kept, **OPTIONS)(leaf)
    _slot(leaf).value = made.address
    return made


def _slot(leaf: Callable[..., Any]) -> ctypes.c_void_p:
    symbol = _symbol(leaf)
    if symbol not in _SLOTS:
        missing = ctypes.CFUNCTYPE(None)(partial(_stop, symbol))
        _SLOTS[symbol] = ctypes.cast(missing, ctypes.c_void_p), missing
        llvmlite.binding.add_symbol(symbol, ctypes.addressof(_SLOTS[symbol][0]))
    return _SLOTS[symbol][0]


def _stop(symbol: str) -> None:
    """Called by compiled code in place of a leaf that is not loaded; it cannot raise through machine code."""
    os.write(2, f"{symbol} is called, but it has not been loaded; see cotune.kernels.loading\n".encode())
    os.abort()


def _symbol(leaf: Callable[..., Any]) -> str:
    return f"cotune_{leaf.__module__.rsplit('.', 1)[-1]}_{leaf.__name__}"


def _signature(leaf: Callable[..., Any]) -> Any:
    names = {name: getattr(kind, "__name__", str(kind)) for name, kind in leaf.__annotations__.items()}
    result = names.pop("return")
    return KINDS[result](*[KINDS[kind] for kind in names.values()])


@contextmanager
def _our_cache() -> Iterator[bool]:
    """Numba keeps functions in our folder; yields whether there is one."""
    with _LOCK:  # the setting is one for the whole process
        before, folder = config.CACHE_DIR, cache_directory()
        config.CACHE_DIR = str(folder or "")
        try:
            yield folder is not None
        finally:
            config.CACHE_DIR = before
