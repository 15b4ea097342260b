"""Rows that are no table: what images, series, texts and graphs are to other stages."""

from typing import Any, Protocol, Self

import polars as pl

from cotune.data.arrays import Ints


class Examples(Protocol):
    """The frame of a data set that is no table. Each kind is a class of its own; `cotune.data.forms` lists them."""

    @property
    def kind(self) -> str:
        """Its name in `cotune.data.forms.FORMS`."""

    @property
    def height(self) -> int:
        """Rows, as of any frame."""

    @property
    def width(self) -> int:
        """Numbers of a row, as of any frame: how much memory a row takes."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a prepared row: height width channel of images, time channel of series; () where it has none."""

    @property
    def in_file(self) -> bool:
        """Whether the rows lie in files of the study."""

    @property
    def names(self) -> tuple[str, ...]:
        """What a listing of predictions calls each row; () where rows have no names."""

    def __getitem__(self, rows: Any) -> Self:
        """Some rows, by a slice or by their numbers, in memory."""

    def words(self) -> str:
        """What the rows are, in words.

        Example:
            "images of 28 × 28 pixels, grey"
        """


Rows = pl.DataFrame | Examples
"""Some rows of a data set, or new ones, in memory."""

RowNumbers = slice | Ints
