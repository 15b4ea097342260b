"""Calling compiled loops from Python."""

from typing import Any

import numpy as np

from cotune.kernels import descents, leaves
from cotune.kernels.loading import loaded

LEAVES = {leaf.__name__: leaf for leaf in leaves.LEAVES}


def call(name: str, *arguments: Any) -> Any:
    """Call a leaf by name; arrays are passed by address, and must be contiguous."""
    for leaf in (*leaves.COMMON, descents.descend):  # which other leaves may call
        loaded(leaf)
    assert all(a.flags.c_contiguous for a in arguments if isinstance(a, np.ndarray))
    return loaded(LEAVES[name]).ctypes(
        *[a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments]
    )


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Normal numbers, float32; the same arguments give the same numbers."""
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)
