"""Images as rows: pixels of a common size, in memory or in a file."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cotune.data.arrays import Ints

Pixels = NDArray[Any]
"""Shape [row height width channel]; uint8, or float32 on a scale of their own."""

Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True, eq=False)
class Images:
    """The frame of a data set of images: what a table is to other data sets.

    Args:
        pixels: shape [row height width channel]; never written to, and memory-mapped where it does not fit.
        column: the column of a table that named the files; "" where no table did.
        names: file of each row, for a listing of predictions; () where there are none.
        in_file: whether the pixels lie in a file of the study.
    """

    pixels: Pixels
    column: str = ""
    names: tuple[str, ...] = ()
    in_file: bool = False

    @property
    def kind(self) -> str:
        """Its name among the forms."""
        return "image"

    @property
    def height(self) -> int:
        """Rows, as of any frame."""
        return len(self.pixels)

    @property
    def width(self) -> int:
        """Numbers of a row, as of any frame."""
        return int(np.prod(self.shape))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        _, height, width, channels = self.pixels.shape
        return height, width, channels

    @property
    def whole(self) -> bool:
        """Whether pixels are whole numbers from 0 to 255."""
        return self.pixels.dtype == np.uint8

    def __getitem__(self, rows: slice | Ints) -> "Images":
        """Some rows, in memory."""
        return Images(np.array(self.pixels[rows]), self.column)

    def words(self) -> str:
        """What the rows are, in words."""
        return f"images of {said(self.shape)}"


def said(shape: tuple[int, ...]) -> str:
    """An image's shape in words.

    Example:
        >>> said((28, 28, 1)), said((32, 48, 3))
        ('28 × 28 pixels, grey', '32 × 48 pixels, colour')
    """
    height, width, channels = shape
    colour = {1: "grey", 3: "colour"}.get(channels, f"{channels} channels")
    return f"{height} × {width} pixels, {colour}"
