"""Impurity importance in a forest of extremely randomised trees.

Source: Geurts, Ernst & Wehenkel, Extremely randomized trees, 2006; Breiman et al., CART, 1984.
"""

from cotune.data.arrays import Bools, Float32s, Floats, Ints

TREES = 100
LEAF = 5
"""Rows in a leaf, at least: deeper trees split noise."""


def scores(x: Float32s, y: Ints | Floats, *, discrete: Bools, classify: bool) -> Floats:
    """Share of the impurity that each feature's splits take away, shape [feature].

    Args:
        x: features, shape [row, feature].
        y: class indices or values, shape [row].
        discrete: not used.
        classify: whether `y` holds classes.
    """
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    del discrete
    kind = ExtraTreesClassifier if classify else ExtraTreesRegressor
    forest = kind(TREES, max_features="sqrt", min_samples_leaf=LEAF, random_state=0)
    found: Floats = forest.fit(x, y).feature_importances_
    return found
