"""Metrics of generated rows, in a space of features that does not change during a study.

| symbol | meaning                                   | shape               |
|--------|-------------------------------------------|---------------------|
| f      | features of generated rows                | lane sample feature |
| y      | features of real rows                     | row feature         |
| μ, C   | mean and covariance of either             |                     |
"""

import torch
from torch import Tensor

from cotune.engine.metrics.base import Metric

NEIGHBOURS = 5
"""k of `coverage`."""


def frechet(f: Tensor, y: Tensor) -> Tensor:
    """‖μ_f − μ_y‖² + tr(C_f + C_y − 2 (C_y^½ C_f C_y^½)^½): the distance of two normal distributions, squared.

    Source: Fréchet 1957; Dowson & Landau 1982; Heusel et al., NeurIPS 2017 (FID).
    """
    real_mean, real = _moments(y.double())
    values, vectors = torch.linalg.eigh(real)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    found = []
    for own in f:
        mean, made = _moments(own.double())
        inner = torch.linalg.eigvalsh(root @ made @ root)
        overlap = inner.clamp(min=0).sqrt().sum()
        apart = (mean - real_mean).square().sum() + made.trace() + real.trace() - 2 * overlap
        found.append(apart.clamp(min=0))
    return torch.stack(found)


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    mean = x.mean(0)
    centred = x - mean
    return mean, centred.T @ centred / max(len(x) - 1, 1)


def kernel_distance(f: Tensor, y: Tensor) -> Tensor:
    """mean k(f, f′) + mean k(y, y′) − 2 mean k(f, y), f ≠ f′ and y ≠ y′, k(a, b) = (a·b / d + 1)³; it may be below 0.

    Source: Gretton et al., JMLR 2012, eq. 3; Bińkowski et al., ICLR 2018 (KID).
    """
    real = y.double()
    among = _among(real)
    return torch.stack([_among(own) + among - 2 * _kernel(own, real).mean() for own in f.double()])


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T / a.shape[1] + 1) ** 3


def _among(a: Tensor) -> Tensor:
    k = _kernel(a, a)
    return (k.sum() - k.diagonal().sum()) / (len(a) * (len(a) - 1))


def coverage(f: Tensor, y: Tensor) -> Tensor:
    """Share of real rows that a generated one is as near to as their 5th neighbour among the real ones.

    A generator that has collapsed leaves most real rows alone.

    Source: Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models, ICML 2020.
    """
    real = y.double()
    k = min(NEIGHBOURS, len(real) - 1)
    apart = torch.cdist(real, real, compute_mode="donot_use_mm_for_euclid_dist")
    radius = apart.kthvalue(k + 1, dim=1).values
    nearest = (
        torch.cdist(real, own, compute_mode="donot_use_mm_for_euclid_dist").min(1).values
        for own in f.double()
    )
    return torch.stack([(each <= radius).double().mean() for each in nearest])


SAMPLES: dict[str, Metric] = {
    "frechet": Metric(
        frechet,
        maximize=False,
        classification=False,
        source="Heusel et al. 2017",
        generation=True,
        needs_rows=2,
    ),
    "kernel_distance": Metric(
        kernel_distance,
        maximize=False,
        classification=False,
        source="Bińkowski et al. 2018",
        generation=True,
        needs_rows=2,
    ),
    "coverage": Metric(
        coverage,
        maximize=True,
        classification=False,
        source="Naeem et al. 2020",
        generation=True,
        needs_rows=2,
    ),
}
