"""Texts as rows: a string each, in memory."""

from dataclasses import dataclass

import polars as pl

from cotune.data.arrays import Ints

SIZE = 256
"""Numbers that a text is counted as: about what it takes in memory, prepared."""


@dataclass(frozen=True, eq=False)
class Texts:
    """The frame of a data set of texts: what a table is to other data sets.

    Args:
        texts: strings, none of them missing [row].
        column: the column of a table that held them; "" where there was no table.
        labels: the classes that stand before the texts in a file of lines; () where they stand elsewhere.
    """

    texts: pl.Series
    column: str = ""
    labels: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Its name among the forms."""
        return "text"

    @property
    def height(self) -> int:
        """Rows, as of any frame."""
        return self.texts.len()

    @property
    def width(self) -> int:
        """Numbers of a row, as of any frame."""
        return SIZE

    @property
    def shape(self) -> tuple[int, ...]:
        """None yet: how many words there are is for the preparation to say."""
        return ()

    @property
    def in_file(self) -> bool:
        """Texts lie in memory."""
        return False

    @property
    def names(self) -> tuple[str, ...]:
        """Texts have no names."""
        return ()

    def __getitem__(self, rows: slice | Ints) -> "Texts":
        """Some rows."""
        some = self.texts[rows] if isinstance(rows, slice) else self.texts.gather(rows)
        return Texts(some, self.column, self.labels)

    def words(self) -> str:
        """What the rows are, in words."""
        lengths = self.texts.str.split(" ").list.len()
        return f"texts of {lengths.sum() / max(1, self.height):.0f} words on average"
