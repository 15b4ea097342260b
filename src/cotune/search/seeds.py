"""Seeds that are the same on every machine, in every process, and after every restart."""

import hashlib

import numpy as np


def seed_of(*parts: int | str) -> int:
    """A number in [0, 2³²) that depends on `parts` alone (Python's own `hash` is salted per process)."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:4], "big")


def generator(*parts: int | str) -> np.random.Generator:
    """A generator of its own for `parts`."""
    return np.random.default_rng(seed_of(*parts))
