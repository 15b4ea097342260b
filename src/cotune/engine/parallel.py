"""Cores: each works on lanes of its own, with kernels that use one thread.

Splitting every kernel over all cores costs a barrier each time; when another program wants a core, each of the
hundreds of kernels of a step waits for the scheduler. Lanes need no barrier before the end of an epoch. And since
no kernel is split, a lane's bits do not depend on the number of cores.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import torch


@cache
def cores() -> int:
    """Cores to use: those this process may run on, or OMP_NUM_THREADS if that is less."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(allowed, int(asked))) if asked.isdecimal() else allowed


@contextmanager
def one_thread_a_kernel() -> Iterator[None]:
    """While it lasts, kernels are not split over cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores(), thread_name_prefix="cotune-lanes")


def in_parallel(jobs: Sequence[Callable[[], None]]) -> None:
    """Run all jobs, each on one core, and wait; the first error is raised once none is running."""
    with one_thread_a_kernel():
        if len(jobs) == 1 or cores() == 1:
            for job in jobs:
                job()
            return
        futures = [_pool().submit(job) for job in jobs]
        errors = [error for future in futures if (error := future.exception()) is not None]
    if errors:
        raise errors[0]
