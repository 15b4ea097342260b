"""Categories: one 0/1 column each, or codes for an embedding.

Code 0 stands for a category that is unseen, is missing, or is not among the 100 most frequent;
in one-hot form these are the zero vector.

Source: Guo & Berkhahn, Entity Embeddings of Categorical Variables, 2016.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from cotune.data.arrays import Float32s, Ints

MOST = 100


@dataclass(frozen=True)
class Categories:
    """The known categories of one column, sorted, and how many rarer ones were left out."""

    known: tuple[str, ...]
    left_out: int


def fit(series: pl.Series) -> Categories:
    """The categories in `series`: all of them, or the 100 most frequent."""
    counts = series.drop_nulls().value_counts()
    pairs = sorted(
        zip(counts[series.name], counts["count"], strict=True), key=lambda pair: (-pair[1], pair[0])
    )
    return Categories(tuple(sorted(name for name, _ in pairs[:MOST])), max(0, len(pairs) - MOST))


def codes(state: Categories, series: pl.Series) -> Ints:
    """1 + the place of each cell among the known categories, or 0; shape [row]."""
    if not state.known:
        return np.zeros(series.len(), dtype=np.int64)
    places = series.cast(pl.Enum(state.known), strict=False).to_physical().cast(pl.Int64)
    return (places + 1).fill_null(0).to_numpy()


def onehot(found: Ints, size: int) -> Float32s:
    """0/1 columns from codes in 0..size; code 0 gives zeros. Shape [row, size]."""
    return np.eye(size + 1, dtype=np.float32)[found][:, 1:]
