"""Tensors as rows: whatever a user's own network reads, in one or several parts, as it was handed over."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cotune.data.arrays import Ints

Part = NDArray[Any]
"""Shape [row *shape]; float32 or int64."""


@dataclass(frozen=True)
class PartShape:
    """What a part is.

    Args:
        codes: whether it is made of whole numbers.
        shape: of a row.
        use: "input" of the network, or "target" of a loss of the user's own.
    """

    codes: bool
    shape: tuple[int, ...]
    use: Literal["input", "target"] = "input"

    @property
    def size(self) -> int:
        """Numbers of a row."""
        return int(np.prod(self.shape))


@dataclass(frozen=True, eq=False)
class Tensors:
    """The frame of a data set of tensors.

    Args:
        parts: what a row is made of.
        shapes: what each part is.
    """

    parts: tuple[Part, ...]
    shapes: tuple[PartShape, ...]

    @property
    def kind(self) -> str:
        """Its name among the forms."""
        return "tensors"

    @property
    def height(self) -> int:
        """Rows, as of any frame."""
        return len(self.parts[0])

    @property
    def width(self) -> int:
        """Numbers of a row, as of any frame."""
        return sum(shape.size for shape in self.shapes)

    @property
    def shape(self) -> tuple[int, ...]:
        """None: parts have shapes of their own."""
        return ()

    @property
    def in_file(self) -> bool:
        """They are in memory."""
        return False

    @property
    def names(self) -> tuple[str, ...]:
        """Rows have no names."""
        return ()

    def __getitem__(self, rows: slice | Ints) -> "Tensors":
        """Some rows, in memory."""
        return Tensors(tuple(part[rows] for part in self.parts), self.shapes)

    def words(self) -> str:
        """What the rows are, in words."""
        return f"rows of {said(self.shapes)}"


def said(shapes: tuple[PartShape, ...]) -> str:
    """Parts in words.

    Example:
        >>> said((PartShape(False, (3, 32, 32)), PartShape(True, (7,))))
        '3 × 32 × 32 numbers and 7 whole numbers'
    """
    parts = [
        f"{' × '.join(map(str, each.shape)) or '1'} {'whole numbers' if each.codes else 'numbers'}"
        for each in shapes
        if each.use == "input"
    ]
    return " and ".join(parts)
