"""Compile functions for this processor once, and keep the result for the next process.

Compiled code comes in two sorts. A *leaf* is a loop over numbers, called with addresses and counts; it is compiled by
itself, so that no caller compiles it again. What calls leaves is small.

The cache is named after the text of every file of this package: a compiled function holds those it calls, whose
changes Numba does not notice.
"""

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import llvmlite.binding
import numba
from numba import types
from numba.core import config

P = ParamSpec("P")
R = TypeVar("R")

FAST = {"contract", "reassoc", "arcp", "nsz"}
"""Freedoms of the compiler: sums may be split over vector lanes. Infinities and NaN keep their meaning."""

_LOCK = threading.RLock()

KINDS = {"int": types.int64, "float": types.float64, "None": types.void, "bool": types.int64}


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """`function` as machine code that runs without Python's lock; compiled when first called."""
    with _our_cache():
        found: Callable[P, R] = numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")(
            function
        )
    return found


def external(leaf: Callable[P, R]) -> Callable[P, R]:
    """What compiled code calls to reach a leaf; works once `load` has seen the leaf."""
    return cast(Callable[P, R], types.ExternalFunction(_symbol(leaf), _signature(leaf)))


def load(*leaves: Callable[..., Any]) -> Mapping[str, Any]:
    """Compile leaves, or fetch them from the cache, and let compiled code find them.

    Args:
        leaves: functions whose arguments are annotated int or float.

    Returns:
        the compiled leaves by name; they must be kept, and are callable by `.ctypes`.
    """
    found = {}
    with _our_cache():
        for leaf in leaves:
            made = numba.cfunc(_signature(leaf), cache=True, fastmath=FAST, error_model="numpy")(leaf)
            llvmlite.binding.add_symbol(_symbol(leaf), made.address)
            found[leaf.__name__] = made
    return found


def _symbol(leaf: Callable[..., Any]) -> str:
    return f"cotune_{leaf.__module__.rsplit('.', 1)[-1]}_{leaf.__name__}"


def _signature(leaf: Callable[..., Any]) -> Any:
    names = {name: getattr(kind, "__name__", str(kind)) for name, kind in leaf.__annotations__.items()}
    result = names.pop("return")
    return KINDS[result](*[KINDS[kind] for kind in names.values()])


@contextmanager
def _our_cache() -> Iterator[None]:
    with _LOCK:  # the setting is one for the whole process
        before = config.CACHE_DIR
        config.CACHE_DIR = str(cache_directory())
        try:
            yield
        finally:
            config.CACHE_DIR = before


@cache
def cache_directory() -> Path:
    """Where compiled functions are kept: below XDG_CACHE_HOME or ~/.cache, else a temporary folder."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    name = Path("cotune") / f"kernels-{digest.hexdigest()[:16]}"
    roots = [Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"), Path(tempfile.gettempdir())]
    for root in roots:
        try:
            (root / name).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=root / name):
                return root / name
        except OSError:
            continue
    return Path(tempfile.mkdtemp(prefix="cotune-kernels-"))
