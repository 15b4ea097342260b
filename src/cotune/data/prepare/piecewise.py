"""Numbers as piecewise linear codes: each column fills the bins between its training quantiles one after the other.

    code_t(x) = (x − b_{t−1}) / (b_t − b_{t−1}),   cut to [0, 1] but for the first below and the last above

| symbol | meaning                                                              | shape |
|--------|----------------------------------------------------------------------|-------|
| b      | edges: quantiles 0, 1/bins, …, 1 of the column, equal ones only once | bin+1 |

Codes lie in [0, 1] on training rows, whatever the column's scale, so nothing is scaled after them. A column with one
value in all training rows has one bin of width 1: it is only shifted.

Source: Gorishniy, Rubachev & Babenko, On Embeddings for Numerical Features in Tabular Deep Learning, 2022, eq. 1, with
quantile bins (PLE-q).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cotune.data.arrays import LARGEST, Floats


@dataclass(frozen=True)
class Pieces:
    """Ascending edges of each column, two at least."""

    edges: tuple[tuple[float, ...], ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """Codes of each column."""
        return tuple(len(each) - 1 for each in self.edges)


def fit(x: Floats, *, bins: int) -> Pieces:
    """The edges of `x`, shape [row, column], without NaN."""
    found = []
    for column in x.T:
        edges = np.unique(np.quantile(column, np.linspace(0, 1, bins + 1))) if len(column) else np.zeros(1)
        if len(edges) == 1:
            # A number too large to be told from its successor has the next larger one for its other edge.
            edges = np.append(edges, max(edges[0] + 1.0, np.nextafter(edges[0], np.inf)))
        found.append(tuple(edges.tolist()))
    return Pieces(tuple(found))


def join(parts: Sequence[Pieces]) -> Pieces:
    """The edges of all columns, from those of some each."""
    return Pieces(tuple(edges for part in parts for edges in part.edges))


def apply(state: Pieces, x: Floats) -> Floats:
    """The codes of `x`, shape [row, column] → [row, code], those of a column side by side."""
    blocks = [_codes(x[:, j], np.asarray(edges)) for j, edges in enumerate(state.edges)]
    return np.concatenate([np.zeros((len(x), 0)), *blocks], axis=1)


def _codes(x: Floats, edges: Floats) -> Floats:
    with np.errstate(over="ignore"):  # far beyond a narrow bin
        codes = (x[:, None] - edges[:-1]) / np.diff(edges)
    low, high = np.zeros(codes.shape[1]), np.ones(codes.shape[1])
    low[0], high[-1] = -LARGEST, LARGEST
    cut: Floats = np.clip(codes, low, high)
    return cut
