"""What a preparation gives: rows as networks read them; and the scale of a number to be predicted."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from cotune.data.arrays import Float32s, Floats, Ints
from cotune.data.mapped import Mapped


@dataclass(frozen=True)
class Features:
    """Prepared rows.

    Args:
        numeric: shape [row, feature].
        codes: category codes for embeddings, shape [row, column]; 0 is unseen, missing or rare.
        mapped: the files behind them, where they are not in memory.
        world: what all rows share, such as a graph; see `cotune.engine.bank.Variant`.
    """

    numeric: Float32s
    codes: Ints
    mapped: tuple[Mapped, ...] = ()
    world: Any = None


Figure = float | tuple[float, ...]
"""A number, or one for each of several targets."""


def target_scale(y: Floats | Ints) -> tuple[Figure, Figure]:
    """Mean and standard deviation of the targets of training rows; 1 where they do not vary."""
    if y.ndim == 2:
        spreads = y.std(axis=0)
        return tuple(y.mean(axis=0).tolist()), tuple(np.where(spreads > 0, spreads, 1.0).tolist())
    spread = float(y.std())
    return float(y.mean()), spread if spread > 0 else 1.0
