"""The probability from which on a row is called positive (binary).

| symbol | meaning                                        | shape       |
|--------|------------------------------------------------|-------------|
| f      | log-probabilities (negative, positive)         | (…) row 2   |
| t      | threshold in (0, 1)                            |             |

The label is positive where p > t, which is argmax of (f₀ + log(t / (1 − t)), f₁). The threshold that is best on the
validation rows is taken, of equals the one nearest to one half.

Source: Elkan, The foundations of cost-sensitive learning, IJCAI 2001; Provost & Fawcett 2001 (moving the threshold).
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.engine.metrics import METRICS

MOST = 199
"""Thresholds tried, at equal distances in the ranks of the probabilities."""
AT_ONCE = 1 << 22
"""Numbers held at once while they are tried."""


def decided(f: Tensor, threshold: float | None) -> Tensor:
    """Log-probabilities moved so that their argmax is the label by the threshold (they sum to 1 no more)."""
    if threshold is None:
        return f
    move = torch.tensor([math.log(threshold / (1 - threshold)), 0.0], dtype=f.dtype)
    return f + move


def by_labels(metric: str) -> bool:
    """Whether a metric looks at labels alone: it says the same once probabilities are rounded.

    Example:
        >>> by_labels("accuracy"), by_labels("roc_auc"), by_labels("r2")
        (True, False, False)
    """
    known = METRICS[metric]
    if not known.classification:
        return False
    p = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9], dtype=torch.float64)
    y = torch.arange(8) % 2
    rounded = torch.where(p > 0.5, 0.99, 0.01)
    both = torch.stack([torch.stack([1 - q, q], dim=-1).log() for q in (p, rounded)])
    plain, hard = known.compute(both, y).tolist()
    return bool(math.isclose(plain, hard, rel_tol=1e-12))


def threshold(f: Tensor, score: Callable[[Tensor], Tensor], *, maximize: bool) -> float:
    """The threshold of the best score.

    Args:
        f: row 2, of validation rows.
        score: figures [candidate] of log-probabilities [candidate row 2], by their argmax.
        maximize: whether more is better.
    """
    tried = candidates(f)
    each = max(1, AT_ONCE // f.numel())
    found: list[float] = []
    for start in range(0, len(tried), each):
        found += score(torch.stack([decided(f, t) for t in tried[start : start + each]])).tolist()
    sign = -1.0 if maximize else 1.0

    def key(i: int) -> tuple[float, float]:
        return (sign * found[i] if found[i] == found[i] else math.inf, abs(tried[i] - 0.5))

    return tried[min(range(len(tried)), key=key)]


def candidates(f: Tensor) -> list[float]:
    """One half, and values midway between neighbouring probabilities of the positive class.

    Args:
        f: row 2.
    """
    odds = torch.unique(f[:, 1] - f[:, 0])
    if len(odds) < 2:
        return [0.5]
    middle = (odds[1:] + odds[:-1]) / 2
    if len(middle) > MOST:
        middle = middle[torch.linspace(0, len(middle) - 1, MOST).round().long()]
    found = F.sigmoid(middle.double()).tolist()
    return [0.5, *(t for t in found if 0 < t < 1)]
