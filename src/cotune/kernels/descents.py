"""The steps of optimizers beyond descent and Adam: one pass over memory each.

The formulas, and the coefficients c of a step, are those of `cotune.engine.optim`; `penalty` is coupled weight decay,
which joins the gradient, and is zero where weights do not decay.

| symbol  | meaning                                     | shape  |
|---------|---------------------------------------------|--------|
| w, g    | weights and gradient, of which no more use  | weight |
| a, b, d | optimizer memory, slot by slot              | weight |
"""

import numpy as np

from cotune.kernels.arrays import Floats, floats
from cotune.kernels.compiling import part

NAMES = (
    "adagrad",
    "adadelta",
    "rmsprop",
    "adamax",
    "nadam",
    "radam",
    "amsgrad",
    "lion",
    "schedule_free",
)
"""An optimizer's code is its place here."""

COEFFICIENTS = 6
"""Room for the coefficients of a step."""

PENALTIES = np.array([1, 2, 2, 3, 5, 4, 4, -1, -1])
"""Which coefficient is coupled weight decay; −1 where it is decoupled."""

FLOAT = 4
F = np.float32
ZERO, ONE = F(0), F(1)
ADAGRAD_EPSILON, ADADELTA_EPSILON, EPSILON = F(1e-10), F(1e-6), F(1e-8)

BLOCK = 1024
"""A loop that writes to four arrays is not vectorised: two take turns then, and a block stays in the cache."""


def descend(code: int, w_at: int, g_at: int, memory_at: int, c_at: int, size: int, decayed: int) -> None:
    """One step in place.

    Args:
        memory_at: slot weight.
        c_at: coefficients of this step.
    """
    c = floats(c_at, COEFFICIENTS)
    for share in range(2):
        begin, n = (0, decayed) if share == 0 else (decayed, size - decayed)
        w, g = floats(w_at + FLOAT * begin, n), floats(g_at + FLOAT * begin, n)
        a = floats(memory_at + FLOAT * begin, n)
        b = floats(memory_at + FLOAT * (size + begin), n)
        d = floats(memory_at + FLOAT * (2 * size + begin), n)
        penalty = c[PENALTIES[code]] if share == 0 and PENALTIES[code] >= 0 else ZERO
        if code == 0:
            _adagrad(w, g, a, c, penalty)
        elif code == 1:
            _adadelta(w, g, a, b, c, penalty)
        elif code == 2:
            _rmsprop(w, g, a, c, penalty)
        elif code == 3:
            _adamax(w, g, a, b, c, penalty)
        elif code == 4:
            _nadam(w, g, a, b, c, penalty)
        elif code == 5:
            _radam(w, g, a, b, c, penalty)
        elif code == 6:
            _amsgrad(w, g, a, b, d, c, penalty)
        elif code == 7:
            _lion(w, g, a, c, c[3] if share == 0 else ONE)
        else:
            _schedule_free(w, g, a, b, d, c, c[3] if share == 0 else ZERO)


@part
def _adagrad(w: Floats, g: Floats, v: Floats, c: Floats, penalty: np.float32) -> None:
    """c = −lr, λ."""
    rate = c[0]
    for i in range(len(w)):
        total = g[i] + penalty * w[i]
        v[i] += total * total
        w[i] += rate * (total / (np.sqrt(v[i]) + ADAGRAD_EPSILON))


@part
def _adadelta(w: Floats, g: Floats, v: Floats, u: Floats, c: Floats, penalty: np.float32) -> None:
    """c = 1 − ρ, −lr, λ."""
    share, rate = c[0], c[1]
    for i in range(len(w)):
        total = g[i] + penalty * w[i]
        v[i] += share * (total * total - v[i])
        step = total / np.sqrt(v[i] + ADADELTA_EPSILON) * np.sqrt(u[i] + ADADELTA_EPSILON)
        u[i] += share * (step * step - u[i])
        w[i] += rate * step


@part
def _rmsprop(w: Floats, g: Floats, v: Floats, c: Floats, penalty: np.float32) -> None:
    """c = 1 − ρ, −lr, λ."""
    share, rate = c[0], c[1]
    for i in range(len(w)):
        total = g[i] + penalty * w[i]
        v[i] += share * (total * total - v[i])
        w[i] += rate * (total / (np.sqrt(v[i]) + EPSILON))


@part
def _adamax(w: Floats, g: Floats, m: Floats, u: Floats, c: Floats, penalty: np.float32) -> None:
    """c = 1 − β₁, β₂, −lr/c₁, λ."""
    share, beta2, rate = c[0], c[1], c[2]
    for i in range(len(w)):
        total = g[i] + penalty * w[i]
        m[i] += share * (total - m[i])
        before, now = beta2 * u[i], abs(total) + EPSILON
        u[i] = before if before > now else now
        w[i] += rate * (m[i] / u[i])


