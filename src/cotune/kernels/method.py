"""What is done around an optimizer's step: penalties, noise, sums of gradients, slow and average weights.

Definitions as in `cotune.engine.regularize`, `accumulate` and `averages`. One pass over memory each.

| symbol | meaning                    | shape  |
|--------|----------------------------|--------|
| w, g   | weights and gradient       | weight |
| kept   | scratch of the thread      | weight |
"""

import numpy as np

from cotune.kernels.arrays import floats, integer_matrix, matrix
from cotune.kernels.draws import GOLDEN, U, mix, step_key

FLOAT = 4
F = np.float32
ZERO, ONE, TINY = F(0), F(1), F(1e-12)
BYTE, EIGHT = U(255), U(8)
MIDDLE, SPREAD = 1020, F(43690.0**-0.5)
"""Mean, and one over the standard deviation, of the sum of eight bytes."""


def add_l2(w_at: int, g_at: int, n: int, amount: float) -> None:
    """g ← g + λ₂ w on the first n weights."""
    w, g, l2 = floats(w_at, n), floats(g_at, n), F(amount)
    for i in range(n):
        g[i] += l2 * w[i]


def clip_value(g_at: int, n: int, limit: float) -> None:
    """Each number of g into [−limit, limit]."""
    g, bound = floats(g_at, n), F(limit)
    for i in range(n):
        x = g[i]
        x = bound if x > bound else x
        g[i] = -bound if x < -bound else x


def add_noise(g_at: int, corners_at: int, n: int, seed: int, step: int, sigma: float) -> None:
    """g ← g + σ z, z as `cotune.engine.rng.normals` draws it from the key of this step; none in the padding."""
    g, corners, size, key = floats(g_at, n), floats(corners_at, n), F(sigma), step_key(seed, step)
    for i in range(n):
        x = mix(key + GOLDEN * U(i + 1))
        total = np.int64(0)
        for _ in range(8):
            total += np.int64(x & BYTE)
            x = x >> EIGHT
        g[i] += size * (F(total - MIDDLE) * SPREAD * corners[i])


def max_norm(w_at: int, places_at: int, count: int, limit: float) -> None:
    """Scale what enters a unit down to norm `limit` where it is longer.

    Args:
        places_at: (offset, inputs, units) of every matrix [count 3].
    """
    places, bound = integer_matrix(places_at, count, 3), F(limit)
    for m in range(count):
        inputs, units = places[m, 1], places[m, 2]
        w = matrix(w_at + FLOAT * places[m, 0], inputs, units)
        for u in range(units):
            square = ZERO
            for i in range(inputs):
                square += w[i, u] * w[i, u]
            norm = np.sqrt(square)
            if norm > bound:
                factor = bound / norm
                for i in range(inputs):
                    w[i, u] *= factor


def add_part(sum_at: int, g_at: int, n: int, part: float) -> None:
    """sum ← sum + part · g."""
    total, g, share = floats(sum_at, n), floats(g_at, n), F(part)
    for i in range(n):
        total[i] += share * g[i]


def take_sum(sum_at: int, g_at: int, n: int) -> None:
    """g ← sum; sum ← 0."""
    total, g = floats(sum_at, n), floats(g_at, n)
    for i in range(n):
        g[i] = total[i]
        total[i] = ZERO


def move_towards(a_at: int, w_at: int, n: int, share: float) -> None:
    """a ← a + share · (w − a)."""
    a, w, s = floats(a_at, n), floats(w_at, n), F(share)
    for i in range(n):
        a[i] += s * (w[i] - a[i])


def still(g_at: int, pace_at: int, n: int) -> None:
    """g ← 0 where the pace is 0."""
    g, pace = floats(g_at, n), floats(pace_at, n)
    for i in range(n):
        g[i] = ZERO if pace[i] == ZERO else g[i]


def at_pace(w_at: int, kept_at: int, pace_at: int, n: int) -> None:
    """w ← kept + pace · (w − kept), w itself where the pace is 1."""
    w, kept, pace = floats(w_at, n), floats(kept_at, n), floats(pace_at, n)
    for i in range(n):
        w[i] = w[i] if pace[i] == ONE else kept[i] + pace[i] * (w[i] - kept[i])


def uphill(w_at: int, g_at: int, n: int, rho: float) -> None:
    """w ← w + ρ g/‖g‖."""
    w, g, square = floats(w_at, n), floats(g_at, n), ZERO
    for i in range(n):
        square += g[i] * g[i]
    factor = F(rho) / (np.sqrt(square) + TINY)
    for i in range(n):
        w[i] += factor * g[i]
