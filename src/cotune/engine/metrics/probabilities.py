"""Metrics of the probabilities of the classes; f, y and p are those of `base`."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.engine.metrics.base import Metric

BINS = 15
"""Of confidence, equally wide: as many as Guo et al. have."""


def _probabilities(f: Tensor) -> Tensor:
    return F.softmax(f.double(), dim=-1)


def log_loss(f: Tensor, y: Tensor) -> Tensor:
    """Mean of −log p of the true class."""
    return -f.double().gather(-1, y.expand(f.shape[0], -1).unsqueeze(-1)).squeeze(-1).mean(1)


def brier(f: Tensor, y: Tensor) -> Tensor:
    """Mean of Σ (p − [class is y])², sum over classes; with two classes the half of it, which is (p − y)² of either."""
    distance = (_probabilities(f) - F.one_hot(y, f.shape[-1]).double()).square().sum(2).mean(1)
    return distance / 2 if f.shape[-1] == 2 else distance


def calibration_error(f: Tensor, y: Tensor) -> Tensor:
    """Expected calibration error: Σ (rows of the bin / rows) · |accuracy − mean confidence in the bin|.

    Confidence is the largest p of a row; bin b of 15 holds those in (b/15, (b + 1)/15].
    """
    confidence, said = _probabilities(f).max(-1)
    gap = (said == y).double() - confidence
    edges = torch.linspace(0, 1, BINS + 1, dtype=torch.float64)[1:-1].to(f.device)
    place = torch.bucketize(confidence, edges)
    inside = [torch.where(place == b, gap, 0.0).sum(1).abs() for b in range(BINS)]
    return torch.stack(inside, dim=1).sum(1) / f.shape[1]


def roc_auc(f: Tensor, y: Tensor) -> Tensor:
    """P(p of a row of the class > p of another row), ties counting half; the area under the ROC curve.

    With two classes that of the second; with more the mean of one-versus-rest over those that occur.
    """
    return _one_versus_rest(_ranked_above, f, y)


def pr_auc(f: Tensor, y: Tensor) -> Tensor:
    """Average precision: mean over the rows of a class of the precision among rows with at least their p.

    That is Σ (Rₖ − Rₖ₋₁) Pₖ over the thresholds, the area under the precision-recall curve in steps. With two classes
    that of the second; with more the mean of one-versus-rest over those that occur.
    """
    return _one_versus_rest(_average_precision, f, y)


def _one_versus_rest(area: Callable[[Tensor, Tensor], Tensor], f: Tensor, y: Tensor) -> Tensor:
    classes = [1] if f.shape[-1] == 2 else sorted(set(y.tolist()))
    p = _probabilities(f)
    return torch.stack([area(p[..., c].contiguous(), y == c) for c in classes], dim=1).mean(1)


def _ranked_above(p: Tensor, positive: Tensor) -> Tensor:
    lower = p[:, ~positive].sort(1).values.contiguous()
    upper = p[:, positive].contiguous()
    if not lower.shape[1] or not upper.shape[1]:
        return torch.full((p.shape[0],), torch.nan, dtype=torch.float64, device=p.device)
    below = torch.searchsorted(lower, upper) + torch.searchsorted(lower, upper, right=True)
    return below.double().mean(1) / (2 * lower.shape[1])


def _average_precision(p: Tensor, positive: Tensor) -> Tensor:
    rows, upper = p.sort(1).values.contiguous(), p[:, positive].sort(1).values.contiguous()
    if not upper.shape[1]:
        return torch.full((p.shape[0],), torch.nan, dtype=torch.float64, device=p.device)
    right = upper.shape[1] - torch.searchsorted(upper, upper)
    return (right.double() / (rows.shape[1] - torch.searchsorted(rows, upper))).mean(1)


def _metric(
    compute: Callable[[Tensor, Tensor], Tensor],
    source: str,
    *,
    maximize: bool,
    rows: int = 1,
    classes: int = 1,
) -> Metric:
    return Metric(
        compute,
        maximize=maximize,
        classification=True,
        source=source,
        needs_probabilities=True,
        needs_rows=rows,
        needs_classes=classes,
    )


PROBABILITIES: dict[str, Metric] = {
    "roc_auc": _metric(
        roc_auc, "Hanley & McNeil 1982; scikit-learn: roc_auc_score", maximize=True, rows=2, classes=2
    ),
    "pr_auc": _metric(
        pr_auc,
        "Davis & Goadrich 2006; scikit-learn: average_precision_score",
        maximize=True,
        rows=2,
        classes=2,
    ),
    "log_loss": _metric(log_loss, "Good 1952; scikit-learn: log_loss", maximize=False),
    "brier": _metric(brier, "Brier 1950; scikit-learn: brier_score_loss", maximize=False),
    "calibration_error": _metric(calibration_error, "Guo et al. 2017, eq. 3", maximize=False, rows=2),
}