@part
def _nadam(w: Floats, g: Floats, m: Floats, v: Floats, c: Floats, penalty: np.float32) -> None:
    """c = 1 − β₁, 1 − β₂, −lr √c₂ (1−μₜ)/(1−Πₜ), −lr √c₂ μₜ₊₁/(1−Πₜ₊₁), ε √c₂, λ."""
    share1, share2, ahead, along, epsilon = c[0], c[1], c[2], c[3], c[4]
    for i in range(len(w)):
        total = g[i] + penalty * w[i]
        m[i] += share1 * (total - m[i])
        v[i] += share2 * (total * total - v[i])
        w[i] += (ahead * total + along * m[i]) / (np.sqrt(v[i]) + epsilon)


@part
def _radam(w: Floats, g: Floats, m: Floats, v: Floats, c: Floats, penalty: np.float32) -> None:
    """c = 1 − β₁, 1 − β₂, rate over √v, rate beside it (one of the two is zero), λ."""
    share1, share2, adaptive, plain = c[0], c[1], c[2], c[3]
    for i in range(len(w)):
        total = g[i] + penalty * w[i]
        m[i] += share1 * (total - m[i])
        v[i] += share2 * (total * total - v[i])
        w[i] += adaptive * (m[i] / (np.sqrt(v[i]) + EPSILON)) + plain * m[i]


@part
def _amsgrad(w: Floats, g: Floats, m: Floats, v: Floats, u: Floats, c: Floats, penalty: np.float32) -> None:
    """c = 1 − β₁, 1 − β₂, −lr √c₂/c₁, ε √c₂, λ."""
    for start in range(0, len(w), BLOCK):
        stop = min(start + BLOCK, len(w))
        _largest(w[start:stop], g[start:stop], v[start:stop], u[start:stop], c, penalty)
        _along(w[start:stop], g[start:stop], m[start:stop], u[start:stop], c)


@part
def _largest(w: Floats, g: Floats, v: Floats, u: Floats, c: Floats, penalty: np.float32) -> None:
    share2 = c[1]
    for i in range(len(w)):
        g[i] += penalty * w[i]
        v[i] += share2 * (g[i] * g[i] - v[i])
        u[i] = v[i] if v[i] > u[i] else u[i]


@part
def _along(w: Floats, g: Floats, m: Floats, u: Floats, c: Floats) -> None:
    share1, rate, epsilon = c[0], c[2], c[3]
    for i in range(len(w)):
        m[i] += share1 * (g[i] - m[i])
        w[i] += rate * (m[i] / (np.sqrt(u[i]) + epsilon))


@part
def _lion(w: Floats, g: Floats, m: Floats, c: Floats, shrink: np.float32) -> None:
    """c = 1 − β₁, 1 − β₂, −lr, 1 − lr λ; `shrink` multiplies the weights."""
    share1, share2, rate = c[0], c[1], c[2]
    for i in range(len(w)):
        ahead = m[i] + share1 * (g[i] - m[i])
        sign = ONE if ahead > ZERO else (-ONE if ahead < ZERO else ahead)  # a NaN stays one
        w[i] = w[i] * shrink + rate * sign
        m[i] += share2 * (g[i] - m[i])


@part
def _schedule_free(
    w: Floats, g: Floats, z: Floats, v: Floats, x: Floats, c: Floats, decay: np.float32
) -> None:
    """c = 1 − β₂, −lr √c₂, ε √c₂, −lr λ, share of the newest z in x, 1 − β₁; `decay` pulls z by the weights."""
    for start in range(0, len(w), BLOCK):
        stop = min(start + BLOCK, len(w))
        _lead(w[start:stop], g[start:stop], z[start:stop], v[start:stop], c, decay)
        _mean(w[start:stop], z[start:stop], x[start:stop], c)


@part
def _lead(w: Floats, g: Floats, z: Floats, v: Floats, c: Floats, decay: np.float32) -> None:
    share2, rate, epsilon = c[0], c[1], c[2]
    for i in range(len(w)):
        v[i] += share2 * (g[i] * g[i] - v[i])
        z[i] += rate * (g[i] / (np.sqrt(v[i]) + epsilon)) + decay * w[i]


@part
def _mean(w: Floats, z: Floats, x: Floats, c: Floats) -> None:
    newest, pull = c[4], c[5]
    for i in range(len(w)):
        x[i] += newest * (z[i] - x[i])
        w[i] = x[i] + pull * (z[i] - x[i])
