"""Metrics of predicted values, in the target's own units; f and y are those of `base`."""

from collections.abc import Callable

import torch
from torch import Tensor

from cotune.engine.metrics.base import Metric

SMALLEST = torch.finfo(torch.float64).eps
"""Of |y| in `mape`, as in scikit-learn."""


def r2(f: Tensor, y: Tensor) -> Tensor:
    """1 − Σ (f − y)² / Σ (y − ȳ)²; where y is constant, 1 if f hits it exactly, else 0."""
    truth, error = y.double(), mse(f, y)
    spread = (truth - truth.mean()).square().mean()
    return 1 - error / spread if spread > 0 else (error == 0).double()


def rmse(f: Tensor, y: Tensor) -> Tensor:
    """√ of the mean of (f − y)²."""
    return mse(f, y).sqrt()


def mse(f: Tensor, y: Tensor) -> Tensor:
    """Mean of (f − y)²."""
    return (f.double() - y.double()).square().mean(1)


def mae(f: Tensor, y: Tensor) -> Tensor:
    """Mean of |f − y|."""
    return (f.double() - y.double()).abs().mean(1)


def mape(f: Tensor, y: Tensor) -> Tensor:
    """Mean of |f − y| / max(|y|, ε), ε = 2⁻⁵²: a fraction, not percent; huge where some y is 0."""
    truth = y.double()
    return ((f.double() - truth).abs() / truth.abs().clamp(min=SMALLEST)).mean(1)


def _metric(
    compute: Callable[[Tensor, Tensor], Tensor], name: str, *, maximize: bool = False, rows: int = 1
) -> Metric:
    source = f"scikit-learn: {name}"
    return Metric(compute, maximize=maximize, classification=False, source=source, needs_rows=rows)


VALUES: dict[str, Metric] = {
    "r2": _metric(r2, "r2_score", maximize=True, rows=2),
    "rmse": _metric(rmse, "root_mean_squared_error"),
    "mse": _metric(mse, "mean_squared_error"),
    "mae": _metric(mae, "mean_absolute_error"),
    "mape": _metric(mape, "mean_absolute_percentage_error"),
}
