"""Optimizers' steps and what is done to a gradient before them: one pass over memory each.

The formulas, and the coefficients c of a step, are those of `cotune.engine.optim`.

| symbol | meaning                                             | shape  |
|--------|-----------------------------------------------------|--------|
| w, g   | weights and gradient; the first `decayed` decay     | weight |
| m, v   | optimizer memory                                    | weight |
"""

import numpy as np

from cotune.kernels.arrays import Floats, floats
from cotune.kernels.compiling import compiled

NAMES = ("sgd", "nesterov", "adam", "adamw")
"""An optimizer's code is its place here."""

COEFFICIENTS = 5
"""Room for the coefficients of a step."""

F = np.float32
ZERO, ONE = F(0), F(1)


def update(code: int, w_at: int, g_at: int, memory_at: int, c_at: int, size: int, decayed: int) -> None:
    """One step in place.

    Args:
        memory_at: slot weight.
        c_at: coefficients of this step.
    """
    w, g, memory, c = (
        floats(w_at, size),
        floats(g_at, size),
        floats(memory_at, 2 * size),
        floats(c_at, COEFFICIENTS),
    )
    if code < 2:
        _momentum(w, g, memory[:size], c, decayed, code == 1)
        return
    for part in range(2):
        begin, end = (0, decayed) if part == 0 else (decayed, size)
        penalty = c[4] if part == 0 and code == 2 else ZERO
        shrink = c[4] if part == 0 and code == 3 else ONE
        m, v = memory[begin:end], memory[size + begin : size + end]
        _adam(w[begin:end], g[begin:end], m, v, c, penalty, shrink)


@compiled
def _momentum(w: Floats, g: Floats, v: Floats, c: Floats, decayed: int, nesterov: bool) -> None:
    """c = −lr, μ, λ."""
    rate, mu, decay = c[0], c[1], c[2]
    for part in range(2):
        begin, end = (0, decayed) if part == 0 else (decayed, len(w))
        penalty = decay if part == 0 else ZERO
        w_, g_, v_ = w[begin:end], g[begin:end], v[begin:end]
        for i in range(end - begin):
            total = g_[i] + penalty * w_[i]
            v_[i] = mu * v_[i] + total
            w_[i] += rate * (mu * v_[i] + total if nesterov else v_[i])


@compiled
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
