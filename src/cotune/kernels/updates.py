"""Optimizers' steps and what is done to a gradient before them: one pass over memory each.

The formulas, and the coefficients c of a step, are those of `cotune.engine.optim`.

| symbol | meaning                                             | shape  |
|--------|-----------------------------------------------------|--------|
| w, g   | weights and gradient; the first `decayed` decay     | weight |
| m, v   | optimizer memory                                    | weight |
"""

import numpy as np

from cotune.kernels import descents
from cotune.kernels.arrays import Floats, floats
from cotune.kernels.compiling import external, part
from cotune.kernels.descents import COEFFICIENTS as COEFFICIENTS

OWN = ("sgd", "nesterov", "adam", "adamw")
NAMES = (*OWN, *descents.NAMES)
"""An optimizer's code is its place here. Those that are not our own are a leaf of theirs, loaded when one is used."""

COMMON = len(OWN)
_descend = external(descents.descend)

FLOAT = 4
F = np.float32
ZERO, ONE = F(0), F(1)


def update(code: int, w_at: int, g_at: int, memory_at: int, c_at: int, size: int, decayed: int) -> None:
    """One step in place.

    Args:
        memory_at: slot weight.
        c_at: coefficients of this step.
    """
    if code >= COMMON:
        _descend(code - COMMON, w_at, g_at, memory_at, c_at, size, decayed)
        return
    c = floats(c_at, COEFFICIENTS)
    for share in range(2):
        begin, n = (0, decayed) if share == 0 else (decayed, size - decayed)
        w, g = floats(w_at + FLOAT * begin, n), floats(g_at + FLOAT * begin, n)
        m, v = floats(memory_at + FLOAT * begin, n), floats(memory_at + FLOAT * (size + begin), n)
        if code < 2:
            _momentum(w, g, m, c, c[2] if share == 0 else ZERO, code == 1)
        else:
            penalty = c[4] if share == 0 and code == 2 else ZERO
            _adam(w, g, m, v, c, penalty, c[4] if share == 0 and code == 3 else ONE)


@part
def _momentum(w: Floats, g: Floats, v: Floats, c: Floats, penalty: np.float32, nesterov: bool) -> None:
    """c = −lr, μ, λ; `penalty` joins the gradient."""
    rate, mu = c[0], c[1]
    for i in range(len(w)):
        total = g[i] + penalty * w[i]
        v[i] = mu * v[i] + total
        w[i] += rate * (mu * v[i] + total if nesterov else v[i])


@part
def _adam(
    w: Floats, g: Floats, m: Floats, v: Floats, c: Floats, penalty: np.float32, shrink: np.float32
) -> None:
    """c = 1 − β₁, 1 − β₂, −lr √c₂/c₁, ε √c₂; `penalty` joins the gradient, `shrink` multiplies the weights."""
    share1, share2, rate, epsilon = c[0], c[1], c[2], c[3]
    for i in range(len(w)):
        total = g[i] + penalty * w[i]
        m[i] += share1 * (total - m[i])
        v[i] += share2 * (total * total - v[i])
        w[i] = w[i] * shrink + rate * (m[i] / (np.sqrt(v[i]) + epsilon))


def add_l1(w_at: int, g_at: int, n: int, amount: float) -> None:
    """g ← g + λ₁ sign(w) on the first n weights. Source: Tibshirani 1996."""
    w, g, l1 = floats(w_at, n), floats(g_at, n), F(amount)
    for i in range(n):
        g[i] += l1 if w[i] > ZERO else (-l1 if w[i] < ZERO else ZERO)


def clip_norm(g_at: int, n: int, limit: float) -> None:
    """Scale g down to norm `limit` where it is longer. Source: Pascanu, Mikolov & Bengio, ICML 2013."""
    g, square = floats(g_at, n), ZERO
    for i in range(n):
        square += g[i] * g[i]
    factor = F(limit) / (np.sqrt(square) + F(1e-6))
    if factor < ONE:
        for i in range(n):
            g[i] *= factor
