"""Numbers to comparable scales; each column on its own.

| method      | formula                                                                    |
|-------------|----------------------------------------------------------------------------|
| none        | x                                                                          |
| standard    | (x − mean) / standard deviation                                            |
| minmax      | (x − min) / (max − min)                                                    |
| maxabs      | x / max abs(x)                                                             |
| robust      | (x − median) / (Q3 − Q1)                                                   |
| robust_clip | z / √(1 + (z / 3)²), z as by `robust`; (max − min) / 2 where Q3 = Q1       |
| quantile    | Φ⁻¹(F(x)), F the training distribution, clipped to ±5.2                    |

A column without spread is only shifted (`maxabs` makes it 1, -1 or 0), and by `robust_clip` becomes 0. Every method
agrees with scikit-learn's scaler of that name; `robust_clip` is RealMLP's (Holzmüller, Grinsztajn & Steinwart, Better
by Default, NeurIPS 2024).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cotune.data.arrays import LARGEST, Floats

MOST_QUANTILES = 1000
EDGE = 1e-7
"""Probability below which, and above 1 minus which, the quantile method clips (as scikit-learn does)."""


SMOOTH = 3.0
"""Bound that `robust_clip` comes near to."""


@dataclass(frozen=True)
class Scaling:
    """(x − center) / spread per column, or, with `quantiles` [column, quantile], the quantile method.

    Where `spread` is 0, a column becomes 0.
    """

    method: str
    center: tuple[float, ...]
    spread: tuple[float, ...]
    quantiles: tuple[tuple[float, ...], ...] = ()

    @property
    def columns(self) -> int:
        """How many columns it scales."""
        return len(self.quantiles) or len(self.center)


def _standard(x: Floats) -> tuple[Floats, Floats]:
    center, spread = x.mean(axis=0), x.std(axis=0)
    # Rounding leaves a constant column a spread of about eps·|mean|; that is not spread.
    return center, np.where(spread <= 10 * np.finfo(np.float64).eps * np.abs(center), 0.0, spread)


def _minmax(x: Floats) -> tuple[Floats, Floats]:
    return x.min(axis=0), np.ptp(x, axis=0)


def _maxabs(x: Floats) -> tuple[Floats, Floats]:
    return np.zeros(x.shape[1]), np.abs(x).max(axis=0)


def _robust(x: Floats) -> tuple[Floats, Floats]:
    low, center, high = np.quantile(x, [0.25, 0.5, 0.75], axis=0)
    return center, high - low


def _robust_clip(x: Floats) -> tuple[Floats, Floats]:
    center, spread = _robust(x)
    return center, np.where(spread > 0, spread, np.ptp(x, axis=0) / 2)


LINEAR: Mapping[str, Callable[[Floats], tuple[Floats, Floats]]] = {
    "standard": _standard,
    "minmax": _minmax,
    "maxabs": _maxabs,
    "robust": _robust,
    "robust_clip": _robust_clip,
}
"""Method → (center, spread), each shape [column], of numbers [row, column]."""


def fit(x: Floats, *, method: str) -> Scaling:
    """The scales of `x`, shape [row, column], without NaN."""
    columns = x.shape[1]
    if method == "none" or x.size == 0:
        return Scaling("none", (0.0,) * columns, (1.0,) * columns)
    if method == "quantile":
        return Scaling(method, (), (), _quantiles(x))
    center, spread = LINEAR[method](x)
    spread = np.where(spread > 0, spread, 0.0 if method == "robust_clip" else 1.0)
    return Scaling(method, tuple(center.tolist()), tuple(spread.tolist()))


def _quantiles(x: Floats) -> tuple[tuple[float, ...], ...]:
    levels = np.linspace(0, 1, min(MOST_QUANTILES, len(x)))
    # Interpolation can fall by one rounding error where neighbours are equal; np.interp needs an ascent.
    found = np.maximum.accumulate(np.quantile(x, levels, axis=0), axis=0)
    return tuple(tuple(column) for column in found.T.tolist())


def join(parts: Sequence[Scaling]) -> Scaling:
    """The scales of all columns, from those of some each."""
    return Scaling(
        parts[0].method if parts else "none",
        tuple(value for part in parts for value in part.center),
        tuple(value for part in parts for value in part.spread),
        tuple(column for part in parts for column in part.quantiles),
    )


def apply(state: Scaling, x: Floats) -> Floats:
    """`x`, shape [row, column], on the fitted scales."""
    if state.method == "none":
        return x
    if state.method != "quantile":
        spread = np.asarray(state.spread)
        z = np.divide(x - np.asarray(state.center), spread, out=np.zeros_like(x), where=spread > 0)
        return _smoothly_clipped(z) if state.method == "robust_clip" else z
    columns = [_to_normal(x[:, j], np.asarray(column)) for j, column in enumerate(state.quantiles)]
    return np.column_stack(columns)


def _smoothly_clipped(z: Floats) -> Floats:
    z = np.clip(z, -LARGEST, LARGEST)  # whose square is finite
    smooth: Floats = z / np.sqrt(1 + (z / SMOOTH) ** 2)
    return smooth


def _to_normal(x: Floats, quantiles: Floats) -> Floats:
    from scipy.special import ndtri  # scipy comes with scikit-learn

    levels = np.linspace(0, 1, len(quantiles))
    # Equal quantiles (ties) make F jump; the mean of both ends of the jump is its middle.
    rank = 0.5 * (np.interp(x, quantiles, levels) - np.interp(-x, -quantiles[::-1], -levels[::-1]))
    rank = np.where(x >= quantiles[-1], 1.0, np.where(x <= quantiles[0], 0.0, rank))
    if quantiles[0] == quantiles[-1]:
        rank = np.where(x == quantiles[0], 0.5, rank)
    bound = ndtri(EDGE - np.spacing(1))
    normal: Floats = np.clip(ndtri(np.clip(rank, 0.0, 1.0)), bound, -bound)
    return normal
