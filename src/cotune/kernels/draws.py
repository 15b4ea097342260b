"""Dropout's draws: the hash of `cotune.engine.rng`, number for number, inside compiled loops.

Draw i of a step is byte i mod 8 of SplitMix64's finaliser at key + golden · (i div 8 + 1) (Steele, Lea & Flood 2014).
"""

import numpy as np

from cotune.kernels.arrays import bits, floats, signed_bytes
from cotune.kernels.compiling import part

U = np.uint64
GOLDEN, M1, M2 = U(0x9E3779B97F4A7C15), U(0xBF58476D1CE4E5B9), U(0x94D049BB133111EB)
THIRTY, TWENTY_SEVEN, THIRTY_ONE, LOW_16 = U(30), U(27), U(31), U(0xFFFF)
LEVELS = 256.0


@part
def mix(x: np.uint64) -> np.uint64:
    """SplitMix64's finaliser on uint64."""
    x = (x ^ (x >> THIRTY)) * M1
    x = (x ^ (x >> TWENTY_SEVEN)) * M2
    return x ^ (x >> THIRTY_ONE)


@part
def step_key(seed: int, step: int) -> np.uint64:
    """A lane's key for its step 0, 1, …; see `cotune.engine.rng.keys`."""
    return mix(U(seed) + GOLDEN * U(step + 1))


@part
def drop_level(key: np.uint64, p: float) -> np.float64:
    """How many of the 256 levels mean "drop" in this step; see `cotune.engine.rng.drop_levels`."""
    dither = np.float64(mix(key) & LOW_16) / 65536.0
    return np.float64(min(np.floor(np.float64(np.float32(p)) * LEVELS + dither), LEVELS - 1.0))


def drop(seed: int, step: int, p: float, first: int, scratch: int, y_at: int, d_at: int, n: int) -> None:
    """Drop units: y and d times 0 with probability q, else times 1/(1 − q); q = level/256 is p on average over steps.

    Args:
        first: number of the draw for y[0], a multiple of 8.
        scratch: room for n bytes, rounded up to 8.
        y_at, d_at: values and their derivatives [n].
    """
    key = step_key(seed, step)
    level = drop_level(key, p)
    hashes = (n + 7) // 8
    words, drawn = bits(scratch, hashes), signed_bytes(scratch, n)
    start = key + GOLDEN * (U(first // 8) + U(1))
    for i in range(hashes):
        words[i] = mix(start + GOLDEN * U(i))
    threshold = np.int32(level) - np.int32(128)
    factor, zero = np.float32(LEVELS / (LEVELS - level)), np.float32(0)
    y, d = floats(y_at, n), floats(d_at, n)
    for i in range(n):
        keep = factor if np.int32(drawn[i]) >= threshold else zero
        y[i] *= keep
        d[i] *= keep
