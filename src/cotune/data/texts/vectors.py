"""Embeddings of words from a file the user has.

| format          | first line          | then, for each word                                   |
|-----------------|---------------------|-------------------------------------------------------|
| word2vec, text  | words and width     | the word and its numbers, with spaces between          |
| GloVe           | none                | the same                                              |
| word2vec binary | words and width     | the word, a space, and its numbers as 32-bit floats    |

A file that ends with .bin is binary; one that ends with .gz is unpacked.
Sources: Mikolov et al., NIPS 2013; Pennington, Socher & Manning, GloVe, EMNLP 2014.
"""

import gzip
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, cast

import numpy as np

from cotune.data.arrays import Float32s
from cotune.errors import SourceError

LONGEST = 1 << 20
"""Bytes of a line at most: a file without lines is none of these."""


def width_of(path: Path) -> int:
    """Numbers of a word.

    Raises:
        SourceError: the file cannot be read, or is none of embeddings.
    """
    with _opened(path) as file:
        return _head(file, path)[1]


def vectors_of(path: Path, wanted: Collection[str]) -> tuple[list[str], Float32s]:
    """Of the wanted words those that the file has, and their embeddings [word width].

    A word that the file has with capitals alone is taken from there.

    Raises:
        SourceError: the file cannot be read, or is damaged.
    """
    exact: dict[str, Float32s] = {}
    lowered: dict[str, Float32s] = {}
    known = set(wanted)
    with _opened(path) as file:
        first, width = _head(file, path)
        binary = path.name.removesuffix(".gz").endswith(".bin")
        pairs = _binary(file, width, path) if binary else _text(file, first, width, path)
        for word, vector in pairs:
            if word in known:
                exact.setdefault(word, vector)
            elif word.lower() in known:
                lowered.setdefault(word.lower(), vector)
    found = {**lowered, **exact}
    if not found:
        law = f"none of the {len(known):,} words of the texts is in {path}"
        raise SourceError(f"{law}; name embeddings of their language")
    words = sorted(found)
    vectors = np.stack([found[word] for word in words])
    if not np.isfinite(vectors).all():
        raise SourceError(f"embeddings must be finite numbers, but {path} holds others; bring another file")
    return words, vectors


def _opened(path: Path) -> IO[bytes]:
    try:
        return cast(IO[bytes], gzip.open(path) if path.name.endswith(".gz") else path.open("rb"))
    except OSError as error:
        law = f"network.embeddings: {path} cannot be read: {error.strerror or error}"
        raise SourceError(f"{law}; name a file of word embeddings") from None


def _head(file: IO[bytes], path: Path) -> tuple[bytes, int]:
    """(the first line where it has a word's numbers, the width)."""
    line = file.readline(LONGEST)
    parts = line.split()
    if len(parts) == 2 and all(part.isdigit() for part in parts):
        return b"", int(parts[1])
    try:
        numbers = [float(part) for part in parts[1:]]
    except ValueError:
        numbers = []
    if not numbers:
        law = f"network.embeddings: {path} must begin with a word and its numbers, or with how many there are"
        raise SourceError(f"{law}; bring a file in the format of word2vec or GloVe")
    return line, len(numbers)


def _text(file: IO[bytes], first: bytes, width: int, path: Path) -> Iterator[tuple[str, Float32s]]:
    number = 1 if first else 2
    line = first or file.readline()
    while line:
        # From the right: some words of GloVe's hold spaces.
        word, *numbers = line.decode("utf-8", errors="replace").rstrip().rsplit(" ", width)
        if len(numbers) == width:
            try:
                yield word, np.array(numbers, dtype=np.float32)
            except ValueError:
                law = f"line {number} of {path} must be a word and {width} numbers, but is not"
                raise SourceError(f"{law}; fix the line, or delete it") from None
        number, line = number + 1, file.readline()


def _binary(file: IO[bytes], width: int, path: Path) -> Iterator[tuple[str, Float32s]]:
    while True:
        word = bytearray()
        while (byte := file.read(1)) not in (b" ", b""):
            word += byte
        if not byte:
            return
        raw = file.read(4 * width)
        if len(raw) < 4 * width:
            raise SourceError(f"{path} ends in the middle of a word; copy it again")
        yield word.decode("utf-8", errors="replace").strip(), np.frombuffer(raw, "<f4").astype(np.float32)
