"""Which numeric features stay: those that vary, or those that tell most about the target."""

import math

import numpy as np

from cotune.data.arrays import Bools, Float32s, Floats, Ints

MOST_ROWS = 10_000
"""Mutual information is estimated from at most so many training rows, drawn with a fixed seed."""


def varying(x: Float32s) -> tuple[int, ...]:
    """Columns of `x`, shape [row, feature], that hold more than one value; all of them when none does."""
    found = np.flatnonzero(np.ptp(x, axis=0) > 0) if x.size else np.arange(x.shape[1])
    return tuple(found.tolist()) or tuple(range(x.shape[1]))


def informative(
    x: Float32s, y: Ints | Floats, *, discrete: Bools, keep: float, classify: bool
) -> tuple[int, ...]:
    """The `keep` share of columns with the highest mutual information with `y`, in their order; at least one.

    Args:
        x: features, shape [row, feature].
        y: class indices or values, shape [row].
        discrete: which features take few values (0/1 columns), shape [feature].
        keep: share of the features to keep, in (0, 1].
        classify: whether `y` holds classes.

    Source: Kraskov et al., Estimating mutual information, 2004; Ross 2014.
    """
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

    if x.shape[1] == 0:
        return ()
    if len(x) > MOST_ROWS:
        rows = np.random.default_rng(0).choice(len(x), MOST_ROWS, replace=False)
        x, y = x[rows], y[rows]
    if len(x) <= 4:  # the estimator looks at 3 neighbours of each row
        return tuple(range(x.shape[1]))
    x = x.copy()
    for j in np.flatnonzero(discrete):  # a filled boolean may be 0.4; scikit-learn wants labels
        x[:, j] = np.unique(x[:, j], return_inverse=True)[1]
    estimate = mutual_info_classif if classify else mutual_info_regression
    score = estimate(x, y, discrete_features=discrete, random_state=0)
    best = np.argsort(-score, kind="stable")[: max(1, math.ceil(keep * x.shape[1]))]
    return tuple(sorted(best.tolist()))
