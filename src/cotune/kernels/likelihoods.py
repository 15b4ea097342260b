"""More losses of numbers, with their gradients and links; definitions as in `cotune.engine.losses.values`.

| symbol | meaning                                                            | shape    |
|--------|--------------------------------------------------------------------|----------|
| z      | logits                                                             | row head |
| g      | gradient, zero in the padding                                      | row head |
| number | the quantile; or of poisson the target's scale over its mean       |          |
"""

import math

import numpy as np

from cotune.kernels.arrays import floats, integers, matrix
from cotune.kernels.exponential import exponential, log1p
from cotune.kernels.losses import LOG_COSH, POISSON, QUANTILE

F = np.float32
ZERO, HALF, ONE, TWO, LOG_2 = F(0), F(0.5), F(1), F(2), F(math.log(2))
FLOOR = F(math.log(1e-6))
"""Of gaussian's log-variance."""


def likelihood(
    code: int, z_at: int, g_at: int, rows: int, head: int, truth_at: int, known: int, chosen_at: int, number: float
) -> float:  # fmt: skip
    """The mean over rows of log cosh r, r = z₀ − y; of the quantile's max(τ (y − z₀), (1 − τ)(z₀ − y)); of poisson's
    e^z₀ − (1 + k y) z₀; or of gaussian's ½ (s + r² e⁻ˢ), s = z₁, but at least log 10⁻⁶.
    """
    z, g = matrix(z_at, rows, head), matrix(g_at, rows, head)
    y, chosen = floats(truth_at, known), integers(chosen_at, rows)
    g[:] = ZERO
    share, level = ONE / F(rows), F(number)
    loss = 0.0
    for r in range(rows):
        f, truth = z[r, 0], y[chosen[r]]
        error = f - truth
        size = abs(error)
        sign = ONE if error > ZERO else (-ONE if error < ZERO else error)
        if code == LOG_COSH:
            t = exponential(-TWO * size)
            loss += float(size) + float(log1p(t)) - float(LOG_2)
            g[r, 0] = sign * (ONE - t) / (ONE + t) * share
        elif code == QUANTILE:
            side = ONE - level if error > ZERO else level
            loss += float(side) * float(size)
            g[r, 0] = sign * side * share
        elif code == POISSON:
            rate, due = exponential(f), ONE + level * truth
            loss += float(rate) - float(due) * float(f)
            g[r, 0] = (rate - due) * share
        else:
            s = z[r, 1]
            held = FLOOR if s <= FLOOR else s
            inverse = exponential(-held)
            slack = exponential(s - FLOOR) if s <= FLOOR else ONE
            squared = float(error) * float(error) * float(inverse)
            loss += 0.5 * (float(held) + squared) + 0.0 * float(s)  # an s of −∞ must not pass
            g[r, 0] = error * inverse * share
            g[r, 1] = HALF * (ONE - F(squared)) * slack * share
    return loss / rows


def rate_values(z_at: int, n: int, variation: float) -> None:
    """z ← (eᶻ − 1) / k on n values, with the digits of small z kept."""
    z = floats(z_at, n)
    for i in range(n):
        z[i] = F(math.expm1(z[i]) / variation)
