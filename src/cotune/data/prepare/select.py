"""Which numeric features stay: those that vary, or those that tell most about the target."""

import math
from collections.abc import Iterable

import numpy as np

from cotune.data.arrays import Bools, Float32s, Floats, Ints

MOST_ROWS = 10_000
"""Mutual information is estimated from at most so many training rows, drawn with a fixed seed."""


def varying(blocks: Iterable[Float32s]) -> tuple[int, ...]:
    """Features that hold more than one value; all of them when none does.

    Args:
        blocks: the rows, some at a time, shape [row, feature].
    """
    ends = [(x.min(axis=0), x.max(axis=0)) for x in blocks]
    low, high = (np.stack(each) for each in zip(*ends, strict=True))
    found = np.flatnonzero(high.max(axis=0) > low.min(axis=0))
    return tuple(found.tolist()) or tuple(range(low.shape[1]))


def sample(rows: int) -> Ints | None:
    """Which of so many rows mutual information is estimated from; `None` for all of them."""
    if rows <= MOST_ROWS:
        return None
    return np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False)


def informative(
    x: Float32s, y: Ints | Floats, *, discrete: Bools, keep: float, classify: bool
) -> tuple[int, ...]:
    """The `keep` share of columns with the highest mutual information with `y`, in their order; at least one.

    Args:
        x: features of the rows in `sample`, shape [row, feature].
        y: their class indices or values, shape [row].
        discrete: which features take few values (0/1 columns), shape [feature].
        keep: share of the features to keep, in (0, 1].
        classify: whether `y` holds classes.

    Source: Kraskov et al., Estimating mutual information, 2004; Ross 2014.
    """
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

    if x.shape[1] == 0:
        return ()
    if len(x) <= 4:  # the estimator looks at 3 neighbours of each row
        return tuple(range(x.shape[1]))
    x = x.copy()
    for j in np.flatnonzero(discrete):  # a filled boolean may be 0.4; scikit-learn wants labels
        x[:, j] = np.unique(x[:, j], return_inverse=True)[1]
    estimate = mutual_info_classif if classify else mutual_info_regression
    score = estimate(x, y, discrete_features=discrete, random_state=0)
    best = np.argsort(-score, kind="stable")[: max(1, math.ceil(keep * x.shape[1]))]
    return tuple(sorted(best.tolist()))
