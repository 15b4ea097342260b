"""Text tables (CSV, TSV) as frames of strings.

Two ways lead to the same frame: polars, when a vectorised count finds every line equally long, and Python's
`csv` module, which knows line numbers, otherwise. Nothing is guessed: cells stay strings here.
"""

import csv
import gzip
import io
import zlib
from pathlib import Path

import numpy as np
import polars as pl

from cotune.data.cells import is_number
from cotune.data.origin import Origin, records
from cotune.errors import SourceError

SEPARATORS = (",", ";", "\t", "|")
SNIFFED_LINES = 50

_MAGIC = {
    b"PK\x03\x04": ("a ZIP archive or an Excel workbook", "export the sheet as CSV"),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", "export the sheet as CSV"),
    b"PAR1": ("a Parquet file", "rename it to end with .parquet"),
    b"\x1f\x8b": ("compressed with gzip", "rename it to end with .csv.gz"),
    b"\x93NUMPY": ("a NumPy array", "load it with numpy and pass the array"),
    b"\x80\x04": ("a pickle", "load it in Python and pass the frame; cotune never unpickles"),
    b"\x80\x05": ("a pickle", "load it in Python and pass the frame; cotune never unpickles"),
    b"SQLite format 3": ("an SQLite database", "export the table as CSV"),
    b"\x89HDF": ("an HDF5 file", "export the table as CSV or Parquet"),
    b"ARROW1": ("an Arrow file", "export the table as CSV or Parquet"),
    b"%PDF": ("a PDF", "export the table as CSV"),
}


def read_text(path: Path) -> tuple[pl.DataFrame, Origin]:
    """The table in a delimited text file, every cell a string, and where its rows stand.

    Raises:
        SourceError: not UTF-8, binary, empty, no rows, ragged, unpaired quotes, or column names given twice.
    """
    text = _bytes(path)
    _check_text(text, path)
    text = text.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
    if b"\r" in text and b"\n" not in text:
        text = text.replace(b"\r", b"\n")
    separator = sniff(text)
    names, header_lines = _header(text, separator, path)
    if _is_regular(text, separator, len(names)):
        straight = header_lines == 1 and b'"' not in text
        origin = Origin(_stem(path), str(path), text, separator, straight)
        frame = _fast(text, separator, names)
        if frame is not None:
            return frame, origin
    origin = Origin(_stem(path), str(path), text, separator, straight=False)
    return _plain(text, separator, names, path), origin


def _stem(path: Path) -> str:
    return path.name.split(".")[0] or path.name


def _bytes(path: Path) -> bytes:
    try:
        if path.suffix.lower() != ".gz":
            return path.read_bytes()
        with gzip.open(path) as file:
            return file.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceError(
            f"{path} must be a whole gzip file, but unpacking fails: {error}; copy it again"
        ) from None
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read: {error.strerror or error}; check its permissions"
        ) from None


def _check_text(text: bytes, path: Path) -> None:
    for magic, (what, remedy) in _MAGIC.items():
        if text.startswith(magic):
            raise SourceError(f"{path} must be a text table, but it is {what}; {remedy}")
    if not text.strip(b"\xef\xbb\xbf \t\r\n"):
        raise SourceError(f"{path} is empty; a table needs a line of column names and rows under it")
    utf8 = "re-save it as UTF-8 (in a spreadsheet: 'CSV UTF-8')"
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError(f"{path} must be UTF-8, but line 1 starts with the mark of UTF-16 (byte 0); {utf8}")
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise SourceError(
            f"{path} must be UTF-8, but line {line} holds the byte 0x{text[error.start]:02x} "
            f"(offset {error.start}); {utf8}"
        ) from None
    if (zero := text.find(b"\0")) >= 0:
        line = text.count(b"\n", 0, zero) + 1
        raise SourceError(
            f"{path} must be a text table, but line {line} holds a zero byte (offset {zero}): "
            "it is binary or damaged; export the table as CSV"
        )


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


def _header(text: bytes, separator: str, path: Path) -> tuple[list[str], int]:
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


def _is_regular(text: bytes, separator: str, columns: int) -> bool:
    """Whether every record has `columns` cells, none is blank, and quotes pair up; counted, not parsed."""
    data = np.frombuffer(text, dtype=np.uint8)
    breaks, cells = data == ord("\n"), data == ord(separator)
    if b'"' in text:
        # An 8-bit running count of quotes: its parity says inside or outside, wherever it wraps around.
        inside = (np.cumsum(data == ord('"'), dtype=np.uint8) & 1).astype(bool)
        if inside[-1]:
            return False
        breaks &= ~inside
        cells &= ~inside
    ends = np.append(np.flatnonzero(breaks), len(data))
    if len(ends) < 2 or bool((np.diff(ends) <= 2).any()):  # no row, or a line that may be blank
        return False
    counts = np.diff(np.searchsorted(np.flatnonzero(cells), ends), prepend=0)
    return bool((counts == columns - 1).all())


def _fast(text: bytes, separator: str, names: list[str]) -> pl.DataFrame | None:
    try:
        return pl.read_csv(text, separator=separator, infer_schema=False, has_header=True, new_columns=names)
    except pl.exceptions.PolarsError:
        return None


def _plain(text: bytes, separator: str, names: list[str], path: Path) -> pl.DataFrame:
    _check_records(text, separator, len(names), path)
    rows = (cells for _, cells in records(text, separator))
    next(rows)
    columns = zip(names, zip(*rows, strict=True), strict=True)
    return pl.DataFrame([pl.Series(name, cells, dtype=pl.String) for name, cells in columns])


def _check_records(text: bytes, separator: str, columns: int, path: Path) -> None:
    """Raise for the first record that breaks the table; nothing is stored, so large files take seconds."""
    count = 0
    try:
        for line, cells in records(text, separator):
            if len(cells) != columns:
                raise SourceError(
                    f"every line must have as many cells as line 1 ({columns}), but line {line} of {path} "
                    f"has {len(cells)} (separator {separator!r}); quote cells that contain the separator"
                )
            count += 1
    except csv.Error as error:
        raise SourceError(
            f"quotes must pair up, but the record of {path} that starts on line "
            f"{_line_of_fault(text, separator)} breaks this ({error}); close the quote, or write it twice"
        ) from None
    if count < 2:
        raise SourceError(f"{path} holds column names but no rows; add rows under line 1")


def _line_of_fault(text: bytes, separator: str) -> int:
    reader = csv.reader(io.StringIO(text.decode("utf-8"), newline=""), delimiter=separator, strict=True)
    before = 0
    try:
        for _ in reader:
            before = reader.line_num
    except csv.Error:
        return before + 1
    return before
