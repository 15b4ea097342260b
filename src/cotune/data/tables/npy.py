"""Arrays in NumPy's files: X.npy and y.npy in a folder, an .npz with X and y, or one .npy that is a table.

Rows of two or three axes are images; those of more are flattened, their numbers become the columns x0, x1, …
"""

import errno
import math
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cotune.data.tables.frames import series_from_numpy
from cotune.errors import SourceError

BLOCK = 32 << 20
"""Bytes turned at once from rows to columns."""


@dataclass(frozen=True)
class ArrayColumns:
    """A table of numbers that lies in a file column after column, and a column of labels.

    Args:
        values: memory-mapped, shape [column, row].
        labels: `None` where there are none.
    """

    values: NDArray[Any]
    labels: pl.Series | None = None

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.values.shape[1])

    @property
    def columns(self) -> list[str]:
        """Names."""
        names = [f"x{i}" for i in range(len(self.values))]
        return names if self.labels is None else [*names, self.labels.name]

    def __getitem__(self, name: str) -> pl.Series:
        """A whole column."""
        if self.labels is not None and name == self.labels.name:
            return self.labels
        return series_from_numpy(name, np.array(self.values[int(name.removeprefix("x"))]))


def is_array(path: Path) -> bool:
    """Whether a path leads to arrays."""
    return path.suffix.lower() in (".npy", ".npz") or (path / "X.npy").is_file()


def read_arrays(path: Path, scratch: Path | None = None) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """(X, flattened to 2 axes; y or `None`); X is memory-mapped where the file allows it.

    Args:
        scratch: a folder in which to unpack an archive that is too large for memory.

    Raises:
        SourceError: a file is damaged, holds objects, or lacks X.
    """
    with readable(path):
        if path.suffix.lower() == ".npz":
            with zipfile.ZipFile(path) as archive:
                _must_hold_x(archive, path)
                x = _member(archive, scratch)
                y = _loaded(archive, "y") if "y.npy" in archive.namelist() else None
        elif path.is_dir():
            x = np.load(path / "X.npy", mmap_mode="r")
            y = np.load(path / "y.npy") if (path / "y.npy").exists() else None
        else:
            x, y = np.load(path, mmap_mode="r"), None
    if x.ndim < 2:
        raise SourceError(f"{path} must hold an array with a row for each example, but X has shape {x.shape}")
    return x.reshape(len(x), math.prod(x.shape[1:])), y


def shape_of(path: Path) -> tuple[int, ...]:
    """The shape of X, or of x_train where an archive has that, from the header alone; () where there is neither."""
    with readable(path):
        if path.suffix.lower() != ".npz":
            with (path / "X.npy" if path.is_dir() else path).open("rb") as handle:
                return _header(handle)[0]
        with zipfile.ZipFile(path) as archive:
            for name in ("X", "x_train", "x_test"):
                if f"{name}.npy" in archive.namelist():
                    with archive.open(f"{name}.npy") as member:
                        return _header(member)[0]
    return ()


def read_members(path: Path, names: Sequence[str], scratch: Path | None = None) -> dict[str, NDArray[Any]]:
    """Arrays of an archive, of a folder or of an .npy file (which holds X) by name, those that are there.

    Args:
        scratch: a folder in which to unpack an archive that is too large for memory.

    Raises:
        SourceError: a file is damaged, or holds objects.
    """
    with readable(path):
        if path.suffix.lower() == ".npz":
            with zipfile.ZipFile(path) as archive:
                there = [name for name in names if f"{name}.npy" in archive.namelist()]
                return {name: _member(archive, scratch, name) for name in there}
        if path.is_dir():
            return {
                name: np.load(file, mmap_mode="r")
                for name in names
                if (file := path / f"{name}.npy").exists()
            }
        return {"X": np.load(path, mmap_mode="r")}


def _loaded(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    with archive.open(f"{name}.npy") as handle:
        found: NDArray[Any] = np.lib.format.read_array(handle, allow_pickle=False)
        return found


def _member(archive: zipfile.ZipFile, scratch: Path | None, name: str = "X") -> NDArray[Any]:
    if scratch is None:
        return _loaded(archive, name)
    with archive.open(f"{name}.npy") as packed, (scratch / f"{name}.npy").open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked, BLOCK)
    found: NDArray[Any] = np.load(scratch / f"{name}.npy", mmap_mode="r")
    return found


def by_column(x: NDArray[Any], scratch: Path) -> ArrayColumns:
    """A table of numbers with its columns in a file in `scratch`, turned block by block."""
    rows, columns = x.shape
    if x.dtype.kind not in "biuf":
        raise SourceError(
            f"an array that is larger than data.memory must hold numbers, but X has dtype {x.dtype}; "
            "raise data.memory, or save the table as Parquet"
        )
    size = x.dtype.itemsize
    step = max(1, BLOCK // max(1, columns * size))
    with (scratch / "columns.bin").open("wb", buffering=0) as handle:
        for start in range(0, rows, step):
            block = np.ascontiguousarray(x[start : start + step].T)
            for column, values in enumerate(block):
                handle.seek((column * rows + start) * size)
                handle.write(values.data)
    return ArrayColumns(np.memmap(scratch / "columns.bin", x.dtype, "r", shape=(columns, rows)))


def cells(path: Path) -> tuple[int, int]:
    """(cells of X, bytes of each) from the header alone."""
    with readable(path):
        if path.suffix.lower() == ".npz":
            with zipfile.ZipFile(path) as archive:
                _must_hold_x(archive, path)
                with archive.open("X.npy") as member:
                    return _cells(member)
        with (path / "X.npy" if path.is_dir() else path).open("rb") as handle:
            return _cells(handle)


def _cells(handle: Any) -> tuple[int, int]:
    shape, size = _header(handle)
    return math.prod(shape), size


def _header(handle: Any) -> tuple[tuple[int, ...], int]:
    """(shape, bytes of a cell)."""
    version = np.lib.format.read_magic(handle)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(handle)
    return shape, dtype.itemsize


def _must_hold_x(archive: zipfile.ZipFile, path: Path) -> None:
    names = [name.removesuffix(".npy") for name in archive.namelist()]
    if "X" not in names:
        raise SourceError(
            f"an archive must hold X and y, or images of 3 or 4 axes as x_train and y_train, x_test and y_test, but "
            f"{path} holds {', '.join(names) or 'nothing'}; save its arrays under those names with numpy.savez"
        )


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turns what a damaged file raises into a `SourceError`."""
    try:
        yield
    except (ValueError, EOFError, OSError, KeyError, zipfile.BadZipFile) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise  # the archive is well, the disk is full
        raise SourceError(
            f"{path} must hold whole NumPy arrays of numbers or text, in an archive X and y, but reading fails: "
            f"{error}; save it again with numpy.save or numpy.savez"
        ) from None
