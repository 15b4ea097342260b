"""How much memory lanes take, and how much there is."""

import os
from pathlib import Path

import torch

from cotune.engine.lanes import Structure
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


def free_bytes() -> int:
    """Bytes this process may still take: the least of the machine's, its container's and its own limit."""
    found = [_machine_free(), _container_free(), _process_free()]
    return min(n for n in found if n is not None)


def _machine_free() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # not Linux: half of the installed memory stands in
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError, AttributeError):
        return 4 << 30


def _container_free() -> int | None:
    group = Path("/sys/fs/cgroup")
    try:
        limit = (group / "memory.max").read_text().strip()
        used = int((group / "memory.current").read_text())
    except (OSError, ValueError):
        return None
    return None if limit == "max" else max(0, int(limit) - used)


def _process_free() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None
    return max(0, limit - used)


def held_bytes(structure: Structure) -> int:
    """Predicted bytes a lane holds as long as it trains: weights, two optimizer slots, best weights."""
    weights = Layout.of(structure.network.weights()).size
    statistics = Layout.of(structure.network.statistics()).size
    return FLOAT * (4 * weights + 2 * statistics)


def step_bytes(structure: Structure, rows: int) -> int:
    """Predicted bytes a lane needs beside that within a step.

    Gradient and scratch; what a batch leaves behind in the network; the epoch's row numbers.

    Args:
        rows: training rows of the lane.
    """
    network = structure.network
    weights = Layout.of(network.weights()).size
    return FLOAT * (3 * weights + structure.batch_size * network.values) + 8 * rows
