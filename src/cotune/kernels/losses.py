"""Losses and their gradients in the logits; definitions as in `cotune.engine.loss`.

| symbol | meaning                              | shape    |
|--------|--------------------------------------|----------|
| z      | logits; scratch afterwards           | row head |
| g      | gradient, zero in the padding        | row head |
"""

import math

import numpy as np

from cotune.kernels.arrays import floats, integers, matrix
from cotune.kernels.exponential import exponential

NAMES = ("cross_entropy", "mse", "mae", "huber", "log_cosh", "quantile", "poisson", "gaussian",
         "binary_cross_entropy", "focal", "hinge")  # fmt: skip
"""A loss's code is its place here."""
(CROSS_ENTROPY, MSE, MAE, HUBER, LOG_COSH, QUANTILE, POISSON, GAUSSIAN, BINARY_CROSS_ENTROPY, FOCAL,
 HINGE) = range(len(NAMES))  # fmt: skip

F = np.float32
ZERO, ONE, TWO, HALF, FAR = F(0), F(1), F(2), F(0.5), F(-200)


def cross_entropy(
    z_at: int, g_at: int, rows: int, head: int, truth_at: int, known: int, chosen_at: int, classes: int,
    smoothing: float, weights_at: int,
) -> float:  # fmt: skip
    """(1−ε) Σ w_y (−log p_y) / Σ w_y + (ε/C) Σ Σ_c w_c (−log p_c) / Σ w_y; without weights all w are 1.

    `truth_at` and `weights_at` (0 for none) are the classes of all `known` rows and the weights of the classes.
    With row weights q_c = ((1−ε) w_y [c = y] + (ε/C) w_c) / Σ w_y the gradient is p Σq − q.
    """
    z, g = matrix(z_at, rows, head), matrix(g_at, rows, head)
    y, chosen = integers(truth_at, known), integers(chosen_at, rows)
    weighted = weights_at != 0
    weights = floats(weights_at, classes if weighted else 0)
    for r in range(rows):
        highest = z[r, 0]
        for c in range(1, classes):
            highest = z[r, c] if z[r, c] > highest else highest
        for c in range(classes):
            z[r, c] -= highest
        for c in range(classes, head):
            z[r, c] = FAR
    flat, powers = floats(z_at, rows * head), floats(g_at, rows * head)
    for i in range(rows * head):
        powers[i] = exponential(flat[i])
    total, all_weights = float(rows), float(classes)
    if weighted:
        total, all_weights = 0.0, 0.0
        for r in range(rows):
            total += weights[y[chosen[r]]]
        for c in range(classes):
            all_weights += weights[c]
    hard_share, soft_share = (1.0 - smoothing) / total, smoothing / classes / total
    loss = 0.0
    for r in range(rows):
        added = ZERO
        for c in range(head):
            added += g[r, c]
        log_sum = math.log(added)
        own = float(weights[y[chosen[r]]]) if weighted else 1.0
        hard = hard_share * own
        loss -= hard * (z[r, y[chosen[r]]] - log_sum)
        factor = F((hard + soft_share * all_weights) / added)
        for c in range(head):
            g[r, c] *= factor
        if smoothing > 0.0:
            for c in range(classes):
                q = soft_share * (float(weights[c]) if weighted else 1.0)
                loss -= q * (z[r, c] - log_sum)
                g[r, c] -= F(q)
        g[r, y[chosen[r]]] -= F(hard)
    return loss


def log_probabilities(z_at: int, rows: int, head: int, target_at: int, classes: int) -> None:
    """log p of the classes [row class] from logits [row head], which are overwritten."""
    z, target = matrix(z_at, rows, head), matrix(target_at, rows, classes)
    for r in range(rows):
        highest = z[r, 0]
        for c in range(1, classes):
            highest = z[r, c] if z[r, c] > highest else highest
        for c in range(classes):
            target[r, c] = z[r, c] - highest
            z[r, c] = target[r, c]
        for c in range(classes, head):
            z[r, c] = FAR
    flat = floats(z_at, rows * head)
    for i in range(rows * head):
        flat[i] = exponential(flat[i])
    for r in range(rows):
        added = ZERO
        for c in range(head):
            added += z[r, c]
        log_sum = F(math.log(added))
        for c in range(classes):
            target[r, c] -= log_sum


def regression(
    code: int, z_at: int, g_at: int, rows: int, head: int, truth_at: int, known: int, chosen_at: int
) -> float:
    """The mean over rows of r² (mse), |r| (mae), or ½r² where |r| ≤ 1 else |r| − ½ (huber), r = z₀ − y."""
    z, g = matrix(z_at, rows, head), matrix(g_at, rows, head)
    y, chosen = floats(truth_at, known), integers(chosen_at, rows)
    g[:] = ZERO
    share = ONE / F(rows)
    loss = 0.0
    for r in range(rows):
        error = z[r, 0] - y[chosen[r]]
        size = abs(error)
        sign = ONE if error > ZERO else (-ONE if error < ZERO else error)
        if code == 1:
            loss += float(error) * float(error)
            g[r, 0] = TWO * error * share
        elif code == 2:
            loss += size
            g[r, 0] = sign * share
        elif size <= ONE:
            loss += 0.5 * float(error) * float(error)
            g[r, 0] = error * share
        else:
            loss += size - 0.5
            g[r, 0] = sign * share
    return loss / rows
