"""More losses of classes, with their gradients and links; definitions as in `cotune.engine.losses.classes`.

| symbol | meaning                                            | shape    |
|--------|----------------------------------------------------|----------|
| z      | logits; scratch afterwards                         | row head |
| g      | gradient, zero in the padding                      | row head |
| number | label smoothing, or focal's γ                      |          |
"""

import math

import numpy as np

from cotune.kernels.arrays import Floats, floats, integers, matrix
from cotune.kernels.compiling import part
from cotune.kernels.exponential import exponential, log1p
from cotune.kernels.losses import BINARY_CROSS_ENTROPY, FOCAL

FLOAT = 4
F = np.float32
ZERO, ONE = F(0), F(1)
NEAR = 1e-3
"""Below this chance of another class log p / q is taken by its series."""


def classification(
    code: int, z_at: int, g_at: int, rows: int, head: int, truth_at: int, known: int, chosen_at: int, classes: int,
    number: float, weights_at: int,
) -> float:  # fmt: skip
    """Σ w_y ℓ / Σ w_y with ℓ the binary cross-entropy of every class, the focal loss, or the hinge."""
    y, chosen = integers(truth_at, known), integers(chosen_at, rows)
    weighted = weights_at != 0
    weights = floats(weights_at, classes if weighted else 0)
    total = 0.0
    for r in range(rows):
        total += float(weights[y[chosen[r]]]) if weighted else 1.0
    loss = 0.0
    for r in range(rows):
        own = y[chosen[r]]
        share = (float(weights[own]) if weighted else 1.0) / total
        z, g = floats(z_at + FLOAT * head * r, classes), floats(g_at + FLOAT * head * r, head)
        for c in range(classes, head):
            g[c] = ZERO
        if code == BINARY_CROSS_ENTROPY:
            loss += share * _binary(z, g, own, number, F(share / classes))
        elif code == FOCAL:
            loss += share * _focal(z, g, own, number, share)
        else:
            loss += share * _hinge(z, g, own, F(share))
    return loss


@part
def _binary(z: Floats, g: Floats, own: int, smoothing: float, share: np.float32) -> float:
    """The mean over classes of max(z, 0) − z t + log(1 + e⁻ˡᶻˡ); its gradient is σ(z) − t."""
    classes = len(z)
    low, high = F(smoothing / classes), F(1.0 - smoothing + smoothing / classes)
    loss = 0.0
    for c in range(classes):
        x = z[c]
        t = high if c == own else low
        e = exponential(-abs(x))
        loss += float((x if not x < ZERO else ZERO) - x * t) + float(log1p(e))
        g[c] = ((ONE if x > ZERO else e) / (ONE + e) - t) * share
    return loss / classes


@part
def _focal(z: Floats, g: Floats, own: int, gamma: float, share: float) -> float:
    """q^γ (−log p), q = 1 − p; its gradient is q^γ (1 − γ p log p / q) (p_c − [c = y])."""
    classes = len(z)
    highest = z[0]
    for c in range(1, classes):
        highest = z[c] if z[c] > highest else highest
    others = 0.0
    for c in range(classes):
        g[c] = exponential(z[c] - highest)
        others += float(g[c]) if c != own else 0.0
    added = others + float(g[own])
    q = others / added
    p = float(g[own]) / added
    log_p = float(z[own] - highest) - math.log(added)
    ratio = 1.0 + 0.5 * q if q < NEAR else -log_p / q
    power = q**gamma
    factor = share * power * (1.0 + gamma * p * ratio)
    for c in range(classes):
        g[c] = F(factor * float(g[c]) / added)
    g[own] = F(-factor * q)
    found: float = -power * log_p
    return found


@part
def _hinge(z: Floats, g: Floats, own: int, share: np.float32) -> float:
    """max(0, 1 + the highest of the others − z_y); a margin that is not finite is not 0."""
    other = 0 if own else 1
    for c in range(len(z)):
        g[c] = ZERO
        if c != own and (z[c] > z[other] or z[c] != z[c]):
            other = c
    short = ONE + z[other] - z[own]
    if short > ZERO:
        g[other] = share
        g[own] = -share
        return float(short)
    return 0.0 * float(short)


def log_sigmoids(z_at: int, rows: int, head: int, classes: int) -> None:
    """z ← log σ(z) = min(z, 0) − log(1 + e⁻ˡᶻˡ) on the classes."""
    z = matrix(z_at, rows, head)
    for r in range(rows):
        for c in range(classes):
            x = z[r, c]
            z[r, c] = (x if not x > ZERO else ZERO) - log1p(exponential(-abs(x)))
