"""Metrics of the most probable class, from the table of how often each class was taken for each.

| symbol | meaning                                       | shape      |
|--------|-----------------------------------------------|------------|
| TP     | rows of a class that were taken for it: hits  | lane class |
| FP     | rows of other classes that were taken for it  | lane class |
| FN     | rows of a class that were taken for others    | lane class |
| n      | rows of a class: TP + FN, seen                | lane class |
| m      | rows taken for a class: TP + FP, said         | lane class |

0/0 is 0, as in scikit-learn. A macro mean is over the classes that occur among the rows or the predictions. f and y are
those of `base`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from cotune.engine.metrics.base import Metric


@dataclass(frozen=True)
class Counts:
    """TP, n and m of the table above, as whole numbers in float64."""

    hits: Tensor
    seen: Tensor
    said: Tensor

    @classmethod
    def of(cls, f: Tensor, y: Tensor) -> "Counts":
        """Count rows by true class and most probable class."""
        lanes, _, classes = f.shape
        cell = y * classes + f.argmax(-1)
        start = torch.arange(lanes, device=f.device).unsqueeze(1) * classes**2
        counts = torch.bincount((cell + start).flatten(), minlength=lanes * classes**2)
        table = counts.view(lanes, classes, classes).double()
        return cls(table.diagonal(dim1=1, dim2=2).contiguous(), table.sum(2), table.sum(1))

    def macro(self, part: Tensor, whole: Tensor) -> Tensor:
        """Mean of part/whole over the classes that occur or are predicted."""
        present = (self.seen + self.said) > 0
        return _ratio(part, whole).sum(1) / present.sum(1)

    def weighted(self, part: Tensor, whole: Tensor) -> Tensor:
        """Mean of part/whole over classes, each counted as often as it occurs."""
        return (self.seen * _ratio(part, whole)).sum(1) / self.seen.sum(1)


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    return part / whole.clamp(min=1)


def accuracy(f: Tensor, y: Tensor) -> Tensor:
    """Fraction of rows with ŷ = y."""
    return (f.argmax(-1) == y).double().mean(1)


def balanced_accuracy(f: Tensor, y: Tensor) -> Tensor:
    """Mean of TP / n over the classes that occur."""
    counts = Counts.of(f, y)
    return _ratio(counts.hits, counts.seen).sum(1) / (counts.seen > 0).sum(1)


def precision_macro(f: Tensor, y: Tensor) -> Tensor:
    """Mean over classes of TP / (TP + FP)."""
    counts = Counts.of(f, y)
    return counts.macro(counts.hits, counts.said)


def precision_micro(f: Tensor, y: Tensor) -> Tensor:
    """Σ TP / Σ (TP + FP), sums over classes. A row has one class, so it equals the accuracy."""
    counts = Counts.of(f, y)
    return counts.hits.sum(1) / counts.said.sum(1)


def precision_weighted(f: Tensor, y: Tensor) -> Tensor:
    """Σ n · TP / (TP + FP) / Σ n, sums over classes."""
    counts = Counts.of(f, y)
    return counts.weighted(counts.hits, counts.said)


def recall_macro(f: Tensor, y: Tensor) -> Tensor:
    """Mean over classes of TP / (TP + FN); a class that is predicted but does not occur counts as 0."""
    counts = Counts.of(f, y)
    return counts.macro(counts.hits, counts.seen)


def recall_micro(f: Tensor, y: Tensor) -> Tensor:
    """Σ TP / Σ (TP + FN), sums over classes. A row has one class, so it equals the accuracy."""
    counts = Counts.of(f, y)
    return counts.hits.sum(1) / counts.seen.sum(1)


def recall_weighted(f: Tensor, y: Tensor) -> Tensor:
    """Σ n · TP / (TP + FN) / Σ n, sums over classes. Since n = TP + FN, it equals the accuracy."""
    counts = Counts.of(f, y)
    return counts.weighted(counts.hits, counts.seen)


def f1_macro(f: Tensor, y: Tensor) -> Tensor:
    """Mean over classes of 2 TP / (2 TP + FP + FN)."""
    counts = Counts.of(f, y)
    return counts.macro(2 * counts.hits, counts.seen + counts.said)


def f1_micro(f: Tensor, y: Tensor) -> Tensor:
    """2 Σ TP / Σ (2 TP + FP + FN), sums over classes. A row has one class, so it equals the accuracy."""
    counts = Counts.of(f, y)
    return 2 * counts.hits.sum(1) / (counts.seen + counts.said).sum(1)


def f1_weighted(f: Tensor, y: Tensor) -> Tensor:
    """Σ n · 2 TP / (2 TP + FP + FN) / Σ n, sums over classes."""
    counts = Counts.of(f, y)
    return counts.weighted(2 * counts.hits, counts.seen + counts.said)


def mcc(f: Tensor, y: Tensor) -> Tensor:
    """Matthews correlation, R_K: (s Σ TP − Σ n m) / √((s² − Σ n²)(s² − Σ m²)), s rows, sums over classes.

    0 where all rows are of one class, or are taken for one.
    """
    counts = Counts.of(f, y)
    rows = counts.seen.sum(1)
    covariance = rows * counts.hits.sum(1) - (counts.seen * counts.said).sum(1)
    spread = (rows**2 - counts.seen.square().sum(1)) * (rows**2 - counts.said.square().sum(1))
    return torch.where(spread > 0, covariance / spread.clamp(min=1).sqrt(), 0.0)


def _metric(compute: Callable[[Tensor, Tensor], Tensor], source: str, *, needs_rows: int = 2) -> Metric:
    return Metric(compute, maximize=True, classification=True, source=source, needs_rows=needs_rows)


LABELS: dict[str, Metric] = {
    "accuracy": _metric(accuracy, "scikit-learn: accuracy_score", needs_rows=1),
    "balanced_accuracy": _metric(
        balanced_accuracy, "Brodersen et al. 2010; scikit-learn: balanced_accuracy_score"
    ),
    "precision_macro": _metric(precision_macro, "scikit-learn: precision_score, average macro"),
    "precision_micro": _metric(precision_micro, "scikit-learn: precision_score, average micro", needs_rows=1),
    "precision_weighted": _metric(precision_weighted, "scikit-learn: precision_score, average weighted"),
    "recall_macro": _metric(recall_macro, "scikit-learn: recall_score, average macro"),
    "recall_micro": _metric(recall_micro, "scikit-learn: recall_score, average micro", needs_rows=1),
    "recall_weighted": _metric(recall_weighted, "scikit-learn: recall_score, average weighted", needs_rows=1),
    "f1_macro": _metric(f1_macro, "van Rijsbergen 1979; scikit-learn: f1_score, average macro"),
    "f1_micro": _metric(f1_micro, "van Rijsbergen 1979; scikit-learn: f1_score, average micro", needs_rows=1),
    "f1_weighted": _metric(f1_weighted, "van Rijsbergen 1979; scikit-learn: f1_score, average weighted"),
    "mcc": _metric(mcc, "Matthews 1975; Gorodkin 2004; scikit-learn: matthews_corrcoef"),
}
