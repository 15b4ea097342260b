"""Images as the user has them, files or arrays of any sizes, and how they become rows of one size."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cotune.data.arrays import LARGEST, Ints
from cotune.data.images.pillow import Header, decode, header, quietly, resized
from cotune.data.images.rows import Size
from cotune.data.tables.stored import slices
from cotune.errors import SourceError

LARGEST_SIDE = 64
"""Pixels of the longer side unless the recipe says otherwise: a convolution's work grows with their square."""

SHOWN = 5
"""Damaged files named in a message."""


@dataclass(frozen=True)
class Survey:
    """What images are before they are brought to one size.

    Args:
        sizes: every size there is, by how many images have it.
        grey: whether no image has colours.
        channels: of arrays, whose count of channels is what it is; `None` for files.
    """

    sizes: dict[Size, int]
    grey: bool
    channels: int | None = None

    def shape(self, asked: str | Size) -> tuple[int, int, int]:
        """Height, width and channels of the rows.

        Args:
            asked: "auto", or a size.
        """
        size = common_size(self.sizes) if isinstance(asked, str) else asked
        return *size, self.channels or (1 if self.grey else 3)


class Pictures(Protocol):
    """Images in their order."""

    def survey(self) -> Survey: ...

    def blocks(self, rows: Ints, shape: tuple[int, int, int]) -> Iterator[NDArray[Any]]: ...

    @property
    def dtype(self) -> Any: ...


@dataclass(frozen=True)
class Files:
    """Image files.

    Args:
        paths: in the order of the rows.
        named: what messages call the file of a row.
    """

    paths: Sequence[Path]
    named: Callable[[int], str]

    @property
    def dtype(self) -> Any:
        """Of the rows."""
        return np.uint8

    def survey(self) -> Survey:
        """Sizes and colours, from the files' headers.

        Raises:
            SourceError: files cannot be read; the first few are named.
        """
        sizes: dict[Size, int] = {}
        grey = True
        for some in self._through(np.arange(len(self.paths)), header):
            for each in some:
                assert isinstance(each, Header)
                sizes[each.size] = sizes.get(each.size, 0) + 1
                grey = grey and each.grey
        return Survey(sizes, grey)

    def blocks(self, rows: Ints, shape: tuple[int, int, int]) -> Iterator[NDArray[Any]]:
        """The pixels of `rows` at one shape, some rows at a time [row height width channel].

        Raises:
            SourceError: files are damaged; found when all have been tried.
        """
        for some in self._through(rows, lambda path: decode(path, shape[:2], shape[2])):
            if some:
                yield np.stack(some)

    def _through(self, rows: Ints, do: Callable[[Path], Any]) -> Iterator[list[Any]]:
        """What `do` finds in each file, some files at a time; a `str` is a fault."""
        faults: list[str] = []
        with quietly(), ThreadPoolExecutor() as pool:
            for part in slices(len(rows), 4096):
                found = list(pool.map(do, [self.paths[row] for row in rows[part]]))
                for row, each in zip(rows[part], found, strict=True):
                    if isinstance(each, str):
                        faults.append(f"{self.named(int(row))} ({each})")
                yield [each for each in found if not isinstance(each, str)] if not faults else []
        if faults:
            raise SourceError(
                f"every image must be a whole PNG or JPEG file, but {listed(faults, len(rows))} cannot be read; "
                "mend or delete them"
            )


@dataclass(frozen=True)
class Arrays:
    """Images in arrays, one after the other.

    Args:
        parts: shape [row height width] or [row height width channel] each, equal but for their rows.
        words: what messages call them.
    """

    parts: Sequence[NDArray[Any]]
    words: str

    def __post_init__(self) -> None:
        for part in self.parts:
            _check_array(part, self.words)
        shapes = {part.shape[1:] for part in self.parts}
        if len(shapes) > 1:
            raise SourceError(
                f"training and test images must have one shape, but {self.words} has "
                f"{' and '.join(str(shape) for shape in sorted(shapes))}; bring them to one"
            )

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(len(part) for part in self.parts)]

    @property
    def dtype(self) -> Any:
        """Of the rows: bytes stay bytes, all else becomes 32-bit floats."""
        return np.uint8 if all(part.dtype == np.uint8 for part in self.parts) else np.float32

    def survey(self) -> Survey:
        """The one size of all."""
        shape = (*self.parts[0].shape, 1)
        channels = shape[3]
        return Survey({(shape[1], shape[2]): self._starts[-1]}, channels == 1, channels)

    def blocks(self, rows: Ints, shape: tuple[int, int, int]) -> Iterator[NDArray[Any]]:
        """The pixels of `rows` (ascending) at one size, some rows at a time [row height width channel].

        Raises:
            SourceError: a number is not finite.
        """
        for place in slices(len(rows), int(np.prod(self.parts[0].shape[1:]))):
            some = np.concatenate([self._take(part, rows[place]) for part in range(len(self.parts))])
            some = some.reshape(*some.shape[:3], shape[2])
            if some.shape[1:3] != shape[:2]:
                with quietly():
                    some = np.stack([resized(image, shape[:2]) for image in some])
            yield some

    def _take(self, part: int, rows: Ints) -> NDArray[Any]:
        start, stop = self._starts[part : part + 2]
        own = rows[(rows >= start) & (rows < stop)]
        with np.errstate(over="ignore"):  # what does not fit into 32 bits becomes infinite, and is refused
            found = self.parts[part][own - start].astype(self.dtype)
        finite = np.isfinite(found).all(axis=tuple(range(1, found.ndim)))
        if not finite.all():
            row = int(own[int(np.argmin(finite))])
            raise SourceError(
                f"pixels must be finite numbers below {LARGEST:.1e}, but row {row} (counted from 0) of {self.words} "
                "holds others; leave it out, or fill them in"
            )
        return found


def common_size(sizes: dict[Size, int]) -> Size:
    """The one size of all images where they have one within bounds; else their median, even, at most `LARGEST_SIDE`.

    Even, because pooling halves it.

    Example:
        >>> common_size({(27, 27): 5}), common_size({(90, 60): 2, (120, 61): 1})
        ((27, 27), (64, 42))
    """
    if len(sizes) == 1 and min(next(iter(sizes))) >= 4 and max(next(iter(sizes))) <= LARGEST_SIDE:
        return next(iter(sizes))
    weights = np.array(list(sizes.values()))
    middle = [float(np.median(np.repeat([size[axis] for size in sizes], weights))) for axis in (0, 1)]
    shrink = min(1.0, LARGEST_SIDE / max(middle))
    height, width = (max(4, 2 * round(side * shrink / 2)) for side in middle)
    return height, width


def listed(names: Sequence[str], total: int) -> str:
    """`3 of 120: a, b, c`, the first few of them."""
    shown = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
    return f"{len(names)} of {total} ({shown})" if len(names) > 1 else shown


def _check_array(array: NDArray[Any], words: str) -> None:
    forms = "[row height width] or [row height width channel]"
    law = f"images must be an array {forms}, but {words} has shape {array.shape}"
    if array.ndim not in (3, 4) or 0 in array.shape:
        raise SourceError(f"{law}; reshape it")
    if array.ndim == 4 and array.shape[1] in (1, 3, 4) and array.shape[3] > 4:
        raise SourceError(f"{law}, its channels in front; turn it with .transpose(0, 2, 3, 1)")
    if array.dtype.kind not in "buif":
        raise SourceError(f"pixels must be numbers, but {words} has dtype {array.dtype}")
