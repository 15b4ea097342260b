"""Numbers as waves: a few units for each number, from cosines of learned frequencies, forwards and backwards.

e = c V + v,  c = cos(2π (x f + p)); each number has its own frequencies, phases and little layer.

| symbol | meaning                                       | shape                  |
|--------|-----------------------------------------------|------------------------|
| x      | numbers, the first columns of a batch's rows  | row number             |
| f, p   | frequencies and phases                        | number wave            |
| V, v   | the layer on the cosines                      | number wave unit; number unit |

Source: Gorishniy, Rubachev & Babenko, On Embeddings for Numerical Features, NeurIPS 2022; with phases as in
Holzmüller, Grinsztajn & Steinwart, Better by Default, NeurIPS 2024.
"""

import numpy as np

from cotune.kernels.arrays import Floats, floats, matrix
from cotune.kernels.compiling import part

FLOAT = 4
F = np.float32
ZERO, HALF, ONE, TURN = F(0), F(0.5), F(1), F(6.283185307179586)
C1, C2, C3, C4, C5, C6 = (
    F(c) for c in (-0.5, 4.166666666e-2, -1.388888889e-3, 2.48015873e-5, -2.7557319e-7, 2.0876757e-9)
)
S1, S2, S3, S4, S5 = (
    F(c) for c in (-1.666666667e-1, 8.33333333e-3, -1.98412698e-4, 2.7557319e-6, -2.5052108e-8)
)


@part
def waves(x: np.float32, f: Floats, p: Floats, c: Floats, s: Floats) -> None:
    """cos and sin of 2π (x f + p), by their series within a quarter turn; errors below 1e-6."""
    for h in range(len(f)):
        turns = x * f[h] + p[h]
        turns -= np.floor(turns + HALF)  # in [-1/2, 1/2)
        far = abs(turns) > F(0.25)
        near = (HALF - abs(turns)) if far else abs(turns)
        a = TURN * near
        q = a * a
        cosine = ONE + q * (C1 + q * (C2 + q * (C3 + q * (C4 + q * (C5 + q * C6)))))
        sine = a * (ONE + q * (S1 + q * (S2 + q * (S3 + q * (S4 + q * S5)))))
        c[h] = -cosine if far else cosine
        s[h] = -sine if turns < ZERO else sine


def periodic(
    x_at: int, pitch: int, rows: int, numbers: int, count: int, units: int, f_at: int, p_at: int, v_at: int, b_at: int,
    first: int, work_at: int,
) -> None:  # fmt: skip
    """Set columns from `first` on of x [row pitch], `units` for each of the first `numbers` columns.

    Args:
        count: waves of a number.
        work_at: scratch [2 wave].
    """
    x, f, p = matrix(x_at, rows, pitch), matrix(f_at, numbers, count), matrix(p_at, numbers, count)
    c, s = floats(work_at, count), floats(work_at + FLOAT * count, count)
    b = matrix(b_at, numbers, units)
    for j in range(numbers):
        v = matrix(v_at + FLOAT * j * count * units, units, count)
        for r in range(rows):
            waves(x[r, j], f[j], p[j], c, s)
            for u in range(units):
                total = ZERO
                for h in range(count):
                    total += c[h] * v[u, h]
                x[r, first + j * units + u] = total + b[j, u]


def periodic_backward(
    x_at: int, g_at: int, pitch: int, rows: int, numbers: int, count: int, units: int, f_at: int, p_at: int, v_at: int,
    df_at: int, dp_at: int, dv_at: int, db_at: int, first: int, work_at: int,
) -> None:  # fmt: skip
    """Gradients of f, p, V and v from that of the columns, g [row pitch]."""
    x, g = matrix(x_at, rows, pitch), matrix(g_at, rows, pitch)
    f, p = matrix(f_at, numbers, count), matrix(p_at, numbers, count)
    df, dp, db = matrix(df_at, numbers, count), matrix(dp_at, numbers, count), matrix(db_at, numbers, units)
    c, s = floats(work_at, count), floats(work_at + FLOAT * count, count)
    for j in range(numbers):
        place = FLOAT * j * count * units
        v, dv = matrix(v_at + place, units, count), matrix(dv_at + place, units, count)
        df[j, :] = ZERO
        dp[j, :] = ZERO
        db[j, :] = ZERO
        dv[:] = ZERO
        for r in range(rows):
            waves(x[r, j], f[j], p[j], c, s)
            number = x[r, j]
            for u in range(units):
                part = g[r, first + j * units + u]
                db[j, u] += part
                for h in range(count):
                    dv[u, h] += part * c[h]
                    turned = -TURN * part * v[u, h] * s[h]
                    dp[j, h] += turned
                    df[j, h] += turned * number
