"""Rare classes count more: by a weight in the loss, or by how often their rows are trained on.

| method      | rows of a class in an epoch, or weight of a row                              |
|-------------|------------------------------------------------------------------------------|
| weights     | weight = rows / (classes · rows of the class)                                |
| oversample  | as many as the largest class has: each row as often as the next, give or take one |
| undersample | as many as the smallest class has: a random part of them                     |

Source: King & Zeng, Logistic Regression in Rare Events Data, 2001; He & Garcia, Learning from Imbalanced Data, 2009,
sec. 3.1.1.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping

import numpy as np

from cotune.data.arrays import Ints

MOST = 5
"""Oversampling makes an epoch at most so many times longer; with many rare classes they stay below the largest."""


def class_weights(method: str, y: Ints, classes: int) -> tuple[float, ...] | None:
    """`weights` where the method asks for them."""
    return weights(y, classes) if method == "weights" else None


def weights(y: Ints, classes: int) -> tuple[float, ...]:
    """One weight per class from the class indices `y`, shape [row]; 1 for a class without rows."""
    counts = np.bincount(y, minlength=classes)
    return tuple(float(len(y) / (classes * count)) if count else 1.0 for count in counts)


def _over(counts: Ints) -> Ints:
    """At least n for every class with rows; n is the largest count, or what `MOST` allows."""
    rows = counts.sum()
    there = counts > 0

    def raised(n: int) -> Ints:
        return np.where(there, np.maximum(counts, n), 0)

    n = bisect_right(range(int(counts.max()) + 1), MOST * rows, key=lambda n: int(raised(n).sum())) - 1
    return raised(n)


def _under(counts: Ints) -> Ints:
    return np.minimum(counts, int(counts[counts > 0].min()))


TAKEN: Mapping[str, Callable[[Ints], Ints]] = {"oversample": _over, "undersample": _under}
"""Setting → rows that each class gives to an epoch, from the rows that it has; both shape [class]."""


def class_rows(method: str, y: Ints, classes: int) -> tuple[int, ...]:
    """How many rows of each class an epoch takes, rows that are taken twice counted twice; () for all, once each.

    Args:
        method: of the table above.
        y: class indices of the training rows, shape [row].
        classes: how many there are.
    """
    if method not in TAKEN:
        return ()
    return tuple(TAKEN[method](np.bincount(y, minlength=classes)).tolist())


def places(asked: tuple[int, ...], y: Ints, *, seed: int) -> Ints:
    """Which rows are trained on: places in `y`, ascending, some of them several times or never.

    Every row of a class is taken equally often; chance decides which are taken once more.

    Args:
        asked: rows of each class, from `class_rows`.
        y: class indices of the training rows, shape [row].
        seed: of the draws.
    """
    found = []
    for label, count in enumerate(asked):
        own = np.flatnonzero(y == label)
        if count:
            whole, more = divmod(count, len(own))
            drawn = np.random.default_rng([seed, label]).choice(own, more, replace=False)
            found += [np.repeat(own, whole), drawn]
    return np.sort(np.concatenate(found))
