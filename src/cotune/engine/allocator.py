"""Tell the C library to keep freed memory for the next step instead of giving it back to the system."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_BYTES = 1 << 30


def keep_freed_memory() -> None:
    """Raise glibc's thresholds; elsewhere do nothing.

    Every step frees and takes the same few megabytes. By default glibc returns large blocks to the system at once
    and each step pays for the page faults again, up to several times the cost of the arithmetic.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_MMAP_THRESHOLD, _BYTES)
        libc.mallopt(_TRIM_THRESHOLD, _BYTES)
    except (OSError, AttributeError):
        return  # musl and others have no mallopt
