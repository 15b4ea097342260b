"""Text tables too large for memory: read in blocks, and staged as Parquet parts that are read by column.

The two ways of `delimited` again: polars, block by block, where a count finds every line of every block equally long;
Python's `csv` module over the whole file otherwise. They lead to the same table as `delimited.read_text`.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl

from cotune.data.origin import Origin, Records, records
from cotune.data.tables.delimited import as_strings, checked, header, is_regular, parsed, sniff
from cotune.data.tables.encoded import MARK, check_text, opened, stem
from cotune.data.tables.parts import Parts

BLOCK = 16 << 20
"""Bytes parsed at once; parsing takes several times as many."""

HEAD = 16 << 20
"""Bytes in which the line of column names must end."""

LONGEST = 16
"""Blocks without the end of a record after which quotes are not trusted to pair up."""

ROWS = 10_000
"""Records staged at once by the slow way."""


@dataclass(frozen=True)
class _Head:
    """What the beginning of a file tells: column names, the lines and bytes before the first record below them."""

    separator: str
    names: list[str]
    lines: int
    bytes: int
    old_mac: bool
    """Whether lines end with a carriage return alone."""


def stage_text(path: Path, folder: Path) -> tuple[Parts, Origin]:
    """The table in a text file as Parquet parts in `folder`, every cell a string, and where its rows stand.

    Raises:
        SourceError: as `delimited.read_text` does.
    """
    head = _head(path)
    again = partial(_records, path, head.separator)
    found = _stage_regular(path, folder, head)
    if found is not None:
        parts, quoted = found
        return parts, Origin(stem(path), str(path), again, head.lines == 1 and not quoted)
    rows = checked(partial(_lines, path), head.separator, len(head.names), path)
    batches = iter(lambda: list(islice(rows, ROWS)), [])
    parts = Parts.write(folder, (as_strings(head.names, some) for some in batches))
    return parts, Origin(stem(path), str(path), again, straight=False)


def _head(path: Path) -> _Head:
    with opened(path) as handle:
        text = handle.read(HEAD)
    old_mac = b"\r" in text and b"\n" not in text
    text = text.replace(b"\r", b"\n") if old_mac else text
    whole = text if len(text) < HEAD else text[: text.rfind(b"\n") + 1]
    check_text(whole, path)
    marked = len(MARK) if text.startswith(MARK) else 0
    separator = sniff(text[marked:])
    names, lines = header(whole[marked:], separator, path)
    return _Head(separator, names, lines, _end_of_line(text, lines), old_mac)


def _end_of_line(text: bytes, line: int) -> int:
    end = 0
    for _ in range(line):
        end = text.find(b"\n", end) + 1 or len(text)
    return end


class _IrregularError(Exception):
    """A block cannot be read the fast way."""


def _stage_regular(path: Path, folder: Path, head: _Head) -> tuple[Parts, bool] | None:
    """(the parts, whether there are quotes); `None` where a line is not as long as the others, or there is none."""
    columns = head.separator.join(f"c{i}" for i in range(len(head.names))).encode() + b"\n"
    quoted = False

    def frames() -> Iterator[pl.DataFrame]:
        nonlocal quoted
        for block in _blocks(path, head):
            text = columns + block
            quoted = quoted or b'"' in block
            if not is_regular(text, head.separator, len(head.names)):
                raise _IrregularError
            frame = parsed(text, head.separator, head.names)
            if frame is None:
                raise _IrregularError
            yield frame

    try:
        parts = Parts.write(folder, frames())
    except _IrregularError:
        for _ in _blocks(path, head):
            pass  # all of the file must be text before its records are looked at
        return None
    return (parts, quoted) if parts.height else None


def _blocks(path: Path, head: _Head) -> Iterator[bytes]:
    """The records under the header: blocks of whole records, checked to be text, no line ends around them."""
    offset, line, rest = head.bytes, head.lines + 1, b""
    with opened(path) as handle:
        handle.seek(head.bytes)
        while more := handle.read(BLOCK):
            rest += more.replace(b"\r", b"\n") if head.old_mac else more
            end = _last_end(rest)
            if not end and len(rest) >= LONGEST * BLOCK:
                end = rest.rfind(b"\n") + 1 or _whole_characters(rest)
            end = _before_line_ends(rest, end)
            if end > 0:
                check_text(rest[:end], path, offset=offset, line=line)
                yield _without_line_end(rest[:end]) if offset > head.bytes else rest[:end]
                offset, line, rest = offset + end, line + rest.count(b"\n", 0, end), rest[end:]
    check_text(rest, path, offset=offset, line=line)
    last = (_without_line_end(rest) if offset > head.bytes else rest).rstrip(b"\r\n")
    if last:
        yield last


def _without_line_end(text: bytes) -> bytes:
    return text[2:] if text.startswith(b"\r\n") else text.removeprefix(b"\n")


def _last_end(text: bytes) -> int:
    """Where the last whole record ends: after a line end with an even number of quotes before it; 0 for nowhere."""
    if b'"' not in text:
        return text.rfind(b"\n") + 1
    data = np.frombuffer(text, dtype=np.uint8)
    inside = (np.cumsum(data == ord('"'), dtype=np.uint8) & 1).astype(bool)
    ends = np.flatnonzero((data == ord("\n")) & ~inside)
    return int(ends[-1]) + 1 if len(ends) else 0


def _before_line_ends(text: bytes, end: int) -> int:
    """Where the line ends before `end` begin. They go to the next block: at the end of a file they mean nothing."""
    while end and text[end - 1 : end] == b"\n":
        end -= 2 if text[max(0, end - 2) : end] == b"\r\n" else 1
    return end


def _whole_characters(text: bytes) -> int:
    end = len(text) - 1
    while end and text[end] & 0xC0 == 0x80:
        end -= 1
    return end


def _lines(path: Path) -> Iterator[str]:
    """The lines of a text file, with their ends."""
    with opened(path) as handle, io.TextIOWrapper(handle, encoding="utf-8-sig", newline="") as text:
        yield from text


def _records(path: Path, separator: str) -> Records:
    return records(_lines(path), separator)
