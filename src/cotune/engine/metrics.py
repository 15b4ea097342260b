"""Metrics on validation or test rows, for many lanes at once.

| symbol | meaning                                                       | shape            |
|--------|---------------------------------------------------------------|------------------|
| f      | log-probabilities, or predicted values in the target's units  | lane row (class) |
| y      | true class index, or value                                    | row              |

Every figure equals scikit-learn's of the same name. All are float64, shape [lane].
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


def _confusion(f: Tensor, y: Tensor) -> Tensor:
    lanes, _, classes = f.shape
    cell = y * classes + f.argmax(-1)
    start = torch.arange(lanes, device=f.device).unsqueeze(1) * classes**2
    counts = torch.bincount((cell + start).flatten(), minlength=lanes * classes**2)
    return counts.view(lanes, classes, classes).double()


def accuracy(f: Tensor, y: Tensor) -> Tensor:
    """Fraction of rows whose most probable class is the true one."""
    return (f.argmax(-1) == y).double().mean(1)


def balanced_accuracy(f: Tensor, y: Tensor) -> Tensor:
    """Mean recall over the classes that occur."""
    table = _confusion(f, y)
    count = table.sum(2)
    recall = table.diagonal(dim1=1, dim2=2) / count.clamp(min=1)
    return recall.sum(1) / (count > 0).sum(1)


def f1_macro(f: Tensor, y: Tensor) -> Tensor:
    """Mean over classes of 2 TP / (2 TP + FP + FN), classes that neither occur nor are predicted left out."""
    table = _confusion(f, y)
    hits, seen, said = table.diagonal(dim1=1, dim2=2), table.sum(2), table.sum(1)
    present = (seen + said) > 0
    f1 = torch.where(present, 2 * hits / (seen + said).clamp(min=1), 0.0)
    return f1.sum(1) / present.sum(1)


def roc_auc(f: Tensor, y: Tensor) -> Tensor:
    """Area under the ROC curve; with more than two classes the mean of one-versus-rest over those that occur."""
    classes = [1] if f.shape[-1] == 2 else sorted(set(y.tolist()))
    p = F.softmax(f.double(), dim=-1)
    return torch.stack([_auc(p[..., c].contiguous(), y == c) for c in classes]).mean(0)


def _auc(p: Tensor, positive: Tensor) -> Tensor:
    lower = p[:, ~positive].sort(1).values.contiguous()
    upper = p[:, positive].contiguous()
    if not lower.shape[1] or not upper.shape[1]:
        return torch.full((p.shape[0],), torch.nan, dtype=torch.float64)
    below = torch.searchsorted(lower, upper) + torch.searchsorted(lower, upper, right=True)
    return below.double().mean(1) / (2 * lower.shape[1])


def log_loss(f: Tensor, y: Tensor) -> Tensor:
    """Mean of −log p of the true class."""
    return -f.double().gather(-1, y.expand(f.shape[0], -1).unsqueeze(-1)).squeeze(-1).mean(1)


def mse(f: Tensor, y: Tensor) -> Tensor:
    """Mean of (f − y)²."""
    return (f.double() - y.double()).square().mean(1)


def rmse(f: Tensor, y: Tensor) -> Tensor:
    """Root of the mean of (f − y)²."""
    return mse(f, y).sqrt()


def mae(f: Tensor, y: Tensor) -> Tensor:
    """Mean of |f − y|."""
    return (f.double() - y.double()).abs().mean(1)


def r2(f: Tensor, y: Tensor) -> Tensor:
    """1 − Σ (f − y)² / Σ (y − ȳ)²; where y is constant, 1 if f hits it exactly, else 0."""
    truth, error = y.double(), mse(f, y)
    spread = (truth - truth.mean()).square().mean()
    return 1 - error / spread if spread > 0 else (error == 0).double()


@dataclass(frozen=True)
class Metric:
    """A metric, which way is better, and where it applies."""

    compute: Callable[[Tensor, Tensor], Tensor]
    maximize: bool
    classification: bool
    needs_rows: int = 1
    """Rows under which it has no meaning."""


METRICS: dict[str, Metric] = {
    "accuracy": Metric(accuracy, maximize=True, classification=True),
    "balanced_accuracy": Metric(balanced_accuracy, maximize=True, classification=True, needs_rows=2),
    "f1_macro": Metric(f1_macro, maximize=True, classification=True, needs_rows=2),
    "roc_auc": Metric(roc_auc, maximize=True, classification=True, needs_rows=2),
    "log_loss": Metric(log_loss, maximize=False, classification=True),
    "r2": Metric(r2, maximize=True, classification=False, needs_rows=2),
    "rmse": Metric(rmse, maximize=False, classification=False),
    "mse": Metric(mse, maximize=False, classification=False),
    "mae": Metric(mae, maximize=False, classification=False),
}
"""By the name that recipes use."""
