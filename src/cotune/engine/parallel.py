"""Cores: each works on lanes of its own, with kernels that use one thread.

Splitting every kernel over all cores costs a barrier each time; when another program wants a core, each of the
hundreds of kernels of a step waits for the scheduler. Lanes need no barrier before the end of an epoch. And since
no kernel is split, a lane's bits do not depend on the number of cores.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial

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
    # Numbers too small to matter are flushed to zero: a processor takes a hundred times as long for them.
    return ThreadPoolExecutor(cores(), "cotune-lanes", torch.set_flush_denormal, (True,))


@dataclass(frozen=True)
class Job:
    """Work for one core, and how heavy its steps are: arithmetic operations between two dips into Python."""

    do: Callable[[], None]
    operations: float


HEAVY = 30e6
"""Operations a step from which on a job gets a core of its own.

Threads of lighter jobs fight for Python's lock at every kernel, and two of them together take longer than one after
the other: they are lined up on one core."""


def in_parallel(jobs: Sequence[Job]) -> None:
    """Run all jobs, each core taking the next when it is free, and wait; then the first error is raised."""
    light = [job.do for job in jobs if job.operations < HEAVY]
    waiting = deque(job.do for job in jobs if job.operations >= HEAVY)
    if light:
        waiting.appendleft(partial(_one_by_one, light))
    with one_thread_a_kernel():
        workers = [_pool().submit(_work, waiting) for _ in range(min(cores(), len(waiting)))]
        errors = [error for worker in workers if (error := worker.exception()) is not None]
    if errors:
        raise errors[0]


def _work(waiting: "deque[Callable[[], None]]") -> None:
    while waiting:
        try:
            job = waiting.popleft()
        except IndexError:  # another core was quicker
            return
        try:
            job()
        except BaseException:
            waiting.clear()
            raise


def _one_by_one(jobs: Sequence[Callable[[], None]]) -> None:
    for job in jobs:
        job()
