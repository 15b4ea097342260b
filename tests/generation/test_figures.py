"""Distances of generated rows: against closed forms, SciPy, and sums written out."""

import numpy as np
import pytest
import torch
from scipy import linalg

from cotune.engine.metrics import METRICS
from cotune.engine.metrics.samples import coverage, frechet, kernel_distance
from cotune.types import Task


def normal(rows: int, mean: float, scale: float, seed: int, width: int = 4) -> torch.Tensor:
    g = torch.Generator().manual_seed(seed)
    return mean + scale * torch.randn(rows, width, generator=g, dtype=torch.float64)


def test_frechet_of_two_normals_comes_near_its_closed_form() -> None:
    """Of equal spherical normals: width · ((m₁ − m₂)² + (s₁ − s₂)²)."""
    found = frechet(normal(40_000, 1.0, 2.0, 0)[None], normal(40_000, 0.0, 0.5, 1))
    assert float(found[0]) == pytest.approx(4 * (1.0 + 1.5**2), rel=0.02)


def test_frechet_is_the_formula_with_scipys_matrix_root() -> None:
    mix = torch.from_numpy(np.random.default_rng(3).standard_normal((4, 4)))
    f, y = normal(300, 0.3, 1.0, 0) @ mix, normal(200, 0.0, 1.0, 1)
    means = [x.mean(0).numpy() for x in (f, y)]
    covariances = [np.cov(x.numpy(), rowvar=False) for x in (f, y)]
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    truth = ((means[0] - means[1]) ** 2).sum() + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert float(frechet(f[None], y)[0]) == pytest.approx(float(truth), rel=1e-9)


def test_frechet_of_a_singular_space_and_of_itself() -> None:
    y = normal(100, 0.0, 1.0, 0)
    y[:, 3] = 7.0
    assert float(frechet(y[None], y)[0]) == pytest.approx(0.0, abs=1e-6)


def test_kernel_distance_is_the_unbiased_sum() -> None:
    f, y = normal(9, 0.5, 1.0, 0), normal(7, 0.0, 1.0, 1)

    def k(a: torch.Tensor, b: torch.Tensor) -> float:
        return float((a @ b / 4 + 1) ** 3)

    among = [
        sum(k(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j) / (len(x) * (len(x) - 1))
        for x in (f, y)
    ]
    between = sum(k(a, b) for a in f for b in y) / (len(f) * len(y))
    assert float(kernel_distance(f[None], y)[0]) == pytest.approx(sum(among) - 2 * between, rel=1e-10)


def test_kernel_distance_of_equal_distributions_is_zero_on_average() -> None:
    found = [
        float(kernel_distance(normal(60, 0, 1, s)[None], normal(60, 0, 1, s + 500))[0]) for s in range(200)
    ]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(len(found))
    assert min(found) < 0 < max(found)


def test_coverage_falls_as_modes_are_lost() -> None:
    y = torch.cat([normal(50, 20.0 * mode, 1.0, mode) for mode in range(4)])
    fresh = torch.cat([normal(50, 20.0 * mode, 1.0, 10 + mode) for mode in range(4)])
    shares = [float(coverage(fresh[: 50 * count][None], y)[0]) for count in (1, 2, 3, 4)]
    assert shares == sorted(shares)
    assert shares[-1] > 0.9
    assert shares[0] == pytest.approx(shares[-1] / 4, abs=0.03)


@pytest.mark.parametrize("name", ["frechet", "kernel_distance", "coverage"])
def test_a_figure_does_not_depend_on_other_lanes(name: str) -> None:
    y, lanes = normal(80, 0, 1, 0), torch.stack([normal(90, 0.1 * s, 1, s + 1) for s in range(3)])
    metric = METRICS[name]
    together = metric.compute(lanes, y)
    assert metric.fits(Task.GENERATION)
    assert not any(metric.fits(task) for task in Task if task is not Task.GENERATION)
    for lane, figure in zip(lanes, together, strict=True):
        assert metric.compute(lane[None], y)[0] == figure
