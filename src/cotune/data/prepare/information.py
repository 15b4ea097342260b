"""Mutual information of each feature with the target, estimated from nearest neighbours.

Source: Kraskov et al., Estimating mutual information, 2004; Ross 2014.
"""

import numpy as np

from cotune.data.arrays import Bools, Float32s, Floats, Ints


def scores(x: Float32s, y: Ints | Floats, *, discrete: Bools, classify: bool) -> Floats:
    """Nats per feature, shape [feature]; all equal where there are too few rows to tell.

    Args:
        x: features, shape [row, feature].
        y: class indices or values, shape [row].
        discrete: which features take few values (0/1 columns), shape [feature].
        classify: whether `y` holds classes.
    """
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

    if len(x) <= 4:  # the estimator looks at 3 neighbours of each row
        return np.ones(x.shape[1])
    x = x.copy()
    for j in np.flatnonzero(discrete):  # a filled boolean may be 0.4; scikit-learn wants labels
        x[:, j] = np.unique(x[:, j], return_inverse=True)[1]
    estimate = mutual_info_classif if classify else mutual_info_regression
    found: Floats = estimate(x, y, discrete_features=discrete, random_state=0)
    return found
