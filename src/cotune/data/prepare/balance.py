"""Rare classes weigh more: weight = rows / (classes · rows of the class).

Source: King & Zeng, Logistic Regression in Rare Events Data, 2001.
"""

import numpy as np

from cotune.data.arrays import Ints


def weights(y: Ints, classes: int) -> tuple[float, ...]:
    """One weight per class from the class indices `y`, shape [row]; 1 for a class without rows."""
    counts = np.bincount(y, minlength=classes)
    return tuple(float(len(y) / (classes * count)) if count else 1.0 for count in counts)
