"""Text tables (CSV, TSV) as frames of strings.

Two ways lead to the same frame: polars, when a vectorised count finds every line equally long, and Python's
`csv` module, which knows line numbers, otherwise. Nothing is guessed: cells stay strings here.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cotune.data.origin import Origin, Records, records
from cotune.data.tables.cells import is_number
from cotune.data.tables.encoded import MARK, check_text, opened, stem
from cotune.errors import SourceError

SEPARATORS = (",", ";", "\t", "|")
SNIFFED_LINES = 50


def read_text(path: Path) -> tuple[pl.DataFrame, Origin]:
    """The table in a delimited text file, every cell a string, and where its rows stand.

    Raises:
        SourceError: not UTF-8, binary, empty, no rows, ragged, unpaired quotes, or column names given twice.
    """
    with opened(path) as handle:
        text = handle.read()
    check_text(text, path)
    text = text.removeprefix(MARK).rstrip(b"\r\n")
    if b"\r" in text and b"\n" not in text:
        text = text.replace(b"\r", b"\n")
    separator = sniff(text)
    names, header_lines = header(text, separator, path)
    again = partial(_records, text, separator)
    if is_regular(text, separator, len(names)):
        straight = header_lines == 1 and b'"' not in text
        frame = parsed(text, separator, names)
        if frame is not None:
            return frame, Origin(stem(path), str(path), again, straight)
    lines = partial(_lines, text)
    return _plain(lines, separator, names, path), Origin(stem(path), str(path), again, straight=False)


def _lines(text: bytes) -> Iterable[str]:
    return io.StringIO(text.decode("utf-8"), newline="")


def _records(text: bytes, separator: str) -> Records:
    return records(_lines(text), separator)


def sniff(text: bytes) -> str:
    """The separator under which the first lines agree best on several columns; a comma when none does."""
    head = text[: 1 << 20].decode("utf-8", errors="ignore").splitlines()[:SNIFFED_LINES]
    best, best_score = ",", (0.0, 0)
    for separator in SEPARATORS:
        counts = [len(cells) for cells in csv.reader(head, delimiter=separator) if cells]
        columns = counts[0] if counts else 1
        agreeing = sum(count == columns for count in counts) / max(1, len(counts))
        if columns > 1 and (agreeing, columns) > best_score:
            best, best_score = separator, (agreeing, columns)
    return best


def header(text: bytes, separator: str, path: Path) -> tuple[list[str], int]:
    """(column names, lines they take) of a text table."""
    reader = csv.reader(io.StringIO(text.decode("utf-8"), newline=""), delimiter=separator)
    try:
        cells = next((cells for cells in reader if cells), [])
    except csv.Error as error:
        raise SourceError(
            f"line 1 of {path} must hold the column names, but cannot be read: {error}"
        ) from None
    names = [cell.strip() or f"unnamed: {place}" for place, cell in enumerate(cells)]
    seen: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if name in seen:
            hint = "is the line of column names missing?" if is_number(name) else "rename one of them"
            raise SourceError(
                f"column names must differ, but in line 1 of {path} columns {seen[name]} and {place} "
                f"are both named '{name}'; {hint}"
            )
        seen[name] = place
    return names, reader.line_num


def is_regular(text: bytes, separator: str, columns: int) -> bool:
    """Whether every record has `columns` cells, none is blank, and quotes pair up; counted, not parsed."""
    data = np.frombuffer(text, dtype=np.uint8)
    breaks, cells = data == ord("\n"), data == ord(separator)
    if b'"' in text:
        if not _quotes_enclose_cells(data, separator):
            return False
        # An 8-bit running count of quotes: its parity says inside or outside, wherever it wraps around.
        inside = (np.cumsum(data == ord('"'), dtype=np.uint8) & 1).astype(bool)
        breaks &= ~inside
        cells &= ~inside
    ends = np.append(np.flatnonzero(breaks), len(data))
    if len(ends) < 2 or bool((np.diff(ends) <= 2).any()):  # no row, or a line that may be blank
        return False
    counts = np.diff(np.searchsorted(np.flatnonzero(cells), ends), prepend=0)
    return bool((counts == columns - 1).all())


def _quotes_enclose_cells(data: NDArray[np.uint8], separator: str) -> bool:
    """Whether quotes pair up, and stand only around a whole cell, or twice inside such a cell."""
    quotes = np.flatnonzero(data == ord('"'))
    around = np.frombuffer(f'{separator}\n\r"'.encode(), dtype=np.uint8)
    opening, closing = quotes[::2], quotes[1::2]
    before, after = data[opening[opening > 0] - 1], data[closing[closing < len(data) - 1] + 1]
    return len(quotes) % 2 == 0 and bool(np.isin(before, around).all() and np.isin(after, around).all())


def parsed(text: bytes, separator: str, names: list[str]) -> pl.DataFrame | None:
    """A text that `is_regular`, cells as strings; `None` where polars refuses it all the same."""
    try:
        return pl.read_csv(text, separator=separator, infer_schema=False, has_header=True, new_columns=names)
    except pl.exceptions.PolarsError:
        return None


def _plain(lines: Callable[[], Iterable[str]], separator: str, names: list[str], path: Path) -> pl.DataFrame:
    for _ in checked(lines, separator, len(names), path):
        pass  # nothing is stored until all is known to be well, so that faults of large files take seconds
    rows = checked(lines, separator, len(names), path)
    return as_strings(names, rows)


def as_strings(names: list[str], rows: Iterable[list[str]]) -> pl.DataFrame:
    """A frame of strings from records; there must be at least one."""
    columns = zip(names, zip(*rows, strict=True), strict=True)
    return pl.DataFrame([pl.Series(name, cells, dtype=pl.String) for name, cells in columns])


def checked(
    lines: Callable[[], Iterable[str]], separator: str, columns: int, path: Path
) -> Iterator[list[str]]:
    """The cells of every record under the header.

    Args:
        lines: reads the text from its beginning.

    Raises:
        SourceError: the first record that breaks the table; or there is none.
    """
    count = 0
    try:
        for line, cells in records(lines(), separator):
            if len(cells) != columns:
                raise SourceError(
                    f"every line must have as many cells as line 1 ({columns}), but line {line} of {path} "
                    f"has {len(cells)} (separator {separator!r}); quote cells that contain the separator"
                )
            count += 1
            if count > 1:
                yield cells
    except csv.Error as error:
        raise SourceError(
            f"quotes must pair up, but the record of {path} that starts on line "
            f"{_line_of_fault(lines(), separator)} breaks this ({error}); close the quote, or write it twice"
        ) from None
    if count < 2:
        raise SourceError(f"{path} holds column names but no rows; add rows under line 1")


def _line_of_fault(lines: Iterable[str], separator: str) -> int:
    reader = csv.reader(lines, delimiter=separator, strict=True)
    before = 0
    try:
        for _ in reader:
            before = reader.line_num
    except csv.Error:
        return before + 1
    return before
