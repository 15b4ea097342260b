"""Batch and layer normalisation, forwards and backwards.

| symbol       | meaning                                | shape        |
|--------------|----------------------------------------|--------------|
| x            | input; replaced by x̂, the normalised  | row unit     |
| scale, shift | learned                                | unit         |
| root         | 1/√(variance + ε)                      | unit, or row |
| g            | gradient of the output, then of x      | row unit     |
"""

import numpy as np

from cotune.kernels.arrays import floats, matrix

F = np.float32
EPSILON = F(1e-5)
MOMENTUM = F(0.1)
ONE, ZERO = F(1), F(0)


def batch_norm(
    x_at: int, y_at: int, scale_at: int, shift_at: int, mean_at: int, variance_at: int, root_at: int, work_at: int,
    rows: int, units: int, training: int,
) -> None:  # fmt: skip
    """y = x̂ · scale + shift with each unit's moments over the batch; the running ones follow while training.

    Source: Ioffe & Szegedy, ICML 2015; running variance unbiased, as in torch.
    """
    x, y = matrix(x_at, rows, units), matrix(y_at, rows, units)
    scale, shift, root = floats(scale_at, units), floats(shift_at, units), floats(root_at, units)
    mean, variance, centre = floats(mean_at, units), floats(variance_at, units), floats(work_at, units)
    if training:
        centre[:] = ZERO
        root[:] = ZERO
        for r in range(rows):
            for u in range(units):
                centre[u] += x[r, u]
        for u in range(units):
            centre[u] /= F(rows)
        for r in range(rows):
            for u in range(units):
                x[r, u] -= centre[u]
                root[u] += x[r, u] * x[r, u]
        for u in range(units):
            own = root[u] / F(rows)
            mean[u] += MOMENTUM * (centre[u] - mean[u])
            variance[u] += MOMENTUM * (own * F(rows / max(rows - 1, 1)) - variance[u])
            root[u] = ONE / np.sqrt(own + EPSILON)
    else:
        for u in range(units):
            root[u] = ONE / np.sqrt(variance[u] + EPSILON)
        for r in range(rows):
            for u in range(units):
                x[r, u] -= mean[u]
    for r in range(rows):
        for u in range(units):
            x[r, u] *= root[u]
            y[r, u] = x[r, u] * scale[u] + shift[u]


def batch_norm_backward(
    x_at: int, g_at: int, scale_at: int, root_at: int, d_scale_at: int, d_shift_at: int, rows: int, units: int
) -> None:
    """g ← scale · root / rows · (rows · g − Σg − x̂ Σ g x̂), with d_scale = Σ g x̂ and d_shift = Σ g."""
    x, g = matrix(x_at, rows, units), matrix(g_at, rows, units)
    scale, root = floats(scale_at, units), floats(root_at, units)
    d_scale, d_shift = floats(d_scale_at, units), floats(d_shift_at, units)
    d_scale[:] = ZERO
    d_shift[:] = ZERO
    for r in range(rows):
        for u in range(units):
            d_shift[u] += g[r, u]
            d_scale[u] += g[r, u] * x[r, u]
    share = ONE / F(rows)
    for r in range(rows):
        for u in range(units):
            g[r, u] = scale[u] * root[u] * (g[r, u] - share * (d_shift[u] + x[r, u] * d_scale[u]))


def layer_norm(
    x_at: int, y_at: int, scale_at: int, shift_at: int, root_at: int, rows: int, units: int, real: int
) -> None:
    """y = x̂ · scale + shift with each row's moments over its first `real` units; the rest is padding, and zero.

    Source: Ba et al., Layer Normalization, 2016.
    """
    x, y = matrix(x_at, rows, units), matrix(y_at, rows, units)
    scale, shift, root = floats(scale_at, units), floats(shift_at, units), floats(root_at, rows)
    share = ONE / F(real)
    for r in range(rows):
        total = ZERO
        for u in range(real):
            total += x[r, u]
        centre = total * share
        square = ZERO
        for u in range(real):
            x[r, u] -= centre
            square += x[r, u] * x[r, u]
        root[r] = ONE / np.sqrt(square * share + EPSILON)
        for u in range(real):
            x[r, u] *= root[r]
            y[r, u] = x[r, u] * scale[u] + shift[u]
        for u in range(real, units):
            x[r, u] = ZERO
            y[r, u] = ZERO


def layer_norm_backward(
    x_at: int, g_at: int, scale_at: int, root_at: int, d_scale_at: int, d_shift_at: int, rows: int, units: int,
    real: int,
) -> None:  # fmt: skip
    """g ← root · (h − mean h − x̂ mean(h x̂)) with h = g · scale, over the first `real` units."""
    x, g = matrix(x_at, rows, units), matrix(g_at, rows, units)
    scale, root = floats(scale_at, units), floats(root_at, rows)
    d_scale, d_shift = floats(d_scale_at, units), floats(d_shift_at, units)
    d_scale[:] = ZERO
    d_shift[:] = ZERO
    share = ONE / F(real)
    for r in range(rows):
        first, second = ZERO, ZERO
        for u in range(real):
            d_shift[u] += g[r, u]
            d_scale[u] += g[r, u] * x[r, u]
            g[r, u] *= scale[u]
            first += g[r, u]
            second += g[r, u] * x[r, u]
        first *= share
        second *= share
        for u in range(real):
            g[r, u] = root[r] * (g[r, u] - first - x[r, u] * second)
