"""Rows of the data into the arena, rows of embeddings in and out, and what else is added or multiplied elementwise."""

import numpy as np

from cotune.kernels.arrays import floats, integer_matrix, integers, matrix

ZERO = np.float32(0)


def gather(
    numeric_at: int, known: int, features: int, chosen_at: int, rows: int, target_at: int, pitch: int
) -> None:
    """Copy the chosen rows of a table [known feature] to rows that lie `pitch` floats apart."""
    numeric, chosen = matrix(numeric_at, known, features), integers(chosen_at, rows)
    target = matrix(target_at, rows, pitch)
    for r in range(rows):
        row = chosen[r]
        for i in range(features):
            target[r, i] = numeric[row, i]


def embed(
    table_at: int, starts_at: int, columns: int, width: int, codes_at: int, known: int, chosen_at: int, rows: int,
    y_at: int, pitch: int, first: int,
) -> None:  # fmt: skip
    """Set columns of y from `first` on to the embeddings of the chosen rows' codes.

    Args:
        starts_at: each column's first entry in the table, then the count of all entries [columns + 1].
        codes_at: known column.
    """
    starts, chosen = integers(starts_at, columns + 1), integers(chosen_at, rows)
    table, codes = matrix(table_at, starts[columns], width), integer_matrix(codes_at, known, columns)
    y = matrix(y_at, rows, pitch)
    for r in range(rows):
        for c in range(columns):
            entry = starts[c] + codes[chosen[r], c]
            for u in range(width):
                y[r, first + c * width + u] = table[entry, u]


def embed_backward(
    g_at: int, starts_at: int, columns: int, width: int, codes_at: int, known: int, chosen_at: int, rows: int,
    dy_at: int, pitch: int, first: int,
) -> None:  # fmt: skip
    """Gradient of the whole table; arguments as in `embed`."""
    starts, chosen = integers(starts_at, columns + 1), integers(chosen_at, rows)
    g, codes = matrix(g_at, starts[columns], width), integer_matrix(codes_at, known, columns)
    dy = matrix(dy_at, rows, pitch)
    g[:] = ZERO
    for r in range(rows):
        for c in range(columns):
            entry = starts[c] + codes[chosen[r], c]
            for u in range(width):
                g[entry, u] += dy[r, first + c * width + u]


def column_sums(x_at: int, rows: int, units: int, sums_at: int) -> None:
    """sums[u] = Σ_r x[r, u]; four rows at a time, lest each sum wait for the one before."""
    x, sums = matrix(x_at, rows, units), floats(sums_at, units)
    sums[:] = ZERO
    whole = rows - rows % 4
    for r in range(0, whole, 4):
        for u in range(units):
            sums[u] += (x[r, u] + x[r + 1, u]) + (x[r + 2, u] + x[r + 3, u])
    for r in range(whole, rows):
        for u in range(units):
            sums[u] += x[r, u]


def multiply(y_at: int, x_at: int, n: int) -> None:
    """y ← y · x."""
    y, x = floats(y_at, n), floats(x_at, n)
    for i in range(n):
        y[i] *= x[i]


def add(y_at: int, x_at: int, n: int) -> None:
    """y ← y + x."""
    y, x = floats(y_at, n), floats(x_at, n)
    for i in range(n):
        y[i] += x[i]


def copy(y_at: int, x_at: int, n: int) -> None:
    """y ← x."""
    y, x = floats(y_at, n), floats(x_at, n)
    for i in range(n):
        y[i] = x[i]


def take_columns(x_at: int, rows: int, pitch: int, target_at: int, columns: int) -> None:
    """Copy the first columns of x [rows pitch] to a matrix [rows columns]."""
    x, target = matrix(x_at, rows, pitch), matrix(target_at, rows, columns)
    for r in range(rows):
        for c in range(columns):
            target[r, c] = x[r, c]
