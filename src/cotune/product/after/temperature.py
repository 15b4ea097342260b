"""Temperature scaling: one number makes probabilities as bold as they are right.

| symbol | meaning                | shape     |
|--------|------------------------|-----------|
| f      | log-probabilities      | row class |
| y      | true class             | row       |
| T      | temperature, positive  |           |

p = softmax(f / T), with the T of the least log loss(T) + (log T)² / (2 σ² n). The most probable class stays the same.

Deviation from the paper: the second term, as if log T were drawn from a normal distribution of mean 0, spread σ. Rows
that are all told right ask for T → 0, and one mistake elsewhere would then cost everything; n rows may move T only as
far as they can vouch for. Since the term is 0 at T = 1, the log loss never rises.

Source: Guo et al., On calibration of modern neural networks, ICML 2017.
"""

import math

import torch.nn.functional as F
from torch import Tensor

SPREAD = 0.25
"""σ: two thirds of temperatures lie within a quarter of 1, as far as one knows before looking."""
RANGE = (0.05, 20.0)
"""Temperatures tried."""


def scaled(f: Tensor, temperature: float) -> Tensor:
    """log softmax(f / T), shape [row class]; f itself where T is 1."""
    return f if temperature == 1.0 else F.log_softmax(f / temperature, dim=-1)


def log_loss(f: Tensor, y: Tensor) -> float:
    """Mean of −log p of the true class."""
    return float(F.nll_loss(f, y))


def temperature(f: Tensor, y: Tensor) -> float:
    """The best T, found by bounded minimisation over log T; 1 where nothing is better.

    Args:
        f: row class, of validation rows.
        y: row.
    """
    from scipy.optimize import minimize_scalar

    low, high = (math.log(end) for end in RANGE)

    def cost(t: float) -> float:
        return log_loss(scaled(f, math.exp(t)), y) + t * t / (2 * SPREAD**2 * len(y))

    found = minimize_scalar(cost, bounds=(low, high), method="bounded")
    best = math.exp(float(found.x))
    return best if log_loss(scaled(f, best), y) < log_loss(f, y) else 1.0
