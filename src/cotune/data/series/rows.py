"""Series as rows: numbers at times, in channels, up to a common length."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cotune.data.arrays import Float32s, Ints


@dataclass(frozen=True, eq=False)
class Series:
    """The frame of a data set of series: what a table is to other data sets.

    Args:
        values: shape [row time channel]; NaN where a number is missing, and beyond a row's end. Never written to.
        lengths: times of each row, shape [row].
        channels: names of the channels; () where they have none.
        names: what a listing calls each row; () where rows have no names.
        column, time: the columns that named, and ordered, the series of a table; "" where none did.
        cut: rows that were longer than `values`, and lost their end.
    """

    values: Float32s
    lengths: Ints
    channels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    column: str = ""
    time: str = ""
    cut: int = 0

    @property
    def kind(self) -> str:
        """Its name among the forms."""
        return "series"

    @property
    def height(self) -> int:
        """Rows, as of any frame."""
        return len(self.values)

    @property
    def width(self) -> int:
        """Numbers of a row, as of any frame."""
        return int(np.prod(self.shape))

    @property
    def shape(self) -> tuple[int, int]:
        """Times and channels of a row."""
        _, times, channels = self.values.shape
        return times, channels

    @property
    def in_file(self) -> bool:
        """Never: series lie in memory."""
        return False

    @property
    def equal(self) -> bool:
        """Whether all rows have all times."""
        return bool((self.lengths == self.values.shape[1]).all())

    def __getitem__(self, rows: Any) -> "Series":
        """Some rows, in memory."""
        names = tuple(np.array(self.names, dtype=object)[rows]) if self.names else ()
        return Series(self.values[rows], self.lengths[rows], self.channels, names, self.column, self.time)

    def words(self) -> str:
        """What the rows are, in words."""
        return f"series of {said(self.shape, equal=self.equal)}"


def said(shape: tuple[int, ...], *, equal: bool = True) -> str:
    """A series' shape in words.

    Example:
        >>> said((24, 1)), said((26, 12), equal=False)
        ('24 times', 'up to 26 times, 12 channels')
    """
    times, channels = shape
    return f"{'' if equal else 'up to '}{times} times" + (f", {channels} channels" if channels > 1 else "")


def laid(
    rows: Sequence[Float32s], times: int, *, channels: tuple[str, ...] = (), names: tuple[str, ...] = ()
) -> Series:
    """Rows [time channel] up to a common length; longer ones lose their end."""
    values: Float32s = np.full((len(rows), times, rows[0].shape[1]), np.nan, dtype=np.float32)
    for place, row in zip(values, rows, strict=True):
        place[: len(row)] = row[:times]
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    cut = int((lengths > times).sum())
    return Series(values, np.minimum(lengths, times), channels, names, cut=cut)
