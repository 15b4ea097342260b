"""Linear algebra on one thread: a model's matrices are small, and cores are for lanes.

A pool of threads gains nothing on a matrix of 300 rows, and its threads go on spinning for a while when the work is
done. With one, results are also the same bits however many cores there are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()  # looks through all loaded libraries, which takes milliseconds


@contextmanager
def one_thread() -> Iterator[None]:
    """While it lasts, NumPy's and SciPy's libraries use one thread."""
    with _libraries().limit(limits=1, user_api="blas"):
        yield
