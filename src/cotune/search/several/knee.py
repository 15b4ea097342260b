"""The point of a front at which giving up a little of one objective buys most of the others."""

import numpy as np

from cotune.search.several.dominance import Points


def knee(front: Points) -> int:
    """Place of the point nearest to the ideal one, each objective scaled to [0, 1] over the front.

    Args:
        front: less is better, shape [point, objective]; at least one point. Objectives that span decades are to be
            given as logarithms.

    Of equally near points the first is taken, as objectives without a finite span do not count.

    Example:
        >>> knee(np.array([[0.0, 1.0], [0.2, 0.2], [1.0, 0.0]]))
        1
    """
    low, high = front.min(axis=0), front.max(axis=0)
    counts = np.isfinite(high - low) & (high > low)
    scaled = (front[:, counts] - low[counts]) / (high - low)[counts]
    return int((scaled**2).sum(axis=1).argmin())
