"""Where texts come from: files of lines `label text`, lists of strings; a column of a table is found by loading.

A file of lines may have companions: where its name says `train`, files beside it whose names say `test`, and `dev` or
`valid`, give the source's own test and validation rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cotune.data.arrays import Ints
from cotune.data.tables.frames import is_pandas, series_from_pandas
from cotune.data.tables.handed import labels_of
from cotune.errors import SourceError

SUFFIXES = (".txt", ".all", ".train", ".test", ".dev", ".valid")
"""Of files of lines."""

COMPANIONS = (("test", ("test",)), ("validation", ("dev", "valid", "val")))
"""Part of the data → how the name of its file may call it, where the training rows' says train."""

PREFIX = "__label__"
"""What stands before labels in files for fastText."""

TARGET = "label"
"""What the labels of a file are called."""

KEPT = "data.texts.parquet"
"""Name of a study's copy of texts that came from memory."""

COLUMN = "text"
"""What a listing calls the texts where no column of a table has them."""


@dataclass(frozen=True)
class TextSource:
    """Texts, and what is known of each.

    Args:
        texts: strings [row].
        labels: the target; `None` where there is none.
        name, words: what the study and messages call the source.
        test, validation: rows that the source itself gives; `None` where it gives none.
        notes: for the user to read.
        in_lines: whether each label stands before its text.
    """

    texts: pl.Series
    labels: pl.Series | None
    name: str
    words: str
    test: Ints | None = None
    validation: Ints | None = None
    notes: tuple[str, ...] = ()
    in_lines: bool = False

    def place(self, row: int) -> str:
        """The words for a row in a message."""
        return f"row {row} (counted from 0) of {self.words}"


def find_texts(source: object, target: str | None) -> TextSource | None:
    """The texts in a file of lines, or in a pair (X, y) with strings for X; `None` where `source` is something else.

    Raises:
        SourceError: they are texts, but cannot be used as they are.
    """
    if isinstance(source, str | PathLike):
        path = Path(source)
        if not path.is_file():
            return None
        if path.name == KEPT:
            return _kept(path)
        return _of_lines(path, target or TARGET) if is_lines(path) else None
    if not isinstance(source, tuple) or len(source) != 2:
        return None
    texts = strings_of(source[0])
    if texts is None:
        return None
    labels = labels_of(source[1], target or "target")
    if labels.len() != texts.len():
        law = (
            f"X and y must have equally many rows, but X has {texts.len()} texts and y {labels.len()} labels"
        )
        raise SourceError(law)
    return TextSource(texts, labels, "texts", "X")


def is_lines(path: Path) -> bool:
    """Whether a file is one of lines, by its name."""
    return path.name.lower().endswith(SUFFIXES)


def strings_of(value: Any) -> pl.Series | None:
    """A list, array or series of strings as one of polars; `None` of anything else. Missing ones are empty."""
    if isinstance(value, list | tuple):
        if not value or not all(isinstance(each, str | None) for each in value):
            return None
        found = pl.Series(COLUMN, value, dtype=pl.String)
    elif isinstance(value, pl.Series):
        found = value.alias(COLUMN)
    elif is_pandas(value) and getattr(value, "ndim", 0) == 1:
        found = series_from_pandas(value, COLUMN)
    elif isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "OUT":
        return strings_of(value.tolist())
    else:
        return None
    return found.fill_null("") if found.dtype == pl.String and found.null_count() < found.len() else None


def lines_of(path: Path) -> list[str]:
    """The lines of a text file that are not blank: UTF-8, or else Latin-1. Only line feeds end a line.

    Raises:
        SourceError: it cannot be read.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read: {error.strerror or error}; check its permissions"
        ) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return [line for line in (each.strip() for each in text.split("\n")) if line]


def labelled(lines: Sequence[str], path: Path) -> tuple[list[str], list[str]]:
    """Labels and texts of lines `label text`.

    Raises:
        SourceError: they are not such.
    """
    labels, texts = [], []
    for line in lines:
        label, _, text = line.replace("\t", " ", 1).partition(" ")
        labels.append(label.removeprefix(PREFIX))
        texts.append(text.strip())
    kinds = len(set(labels))
    if kinds < 2 or 2 * kinds > len(labels):
        law = f"lines of {path} must be a label, a space and a text, but there are {kinds} different first words"
        remedy = "rename it to .csv or .tsv if it is a table with column names in line 1"
        raise SourceError(f"{law} in {len(labels)} lines; put the label first, or {remedy}")
    return labels, texts


def _of_lines(path: Path, target: str) -> TextSource:
    labels, texts = labelled(lines_of(path), path)
    rows: dict[str, Ints | None] = {"test": None, "validation": None}
    notes = []
    for part, names in COMPANIONS:
        beside = _companion(path, names)
        if beside is None:
            continue
        more_labels, more = labelled(lines_of(beside), beside)
        rows[part] = np.arange(len(texts), len(texts) + len(more))
        labels, texts = labels + more_labels, texts + more
        notes.append(f"the {part} rows are those of {beside.name}")
    return TextSource(
        pl.Series(COLUMN, texts, dtype=pl.String),
        pl.Series(target, labels, dtype=pl.String),
        path.name.split(".")[0],
        str(path),
        rows["test"],
        rows["validation"],
        tuple(notes),
        in_lines=True,
    )


def _companion(path: Path, names: Sequence[str]) -> Path | None:
    """The file beside `path` that has one of `names` where it has train, as a part of its name between dots."""
    parts = path.name.split(".")
    if "train" not in parts:
        return None
    for name in names:
        beside = path.with_name(".".join(name if part == "train" else part for part in parts))
        if beside.is_file():
            return beside
    return None


def save_texts(source: TextSource, path: Path) -> None:
    """Write texts and labels where `find_texts` reads them again."""
    assert source.labels is not None
    pl.DataFrame([source.texts, source.labels.alias(f"{TARGET} {source.labels.name}")]).write_parquet(path)


def _kept(path: Path) -> TextSource:
    frame = pl.read_parquet(path)
    labels = frame[frame.columns[1]]
    name = labels.name.removeprefix(f"{TARGET} ")
    return TextSource(frame[COLUMN], labels.alias(name), "texts", str(path))
