"""Rows drawn for a part of the data, each class with its share.

Draws are scikit-learn's `train_test_split` to the bit, whose import takes longer than most data sets take to read.

| symbol | meaning                                             | shape |
|--------|-----------------------------------------------------|-------|
| n      | rows of a class                                     | class |
| m      | rows of a class that are wanted, Σ m given          | class |

m is the likeliest of m ~ multivariate hypergeometric(n, Σ m), up to one: n Σm/Σn rounded down, and the rest to the
classes with the largest remainders, ties by lot.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotune.data.arrays import Ints


def drawn(rows: Ints, held: int, labels: NDArray[Any] | None, *, seed: int) -> tuple[Ints, Ints]:
    """(rows that stay, rows that are held out), both in a random order.

    Args:
        rows: row numbers.
        held: how many are held out, at least one and not all.
        labels: class of each row, of which each has its share in both parts; `None` for any rows.
        seed: of the draw, in [0, 2³²).

    Example:
        >>> [len(part) for part in drawn(np.arange(10), 3, None, seed=0)]
        [7, 3]
    """
    rng = np.random.RandomState(seed)
    if labels is None:
        order = rng.permutation(len(rows))
        return rows[order[held:]], rows[order[:held]]
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    places = np.split(np.argsort(codes, kind="stable"), np.cumsum(counts)[:-1])
    staying = _shares(counts, len(rows) - held, rng)
    leaving = _shares(counts - staying, held, rng)
    parts: tuple[list[Ints], list[Ints]] = ([], [])
    for own, first, second in zip(places, staying, leaving, strict=True):
        order = own[rng.permutation(len(own))]
        parts[0].append(order[:first])
        parts[1].append(order[first : first + second])
    kept, out = (rng.permutation(np.concatenate(part)) for part in parts)
    return rows[kept], rows[out]


def _shares(counts: Ints, wanted: int, rng: np.random.RandomState) -> Ints:
    """m of the table above."""
    exact = counts / counts.sum() * wanted
    found = np.floor(exact)
    missing, rest = int(wanted - found.sum()), exact - found
    for value in np.unique(rest)[::-1] if missing > 0 else ():
        (tied,) = np.where(rest == value)
        chosen = rng.choice(tied, size=min(len(tied), missing), replace=False)
        found[chosen] += 1
        missing -= len(chosen)
        if not missing:
            break
    shares: Ints = found.astype(np.int64)
    return shares
