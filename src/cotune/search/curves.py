"""How a learning curve will go on, and how sure that is.

| symbol | meaning                                                                                  | shape          |
|--------|------------------------------------------------------------------------------------------|----------------|
| n, T   | epochs seen; epochs of a full training                                                    |                |
| z      | the best figure up to each epoch, larger is better, less the last one, in units of s       | [curve, epoch] |
| s      | a curve's own gain so far, at least half of what is usual among those at hand              | [curve]        |
| φ      | what is left to gain at an epoch, as a share; falls from about 1 to 0                      | [shape, epoch] |
| σ      | how far figures lie from the curve, in units of s                                         | [noise]        |
| w      | how much an epoch counts: early ones follow other laws than late ones                     | [epoch]        |

A curve is z(t) = a − b φ(t) + σ ε. Shapes φ are the families of Domhan et al., inner parameters on a grid: power
laws, stretched exponentials (Weibull, Janoschek), Hill's (MMF), logarithms, and sigmoids for curves that take off late.
For each shape and noise the posterior of (a, b) under a normal prior is known in closed form, and so is the evidence of
the shape: the final figure is a mixture of normals, one for each shape and noise, weighted by evidence. To what it says
a doubt is added that grows with the gain it foresees, and a small chance of a surprise. Nothing is random, and nothing
is iterated but the search for quantiles.

Source: Domhan et al., Speeding up automatic hyperparameter optimization of deep neural networks by extrapolation of
learning curves, IJCAI 2015. There the mixture is sampled, curve by curve, in seconds; on a grid it takes microseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtr

Floats = NDArray[np.float64]

POINTS = 24
"""Epochs of a curve that are looked at, at most: the last ones, and earlier ones at growing distances."""

SIGMAS = np.array([0.003, 0.01, 0.03, 0.1])
"""The grid of σ."""

DOUBT = 0.35
"""Standard deviation that is added to what a shape says, as a share of the gain that it foresees."""

SURPRISE = 0.1
"""Weight, at the start, of the chance that a curve takes off and gains as others did; it fades to the end."""

USUAL = 0.75
"""Of the gains of all curves, the quantile that is called usual: many configurations hardly learn."""

SPREAD = 1.0, 1.5
"""Prior standard deviations of a and b, in units of s √(T / n): the less of a training was seen, the more may come."""

LEAST = 3
"""Epochs that an extrapolation needs."""


@dataclass(frozen=True)
class Forecast:
    """What the best figure of curves will be at the end of their training: mixtures of normals, no less than now.

    Args:
        now: the best figure so far [curve].
        weights, means, deviations: of the parts [curve, part]; larger is better.
    """

    now: Floats
    weights: Floats
    means: Floats
    deviations: Floats

    def beats(self, figure: float) -> Floats:
        """The probability that a final figure is at least this [curve]; 1 for those that are there already."""
        above = ndtr((self.means - figure) / self.deviations)
        found: Floats = np.where(self.now >= figure, 1.0, (self.weights * above).sum(axis=1))
        return found

    def expected(self) -> Floats:
        """The mean of the final figure [curve]."""
        gap = (self.means - self.now[:, None]) / self.deviations
        # The mean of max(now, x) for a normal x.
        gain = self.deviations * (gap * ndtr(gap) + np.exp(-0.5 * gap**2) / np.sqrt(2 * np.pi))
        found: Floats = self.now + (self.weights * gain).sum(axis=1)
        return found

    def quantile(self, share: float) -> Floats:
        """The figure that the final one stays below with probability `share` [curve]."""
        low = (self.means - 9 * self.deviations).min(axis=1)
        high = (self.means + 9 * self.deviations).max(axis=1)
        for _ in range(50):
            middle = (low + high) / 2
            below = (self.weights * ndtr((middle[:, None] - self.means) / self.deviations)).sum(axis=1)
            low, high = np.where(below < share, middle, low), np.where(below < share, high, middle)
        found: Floats = np.maximum(self.now, high)
        return found

    def interval(self, share: float = 0.8) -> tuple[Floats, Floats]:
        """Where the final figure lies with probability `share`, as much of the rest on either side [curve] each."""
        return self.quantile((1 - share) / 2), self.quantile((1 + share) / 2)


def extrapolate(curves: Sequence[Sequence[float]], *, epochs: int, usual: float = 0.0) -> Forecast:
    """What the best figure of each curve will be after `epochs`.

    Args:
        curves: finite figures of the epochs 1, 2, …, larger is better; at least `LEAST` of each.
        epochs: of a full training.
        usual: what curves gain while they train, see `usual_gain`; 0 where nobody knows.
    """
    count, parts = len(curves), len(SIGMAS) * len(_shapes(1, epochs)[0]) + 1
    weights, means, deviations = (np.empty((count, parts)) for _ in range(3))
    now = np.empty(count)
    lengths = np.array([len(curve) for curve in curves])
    for n in np.unique(lengths):
        rows = np.flatnonzero(lengths == n)
        best = np.maximum.accumulate(np.array([curves[int(i)] for i in rows], dtype=float), axis=1)
        now[rows] = best[:, -1]
        scale = np.maximum(
            best[:, -1] - best[:, 0], max(0.5 * usual, 1e-9 * (1e-9 + np.abs(best[:, -1]).max()))
        )
        seen = _looked_at(int(n))
        z = (best[:, seen] - best[:, -1:]) / scale[:, None]
        weights[rows], mean, deviation = _mixture(z, seen, int(n), epochs, np.maximum(scale, usual) / scale)
        means[rows] = now[rows, None] + scale[:, None] * mean
        deviations[rows] = scale[:, None] * deviation
    return Forecast(now, weights, means, deviations)


def usual_gain(curves: Sequence[Sequence[float]]) -> float:
    """What the better ones among curves have gained from their first figure to their best; 0 of none."""
    return float(np.quantile([max(curve) - curve[0] for curve in curves], USUAL)) if curves else 0.0


def _mixture(
    z: Floats, seen: NDArray[np.intp], n: int, epochs: int, takeoff: Floats
) -> tuple[Floats, Floats, Floats]:
    """Weights, means and deviations [curve, part] of z(T): a part for each shape and noise, the last for a surprise.

    Args:
        takeoff: what a surprise would gain, in units of s [curve].
    """
    phi, last = _shapes(n, epochs)
    phi = phi[:, seen]
    w = ((seen + 1.0) / n) ** 0.5
    # Sums over epochs: products of the columns (1, −φ), and of these with z.
    total, with_phi, with_phi2 = w.sum(), -(phi @ w), (phi**2) @ w
    with_z, with_both, with_z2 = z @ w, -((z * w) @ phi.T), (z**2) @ w
    precision = 1 / SIGMAS**2  # [noise]
    p_a, p_b = (n / (epochs * spread**2) for spread in SPREAD)
    at_b = 1.0  # the prior's mean: what was gained so far
    a11 = p_a + total * precision  # [noise]
    a12 = with_phi[:, None] * precision  # [shape, noise]
    a22 = p_b + with_phi2[:, None] * precision
    det = a11 * a22 - a12**2
    r1 = with_z[:, None, None] * precision  # [curve, shape, noise]
    r2 = p_b * at_b + with_both[:, :, None] * precision
    a = (a22 * r1 - a12 * r2) / det
    b = (a11 * r2 - a12 * r1) / det
    fit = a * r1 + b * r2 - with_z2[:, None, None] * precision - p_b * at_b**2
    evidence = 0.5 * (fit - np.log(det) + total * np.log(precision))
    evidence = np.where(b > 0, evidence, evidence - 20.0)  # figures of networks do not fall for good
    mean = a - b * last[:, None]
    known = (a22 + 2 * a12 * last[:, None] + a11 * last[:, None] ** 2) / det
    known = np.broadcast_to(known, mean.shape)
    deviation = np.sqrt(known + SIGMAS**2 + (DOUBT * mean) ** 2)
    flat = (len(z), -1)
    evidence = evidence.reshape(flat)
    surprise = SURPRISE * (1 - n / max(epochs, n + 1))
    weights = np.exp(evidence - logsumexp(evidence, axis=1, keepdims=True)) * (1 - surprise)
    one = np.ones((len(z), 1))
    return (
        np.hstack([weights, surprise * one]),
        np.hstack([mean.reshape(flat), 0 * one]),
        np.hstack([deviation.reshape(flat), takeoff[:, None]]),
    )


def _looked_at(n: int) -> NDArray[np.intp]:
    """Places of the epochs that are looked at."""
    if n <= POINTS:
        return np.arange(n)
    back = np.unique(np.round(np.geomspace(1, n, POINTS)).astype(np.intp))
    return n - back[::-1]


@lru_cache(maxsize=256)
def _shapes(n: int, epochs: int) -> tuple[Floats, Floats]:
    """φ at the epochs 1 … n [shape, epoch], and at the last epoch of a full training [shape]."""
    t = np.append(np.arange(1.0, n + 1), float(max(epochs, n)))
    shapes = [
        *((t + c) ** -power * (1 + c) ** power for c in (0.0, 3.0) for power in (0.25, 0.5, 1.0, 2.0)),
        *(
            np.exp(-((t / (reach * epochs)) ** power))
            for power in (0.5, 1.0)
            for reach in (0.03, 0.06, 0.12, 0.25, 0.5)
        ),
        *(1 / (1 + (t / (reach * epochs)) ** 2) for reach in (0.06, 0.12, 0.25, 0.5)),
        np.log(2) / np.log(t + 1),
        *(1 / (1 + np.exp((t / epochs - at) / 0.06)) for at in (0.25, 0.5)),
    ]
    found = np.array(shapes)
    return found[:, :-1], found[:, -1]
