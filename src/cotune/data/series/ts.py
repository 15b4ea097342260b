"""The .ts files of the UEA and UCR archives: directives, then a row a line.

```
@problemName Gestures          @dimensions 2          @equalLength false
@classLabel true wave point    (or @targetLabel true, or false where there is none)
@data
0.1,0.2,?:1.0,1.1,1.2:wave     channels divided by colons, times by commas, ? where a number is missing
```
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cotune.data.arrays import Float32s
from cotune.errors import SourceError

ENDS = ("_TRAIN.ts", "_TEST.ts")
MISSING = ("?", "nan")


@dataclass(frozen=True)
class TsFile:
    """What a file holds.

    Args:
        name: of the problem.
        rows: each [time channel]; NaN where a number is missing.
        labels: classes or values as they stand there, "" where one is missing; `None` where the file has none.
        numbers: whether labels are values, not classes.
        lines: where each row stands.
    """

    name: str
    rows: tuple[Float32s, ...]
    labels: tuple[str, ...] | None
    numbers: bool
    lines: tuple[int, ...]


def counterpart(path: Path) -> Path | None:
    """The test rows beside a file of training rows, where both are named so and the other is there."""
    if not path.name.endswith(ENDS[0]):
        return None
    other = path.with_name(path.name.removesuffix(ENDS[0]) + ENDS[1])
    return other if other.exists() else None


def read_ts(path: Path) -> TsFile:
    """All rows of a file.

    Raises:
        SourceError: it breaks the format, with line and remedy.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise SourceError(f"{path} is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    header: dict[str, list[str]] = {}
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if not line.startswith("@"):
            raise SourceError(
                f"line {number} of {path} must be a directive such as @data, but is {line[:40]!r}"
            )
        if words[0].lower() == "@data":
            return _Reader(path, header).rows(lines, number)
        header[words[0].lower()] = words[1:]
    raise SourceError(f"{path} must have a line @data before its rows, but has none")


class _Reader:
    """Reads rows as the directives say they are.

    Args:
        path: the file.
        header: directive in small letters → its words.
    """

    def __init__(self, path: Path, header: Mapping[str, list[str]]) -> None:
        self._path, self._header = path, header
        if self._flag("@timestamps"):
            raise SourceError(
                f"{path} has time stamps, which are not read; leave them out (values at even times), or bring a CSV "
                "with a column for the series and one for the time"
            )
        self._equal = self._flag("@equallength")
        self._length = self._count("@serieslength") if self._equal else None
        self._channels = self._count("@dimensions") or self._count("@dimension")
        if self._flag("@univariate"):
            self._channels = 1
        kinds = [name for name in ("@classlabel", "@targetlabel") if self._flag(name)]
        if len(kinds) > 1:
            raise SourceError(f"{path} must have @classLabel or @targetLabel, but has both; remove one")
        self._labelled, self._numbers = bool(kinds), kinds == ["@targetlabel"]
        self._classes = header.get("@classlabel", [])[1:]

    def rows(self, lines: list[str], start: int) -> TsFile:
        """The rows from line `start` on, counted from 0."""
        rows, labels, places = [], [], []
        for number, line in enumerate(lines[start:], start=start + 1):
            if line.strip():
                row, label = self._row(line, self._at(number))
                rows.append(row)
                labels.append(label)
                places.append(number)
        if not rows:
            raise SourceError(f"{self._path} must have rows after @data, but has none")
        name = " ".join(self._header.get("@problemname", [])) or self._path.stem
        return TsFile(
            name, tuple(rows), tuple(labels) if self._labelled else None, self._numbers, tuple(places)
        )

    def _at(self, line: int) -> Callable[[], str]:
        return lambda: f"line {line} of {self._path}"

    def _row(self, line: str, at: Callable[[], str]) -> tuple[Float32s, str]:
        parts = line.split(":")
        label = parts.pop().strip() if self._labelled else ""
        if self._channels is None:
            self._channels = len(parts)
        if len(parts) != self._channels:
            raise SourceError(
                f"every row must have {self._channels} channels, divided by colons, but {at()} has {len(parts)}"
            )
        if label in MISSING:
            label = ""
        if label and self._classes and label not in self._classes:
            raise SourceError(
                f"a class must be among {', '.join(self._classes)}, but {at()} ends with {label!r}"
            )
        row = self._values(parts, at)
        if self._equal:
            self._length = self._length or len(row)
            if len(row) != self._length:
                raise SourceError(
                    f"rows must have {self._length} times where @equalLength is true, but {at()} has {len(row)}; "
                    "correct the row, or say @equalLength false"
                )
        return row, label

    def _values(self, parts: list[str], at: Callable[[], str]) -> Float32s:
        channels = []
        for number, part in enumerate(parts, start=1):
            cells = part.split(",")
            try:
                values = np.array(cells, dtype=np.float64)
            except ValueError:
                values = np.array([_number(cell, number, at) for cell in cells])
            channels.append(values)
        lengths = {len(values) for values in channels}
        if len(lengths) > 1:
            raise SourceError(
                f"all channels of a row must have equally many times, but {at()} has from {min(lengths)} to "
                f"{max(lengths)}; fill the shorter ones up with ?"
            )
        found: Float32s = np.stack(channels, axis=1).astype(np.float32)
        if np.isinf(found).any():
            raise SourceError(
                f"numbers must be finite, but {at()} has an infinite one; write ? where it is missing"
            )
        return found

    def _flag(self, name: str) -> bool:
        words = self._header.get(name)
        if not words:
            return False
        if words[0].lower() not in ("true", "false"):
            raise SourceError(f"{name} in {self._path} must be true or false, but is {words[0]!r}")
        return words[0].lower() == "true"

    def _count(self, name: str) -> int | None:
        words = self._header.get(name)
        if not words:
            return None
        if not words[0].isdecimal() or int(words[0]) < 1:
            raise SourceError(f"{name} in {self._path} must be a whole number above 0, but is {words[0]!r}")
        return int(words[0])


def _number(cell: str, channel: int, at: Callable[[], str]) -> float:
    if cell.strip().lower() in MISSING:
        return float("nan")
    try:
        return float(cell)
    except ValueError:
        law = f"every time must have a number, or ? where it is missing, but channel {channel} of {at()}"
        raise SourceError(f"{law} has {cell.strip()[:40]!r}") from None
