"""Arrays in .npy files: whole or absent, written in one go or row by row, and read through the page cache."""

import io
import math
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cotune.files import replacing


@dataclass(frozen=True, eq=False)
class Mapped:
    """A memory-mapped array, and where its rows lie in its file.

    Args:
        array: read-only, shape [row, …]; of its pages the system keeps in memory what it has room for.
        descriptor: of the open file; closed when this is gone.
        offset: bytes before the first row.
    """

    array: NDArray[Any]
    descriptor: int
    offset: int

    @property
    def row_bytes(self) -> int:
        """Bytes a row."""
        return int(self.array.strides[0])


def open_npy(path: Path) -> Mapped:
    """The array in a file that `write_npy` or `appending` made.

    Raises:
        OSError, ValueError: it is missing, or is cut.
    """
    with path.open("rb") as handle:
        np.lib.format.read_magic(handle)
        shape, _, dtype = np.lib.format.read_array_header_2_0(handle)
        offset = handle.tell()
        whole = math.prod(shape)  # no system maps nothing
        array = np.memmap(handle, dtype, "r", offset, shape) if whole else np.zeros(shape, dtype)
        found = Mapped(np.asarray(array), os.dup(handle.fileno()), offset)
    weakref.finalize(found, os.close, found.descriptor)
    return found


def write_npy(path: Path, array: NDArray[Any]) -> None:
    """Write an array."""
    with appending(path, array.dtype, array.shape) as append:
        append(array)


@contextmanager
def appending(
    path: Path, dtype: DTypeLike, shape: tuple[int, ...]
) -> Iterator[Callable[[NDArray[Any]], object]]:
    """Yields what takes the rows of an array, some at a time; the file appears when all are there.

    A memory map is not written to: on a full disk that ends the process, where a write is an error.
    """
    with replacing(path) as partial, partial.open("wb") as handle:
        handle.write(_header(np.dtype(dtype), shape))
        yield lambda rows: handle.write(np.ascontiguousarray(rows, dtype=dtype).data)


def _header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    made = io.BytesIO()
    about = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_2_0(made, about)
    return made.getvalue()
