"""Who is dominated: fronts, in any number of objectives.

| symbol | meaning                                                  | shape               |
|--------|----------------------------------------------------------|---------------------|
| P      | points, less is better in every objective                | [point, objective]  |
| front  | 0 for points that no other dominates, 1 for those that   | [point]             |
|        | only points of front 0 dominate, and so on               |                     |

A point dominates another if it is nowhere worse and somewhere better; of two equal points the earlier dominates the
later, so that a front never holds the same values twice. What is not a number is worse than every number.

Source: Zhang et al., An efficient approach to nondominated sorting for evolutionary multiobjective optimization, 2015
(points in lexicographic order, each put by bisection into the first front that does not dominate it).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Places = NDArray[np.intp]


def as_points(rows: Sequence[Sequence[float]]) -> Points:
    """Rows as an array; what is not a number becomes infinite."""
    points = np.asarray(rows, dtype=float)
    return np.where(np.isnan(points), np.inf, points)


def fronts(points: Points) -> Places:
    """The front of every point, shape [point].

    Example:
        >>> fronts(as_points([[1, 2], [2, 1], [2, 2], [1, 2]])).tolist()
        [0, 0, 1, 1]
    """
    found = np.zeros(len(points), dtype=np.intp)
    members: list[_Front] = []
    for place in np.lexsort(points.T[::-1]):  # stable: equal points stay in their order
        low, high = 0, len(members)
        while low < high:
            middle = (low + high) // 2
            if members[middle].dominates(points[place]):
                low = middle + 1
            else:
                high = middle
        if low == len(members):
            members.append(_Front(points.shape[1]))
        members[low].add(points[place])
        found[place] = low
    return found


def first_front(points: Points) -> list[int]:
    """Places of the points that no other dominates, in their order."""
    return [int(place) for place in np.flatnonzero(fronts(points) == 0)] if len(points) else []


class _Front:
    """The points of one front, added in lexicographic order."""

    def __init__(self, objectives: int) -> None:
        self._two = objectives <= 2
        self._last = np.inf
        self._rows: Points = np.empty((8, objectives))
        self._count = 0

    def add(self, point: Points) -> None:
        if self._two:
            self._last = point[-1]
            return
        if self._count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[self._count] = point
        self._count += 1

    def dominates(self, point: Points) -> bool:
        """Whether one of its points is nowhere worse than a later point; of two objectives the last one says it."""
        if self._two:
            return bool(self._last <= point[-1])
        return bool((self._rows[: self._count] <= point).all(axis=1).any())
