"""Matrix products of any size, cut into tiles; see `cotune.kernels.tile` for the symbols."""

from cotune.kernels.arrays import floats
from cotune.kernels.compiling import part
from cotune.kernels.tile import has_wide_vectors, make_tile, transpose_8x8

FLOAT = 4
PANEL = 256
"""Steps of k before the next column of tiles: so much of B stays in the first cache."""

if has_wide_vectors():
    WIDE = 64
    TALL = 4
    _wide, _wide_row = make_tile(TALL, 4, 16), make_tile(1, 4, 16)
else:
    WIDE = 16
    TALL = 4
    _wide, _wide_row = make_tile(TALL, 2, 8), make_tile(1, 2, 8)
_half, _half_row = make_tile(8, 1, 16), make_tile(1, 1, 16)
_slim, _short, _slim_row = make_tile(12, 1, 8), make_tile(8, 1, 8), make_tile(1, 1, 8)


def matmul(
    a: int, a_row: int, a_step: int, b: int, b_row: int, c: int, c_row: int, m: int, n: int, k: int, start: int,
    bias: int, run: int, jump: int,
) -> None:  # fmt: skip
    """C [m n] from A [m k] and B [k n], by address; n must be a multiple of 8.

    A transposed A costs nothing: exchange `a_row` and `a_step`. With `run` < k the columns of A lie in runs, and each
    run begins `jump` floats further than the steps alone would lead; 0 means no runs.
    """
    panel = PANEL if run == 0 else k
    for k0 in range(0, k, panel):
        depth = min(panel, k - k0)
        begin = start if k0 == 0 else 1
        a0, b0 = a + FLOAT * k0 * a_step, b + FLOAT * k0 * b_row
        j = 0
        while j < n:
            kind, width = (0, WIDE) if j + WIDE <= n else ((1, 16) if j + 16 <= n else (2, 8))
            aside = FLOAT * j
            _columns(
                kind, a0, a_row, a_step, b0 + aside, b_row, c + aside, c_row, m, depth, begin, bias + aside, run, jump
            )  # fmt: skip
            j += width


@part
def _columns(
    kind: int, a: int, a_row: int, a_step: int, b: int, b_row: int, c: int, c_row: int, m: int, k: int, start: int,
    bias: int, run: int, jump: int,
) -> None:  # fmt: skip
    """One column of tiles, from top to bottom; the last rows one by one."""
    i = 0
    while i < m:
        left = m - i
        a_now, c_now = a + FLOAT * i * a_row, c + FLOAT * i * c_row
        if kind == 0 and left >= TALL:
            _wide(a_now, a_row, a_step, b, b_row, c_now, c_row, k, start, bias, run, jump)
            i += TALL
        elif kind == 0:
            _wide_row(a_now, a_row, a_step, b, b_row, c_now, c_row, k, start, bias, run, jump)
            i += 1
        elif kind == 1 and left >= 8:
            _half(a_now, a_row, a_step, b, b_row, c_now, c_row, k, start, bias, run, jump)
            i += 8
        elif kind == 1:
            _half_row(a_now, a_row, a_step, b, b_row, c_now, c_row, k, start, bias, run, jump)
            i += 1
        elif left >= 12:
            _slim(a_now, a_row, a_step, b, b_row, c_now, c_row, k, start, bias, run, jump)
            i += 12
        elif left >= 8:
            _short(a_now, a_row, a_step, b, b_row, c_now, c_row, k, start, bias, run, jump)
            i += 8
        else:
            _slim_row(a_now, a_row, a_step, b, b_row, c_now, c_row, k, start, bias, run, jump)
            i += 1


def transpose(source_at: int, source_row: int, target_at: int, target_row: int, m: int, n: int) -> None:
    """Write the transpose [n m] of a matrix [m n], by address; distances of rows in floats."""
    for i in range(0, m - 7, 8):
        for j in range(0, n - 7, 8):
            transpose_8x8(
                source_at + FLOAT * (i * source_row + j), source_row,
                target_at + FLOAT * (j * target_row + i), target_row,
            )  # fmt: skip
    source, target = floats(source_at, m * source_row), floats(target_at, n * target_row)
    for i in range(m):
        for j in range(n - n % 8 if i < m - m % 8 else 0, n):
            target[j * target_row + i] = source[i * source_row + j]
