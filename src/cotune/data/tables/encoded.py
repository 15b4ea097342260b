"""The bytes of a text file: unpacked, and refused where they are no UTF-8 text."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cotune.errors import SourceError

MARK = b"\xef\xbb\xbf"
"""The byte order mark that spreadsheets put before UTF-8."""

_SAVE_AS_UTF8 = "re-save it as UTF-8 (in a spreadsheet: 'CSV UTF-8')"
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


def stem(path: Path) -> str:
    """The short name of a file."""
    return path.name.split(".")[0] or path.name


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked.

    Raises:
        SourceError: it cannot be read, or is a damaged gzip file.
    """
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as handle:
            yield handle  # type: ignore[misc]
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceError(
            f"{path} must be a whole gzip file, but unpacking fails: {error}; copy it again"
        ) from None
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read: {error.strerror or error}; check its permissions"
        ) from None


def check_text(text: bytes, path: Path, *, offset: int = 0, line: int = 1) -> None:
    """Raise `SourceError` unless `text` is text in UTF-8.

    Args:
        offset, line: where in the file it begins; at its very beginning, the file's kind is told too.
    """
    if not offset:
        _check_kind(text, path)
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        line += text.count(b"\n", 0, error.start)
        raise SourceError(
            f"{path} must be UTF-8, but line {line} holds the byte 0x{text[error.start]:02x} "
            f"(offset {offset + error.start}); {_SAVE_AS_UTF8}"
        ) from None
    if (zero := text.find(b"\0")) >= 0:
        line += text.count(b"\n", 0, zero)
        raise SourceError(
            f"{path} must be a text table, but line {line} holds a zero byte (offset {offset + zero}): "
            "it is binary or damaged; export the table as CSV"
        )


def _check_kind(text: bytes, path: Path) -> None:
    for magic, (what, remedy) in _MAGIC.items():
        if text.startswith(magic):
            raise SourceError(f"{path} must be a text table, but it is {what}; {remedy}")
    if not text.strip(MARK + b" \t\r\n"):
        raise SourceError(f"{path} is empty; a table needs a line of column names and rows under it")
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError(
            f"{path} must be UTF-8, but line 1 starts with the mark of UTF-16 (byte 0); {_SAVE_AS_UTF8}"
        )
