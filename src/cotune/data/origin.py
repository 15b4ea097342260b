"""Where a row came from, in words that let the user find it."""

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

Place = Callable[[int], str]
"""Row index from 0 → the words that name it in a message."""

Records = Iterator[tuple[int, list[str]]]
"""(line of its first character, cells) of every record."""


@dataclass(frozen=True)
class Origin:
    """The source of a table.

    Args:
        name: short name of the source, for study and report.
        words: what messages call it, e.g. the path.
        records: reads a text file again, from its header on; `None` where the source is no text file.
        straight: whether record k of the text stands on line k + 2.
    """

    name: str
    words: str
    records: Callable[[], Records] | None = None
    straight: bool = True

    def place(self, row: int) -> str:
        """The words for the row with index `row`: the line an editor shows, or the row of a frame."""
        if self.records is None:
            return f"row {row} (counted from 0) of {self.words}"
        return f"line {row + 2 if self.straight else self._line(row)} of {self.words}"

    def _line(self, row: int) -> int:
        assert self.records is not None
        for number, (line, _) in enumerate(self.records()):
            if number == row + 1:  # record 0 is the header
                return line
        raise AssertionError(f"row {row} is not in {self.words}")


def records(lines: Iterable[str], separator: str) -> Records:
    """Every record of a text table that is not blank.

    Args:
        lines: with their ends.

    Raises:
        csv.Error: quotes that do not pair up.
    """
    reader = csv.reader(lines, delimiter=separator, strict=True)
    before = 0
    for cells in reader:
        if cells:
            yield before + 1, cells
        before = reader.line_num


def plain_place(row: int) -> str:
    """The words for a row when only a frame is known."""
    return f"row {row} counted from 0 (line {row + 2} of a text file)"
