"""What a comparison amounts to: ranks, and paired tests with the size of what they found.

| symbol | meaning                                                              |
|--------|----------------------------------------------------------------------|
| x      | regrets of one contender, one for each (task, seed)                   |
| y      | regrets of the other, at the same places                              |
| d      | x − y: negative where the first is better                             |
| n      | places where d is not 0                                               |
| W      | (dᵢ + dⱼ)/2 for i ≤ j, the Walsh averages                             |

Source: Wilcoxon, Individual comparisons by ranking methods, 1945; Hodges & Lehmann, Estimates of location based on rank
tests, 1963; Demšar, Statistical comparisons of classifiers over multiple data sets, 2006.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, wilcoxon

LEVEL = 0.05

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Paired:
    """How two contenders differ.

    Args:
        count: places at which both have a figure.
        p: two-sided, of Wilcoxon's signed rank test; 1 where nothing differs.
        median: of the differences; negative where the first is better.
        shift: the Hodges–Lehmann estimate: the median of the Walsh averages.
        low, high: the ends of its interval at 95%.
        wins, losses: places at which the first is better, or worse.
    """

    count: int
    p: float
    median: float
    shift: float
    low: float
    high: float
    wins: int
    losses: int

    @property
    def worse(self) -> bool:
        """Whether the first is worse, beyond chance."""
        return self.p < LEVEL and self.shift > 0

    @property
    def better(self) -> bool:
        """Whether the first is better, beyond chance."""
        return self.p < LEVEL and self.shift < 0


def paired(x: Sequence[float], y: Sequence[float]) -> Paired:
    """Compare regrets at equal places.

    Example:
        >>> found = paired([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2.0, 4.0, 6.0, 8.0, 10.0, 12.0])
        >>> found.p, found.shift, found.low, found.high
        (0.03125, -3.5, -6.0, -1.0)

    Raises:
        ValueError: there is nothing to compare, or the places are not the same.
    """
    if len(x) != len(y) or not len(x):
        raise ValueError(f"a paired test needs as many figures on both sides, but got {len(x)} and {len(y)}")
    d = np.asarray(x, dtype=float) - np.asarray(y, dtype=float)
    moved = d[d != 0]
    p = float(wilcoxon(moved).pvalue) if len(moved) else 1.0
    low, shift, high = _walsh(d)
    return Paired(len(d), p, float(np.median(d)), shift, low, high, int((d < 0).sum()), int((d > 0).sum()))


def _walsh(d: Floats) -> tuple[float, float, float]:
    """(low, estimate, high): the k-th smallest and largest Walsh averages enclose the shift.

    k is the largest with P(V ≤ k − 1) ≤ 0.025 under the signed rank distribution of len(d), at least 1.
    """
    n = len(d)
    i, j = np.triu_indices(n)
    walsh = np.sort((d[i] + d[j]) / 2)
    chance = np.zeros(n * (n + 1) // 2 + 1)  # of each sum of positive ranks
    chance[0] = 1.0
    for rank in range(1, n + 1):
        chance[rank:] += chance[:-rank].copy()
        chance /= 2
    k = max(1, int((np.cumsum(chance) <= LEVEL / 2).sum()))
    return float(walsh[k - 1]), float(np.median(walsh)), float(walsh[-k])


def mean_ranks(regrets: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Mean rank over places of each contender, 1 for the best; equal regrets share their ranks.

    A place without a figure (NaN) is the worst there.

    Example:
        >>> mean_ranks({"a": [0.1, 0.2], "b": [0.3, 0.2], "c": [0.2, float("nan")]})
        {'a': 1.25, 'b': 2.25, 'c': 2.5}
    """
    table = np.array([regrets[name] for name in regrets], dtype=float)
    ranks = rankdata(np.where(np.isnan(table), np.inf, table), axis=0)
    return dict(zip(regrets, map(float, ranks.mean(axis=1)), strict=True))


def by_task(places: Sequence[tuple[str, int]], figures: Sequence[float]) -> list[float]:
    """Means over seeds, a task each: seeds of one task are no independent witnesses."""
    tasks = sorted({task for task, _ in places})
    return [
        float(np.mean([f for (t, _), f in zip(places, figures, strict=True) if t == task])) for task in tasks
    ]
