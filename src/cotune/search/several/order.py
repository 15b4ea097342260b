"""From vectors to an order: front by front, and within a front such that any first few are spread over it.

Within a front the best in the first objective comes first, then always the point that is farthest from those before
it. Distances are between ranks, so no unit and no outlier matters.

Source: Schmucker et al., Multi-objective asynchronous successive halving, 2021 (fronts, and an ε-net within them).
"""

import numpy as np
from scipy.stats import rankdata

from cotune.search.several.dominance import Places, Points, fronts


def order(points: Points, *, count: int | None = None) -> list[int]:
    """Places of the points, the best first.

    Args:
        points: less is better, shape [point, objective].
        count: so many are enough; all if `None`.

    Example:
        >>> import numpy as np
        >>> order(np.array([[3.0, 3.0], [1.0, 2.0], [2.0, 1.0]]))
        [1, 2, 0]
    """
    wanted = len(points) if count is None else min(count, len(points))
    if not wanted:
        return []
    level = fronts(points)
    scaled = rankdata(points, method="average", axis=0) / len(points)
    found: list[int] = []
    for number in range(int(level.max()) + 1):
        found += _spread(scaled, np.flatnonzero(level == number))
        if len(found) >= wanted:
            break
    return found[:wanted]


def _spread(scaled: Points, places: Places) -> list[int]:
    """Some of the points, farthest first; of equally far ones the earlier."""
    rows = scaled[places]
    at = int(np.lexsort((np.arange(len(places)), *rows.T[::-1]))[0])
    found, far = [at], np.full(len(places), np.inf)
    far[at] = -1.0
    while len(found) < len(places):
        apart = ((rows - rows[at]) ** 2).sum(axis=1)
        far = np.minimum(far, apart)
        far[at] = -1.0
        at = int(far.argmax())
        found.append(at)
    return [int(places[i]) for i in found]
