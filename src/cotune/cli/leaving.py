"""Ctrl-C outside training."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from cotune.cli.support import say


def _leave(_: int, __: FrameType | None) -> None:
    """Ctrl-C outside training: nothing is under way that an end could harm.

    At once, because an exception inside the import of a large library may be caught there, or come out as another.
    """
    say("stopped; `cotune resume DIR` goes on from the last boundary")
    os._exit(130)


@contextmanager
def leaving_at_once() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    before = signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
