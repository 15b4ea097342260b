"""The order of a lane's rows in an epoch: a shuffle whose draws are hashes, see `cotune.kernels.draws`."""

import numpy as np

from cotune.kernels.arrays import integers
from cotune.kernels.draws import GOLDEN, U, mix, step_key

HALF_WORD = U(32)


def shuffle(rows_at: int, count: int, need: int, seed: int, epoch: int, target_at: int) -> None:
    """Copy `count` row numbers to the target and shuffle the first `need` places.

    Place i swaps with one of the places from i on, by draw i of the key of (seed, epoch); a draw has 32 bits.

    Source: Fisher & Yates in Durstenfeld's form, CACM 1964; the draw's range as in Lemire 2019, without rejection.
    """
    rows, target = integers(rows_at, count), integers(target_at, count)
    for i in range(count):
        target[i] = rows[i]
    key = step_key(seed, epoch)
    for i in range(min(need, count - 1)):
        draw = mix(key + GOLDEN * U(i + 1)) >> HALF_WORD
        j = i + np.int64((draw * U(count - i)) >> HALF_WORD)
        before = target[i]
        target[i] = target[j]
        target[j] = before
