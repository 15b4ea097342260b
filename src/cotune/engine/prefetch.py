"""Reading ahead: rows that lie in files are asked for before the steps that use them.

Random rows of a large file would otherwise be read one after the other, each while a step waits for it. The system is
asked for the pages of some thousand rows at once, in the order of the disk; what it has in memory already costs next
to nothing to ask for. The order of the steps stays what it is.
"""

import os
from collections.abc import Iterator

import numpy as np
from torch import Tensor

from cotune.data.mapped import Mapped
from cotune.engine.bank import Variant

PAGE = 4096
AHEAD = 64 << 20
"""Bytes of pages that are asked for before they are used."""

SAMPLED = 64
"""Rows looked up to tell whether there is anything to ask for."""


class Ahead:
    """Reads ahead of one lane's way through its rows.

    Args:
        variant: the rows; nothing happens where they are in memory.
        rows: their numbers in the order of the steps [row].
        first: the place in `rows` where the way begins.
    """

    def __init__(self, variant: Variant, rows: Tensor, first: int = 0) -> None:
        self._variant, self._rows = variant, rows
        self._asked = first
        bytes_each = sum(mapped.row_bytes // PAGE * PAGE + 2 * PAGE for mapped in variant.mapped)
        self._most = max(1, AHEAD // bytes_each) if bytes_each else 0

    def of(self, place: int) -> None:
        """To be called before the row at `place` is used."""
        if not self._most or self._asked - place > self._most // 2:
            return
        until = min(place + self._most, len(self._rows))
        prefetch(self._variant, self._rows[max(self._asked, place) : until])
        self._asked = max(self._asked, until)


def prefetch(variant: Variant, rows: Tensor) -> None:
    """Ask the system to read rows, and do not wait for it; nothing happens where they are in memory.

    Args:
        rows: numbers [row].
    """
    if len(rows) and hasattr(os, "posix_fadvise"):
        for mapped in variant.mapped:
            starts = mapped.offset + rows.numpy() * mapped.row_bytes
            if _some_are_missing(mapped, starts):
                for start, stop in _runs(starts, mapped.row_bytes):
                    os.posix_fadvise(mapped.descriptor, start, stop - start, os.POSIX_FADV_WILLNEED)


def _some_are_missing(mapped: Mapped, starts: np.ndarray) -> bool:
    """Whether a few of these rows, evenly picked, are not all in memory."""
    if not hasattr(os, "RWF_NOWAIT"):
        return True
    byte = [bytearray(1)]
    try:
        for start in starts[:: max(1, len(starts) // SAMPLED)]:
            os.preadv(mapped.descriptor, byte, int(start), os.RWF_NOWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False  # a file system in memory, which has nothing to read
    return False


def _runs(starts: np.ndarray, size: int) -> Iterator[tuple[int, int]]:
    """(first byte, byte after the last) of runs of whole pages, in the order of the file."""
    first = np.sort(starts) // PAGE
    last = (np.sort(starts) + size - 1) // PAGE
    breaks = np.flatnonzero(first[1:] > last[:-1] + 1)
    begin = first[np.concatenate([[0], breaks + 1])] * PAGE
    end = (last[np.concatenate([breaks, [len(last) - 1]])] + 1) * PAGE
    yield from zip(begin.tolist(), end.tolist(), strict=True)
