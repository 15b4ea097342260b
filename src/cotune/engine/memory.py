"""How much memory lanes take, and how much there is."""

import torch

from cotune.data.memory import free_bytes as free_bytes
from cotune.engine.lanes import Structure
from cotune.engine.slots import places
from cotune.nets.layout import Layout

FLOAT = 4
SHARE = 0.5
"""Fraction of the free memory that populations may fill."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed, on any device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    signs = (
        "can't allocate memory",
        "not enough memory",
        "bad_alloc",
        "CUDA out of memory",
        "STATUS_ALLOC_FAILED",
    )
    return any(sign in text for sign in signs)


def held_bytes(structure: Structure) -> int:
    """Predicted bytes a lane holds as long as it trains: weights, two optimizer slots, its method's, best weights."""
    weights = Layout.of(structure.network.weights()).size
    statistics = Layout.of(structure.network.statistics()).size
    return FLOAT * ((4 + len(places(structure.method))) * weights + 2 * statistics)


def step_bytes(structure: Structure, rows: int) -> int:
    """Predicted bytes a lane needs beside that within a step.

    Gradient and scratch; what a batch leaves behind in the network; the epoch's row numbers.

    Args:
        rows: training rows of the lane.
    """
    network = structure.network
    weights = Layout.of(network.weights()).size
    return FLOAT * (3 * weights + structure.batch_size * network.values) + 8 * rows
