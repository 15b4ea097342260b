"""The preparation of texts, fitted: from strings to numbers of tokens.

| symbol | meaning                                                                  | shape        |
|--------|--------------------------------------------------------------------------|--------------|
| tokens | of a text, see `cotune.data.prepare.tokenise`                             |              |
| codes  | numbers of tokens, 0 behind the last; and, in the last column, how many    | row (length + 1) |

Number 1 is a token that the vocabulary lacks, 2 its most frequent one. The vocabulary is that of the training rows. A
text without a token is one unknown token; a longer one than `length` is cut.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cotune.data.arrays import Ints
from cotune.data.dataset import Dataset
from cotune.data.prepare import balance
from cotune.data.prepare.codec import seal, unseal
from cotune.data.prepare.common import OfExamples
from cotune.data.prepare.features import Features, Figure, target_scale
from cotune.data.prepare.settings import decided_tokens
from cotune.data.prepare.tokenise import learned_pieces, splitter, vocabulary_of
from cotune.data.tables.sources import read_frame
from cotune.data.texts.rows import Texts
from cotune.data.texts.sources import COLUMN, PREFIX, is_lines, lines_of, strings_of
from cotune.errors import ColumnError, SourceError, did_you_mean
from cotune.types import Value

FORMAT = "cotune tokens 1"

UNKNOWN, FIRST = 1, 2
"""Numbers of a token that is not in the vocabulary, and of the first that is."""

ENOUGH = 0.99
"""Share of the training rows that are not cut, where the recipe leaves the length open."""

LONGEST = 400
"""Tokens of a text at most, where the recipe leaves the length open."""

GRAIN = 4
"""Lengths are multiples of it, and counts of words of its square: so that folds seldom differ."""


@dataclass(frozen=True)
class TokenPipeline(OfExamples):
    """A fitted preparation of texts; the counterpart of `Pipeline`.

    Args:
        unit, lowercase, pieces: as of `splitter`.
        vocabulary: tokens by number, from number 2 on.
        length: tokens of a text at most.
        column: the column that held the texts; "" where no table did.
        labels: classes that may stand before the texts in a file of lines.
        class_weights, class_rows, target_mean, target_scale: as of `Pipeline`.
    """

    unit: str
    lowercase: bool
    pieces: str
    vocabulary: tuple[str, ...]
    length: int
    column: str
    labels: tuple[str, ...]
    class_weights: tuple[float, ...] | None
    class_rows: tuple[int, ...]
    target_mean: Figure
    target_scale: Figure

    @classmethod
    def fit(cls, dataset: Dataset, rows: Ints, settings: Mapping[str, Value]) -> "TokenPipeline":
        """The preparation that `settings` describe, learned from `rows` alone.

        Args:
            dataset: of texts.
            rows: indices of the training rows.
            settings: what texts take of the recipe's `prepare` section; absent ones take its defaults.

        Raises:
            RecipeError: an illegal setting, or a library is missing.
        """
        asked = decided_tokens(settings)
        texts = dataset.frame
        assert isinstance(texts, Texts)
        some = texts[rows].texts.to_list()
        size = asked.vocabulary
        pieces = (
            learned_pieces(some, size=size, lowercase=asked.lowercase) if asked.tokens == "byte_pair" else ""
        )
        split = splitter(asked.tokens, lowercase=asked.lowercase, pieces=pieces)
        tokens = [split(text) for text in some]
        lengths = np.array([max(1, len(each)) for each in tokens])
        longest = int(asked.length) if isinstance(asked.length, int) else _enough(lengths)
        y = dataset.y[rows]
        center, spread = (0.0, 1.0) if dataset.task.is_classification else target_scale(y)
        classes = y.astype(np.int64) if dataset.task.is_classification else None
        kinds = len(dataset.classes)
        return cls(
            unit=asked.tokens,
            lowercase=asked.lowercase,
            pieces=pieces,
            vocabulary=vocabulary_of(tokens, size=size, least=asked.least_count),
            length=longest,
            column=texts.column,
            labels=texts.labels,
            class_weights=None if classes is None else balance.class_weights(asked.balance, classes, kinds),
            class_rows=() if classes is None else balance.class_rows(asked.balance, classes, kinds),
            target_mean=center,
            target_scale=spread,
        )

    @property
    def features(self) -> tuple[str, ...]:
        """None: texts have no numbers."""
        return ()

    @property
    def entries(self) -> int:
        """Numbers that tokens may have, with padding and the unknown; rounded up, see `GRAIN`."""
        grain = GRAIN**2
        return -(-(FIRST + len(self.vocabulary)) // grain) * grain

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Of each position, and of the count of tokens."""
        return (*(self.entries,) * self.length, self.length + 1)

    @property
    def shape(self) -> tuple[int]:
        """Of a prepared row: its words."""
        return (self.length,)

    @property
    def columns(self) -> tuple[str, ...]:
        """What `transform` needs, by name."""
        return (self.column,)

    def read(self, source: object) -> Texts:
        """New texts.

        Args:
            source: a list, array or series of strings, a table (or its file) with the study's column of texts, or a
                file of lines; where all lines begin with one of the study's classes, these are left out.

        Raises:
            DataError: there are no texts.
        """
        if isinstance(source, Texts):
            return source
        strings = strings_of(source)
        if strings is None and isinstance(source, str | PathLike) and is_lines(Path(source)):
            strings = pl.Series(COLUMN, self._without_labels(lines_of(Path(source))), dtype=pl.String)
        if strings is None:
            strings = self._of_table(source)
        return Texts(strings, self.column, self.labels)

    def _without_labels(self, lines: Sequence[str]) -> list[str]:
        pairs = [line.replace("\t", " ", 1).partition(" ") for line in lines]
        known = set(self.labels)
        every = bool(known) and all(label.removeprefix(PREFIX) in known for label, _, _ in pairs)
        return [text.strip() for _, _, text in pairs] if every else list(lines)

    def _of_table(self, source: Any) -> pl.Series:
        frame = read_frame(source)
        name = self.column or COLUMN
        if name not in frame.columns:
            raise ColumnError(f"there is no column '{name}' of texts{did_you_mean(name, frame.columns)}")
        if frame[name].dtype != pl.String:
            law = f"texts must be strings, but the column '{name}' holds {frame[name].dtype}"
            raise SourceError(f"{law}; bring the column as it was in the study")
        return frame[name].fill_null("")

    def transform(self, rows: Texts) -> Features:
        """What a network reads for texts that `read` gave."""
        return self.encode(rows)

    def encode(self, rows: Texts) -> Features:
        """`transform` for rows of the data set itself."""
        codes = np.zeros((rows.height, self.length + 1), dtype=np.int64)
        for row, numbers in enumerate(self._numbers(rows.texts)):
            codes[row, : len(numbers)] = numbers
            codes[row, -1] = len(numbers)
        return Features(np.zeros((rows.height, 0), dtype=np.float32), codes)

    def _numbers(self, texts: pl.Series) -> Iterator[list[int]]:
        """Numbers of each text's tokens, at least one."""
        split, index = splitter(self.unit, lowercase=self.lowercase, pieces=self.pieces), self._index
        for text in texts:
            yield [index.get(token, UNKNOWN) for token in split(text)[: self.length]] or [UNKNOWN]

    @cached_property
    def _index(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(self.vocabulary, FIRST)}

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` takes them back bit for bit."""
        return seal(FORMAT, self)

    @classmethod
    def from_json(cls, tree: object) -> "TokenPipeline":
        """The pipeline that `to_json` wrote.

        Raises:
            ModelError: the tree is foreign or damaged.
        """
        return unseal(FORMAT, cls, tree)

    def describe(self) -> list[str]:
        """What was done, in plain sentences."""
        case = ", capitals as small letters" if self.lowercase else ""
        of = {"word": "words", "character": "characters", "byte_pair": "pieces of words"}[self.unit]
        told = [
            f"Texts were split into {of}{case}.",
            f"The vocabulary has {len(self.vocabulary):,} of them, those of the training rows; others are one unknown.",
            f"The first {self.length} of a text are read.",
        ]
        if self.class_weights is not None:
            low, high = min(self.class_weights), max(self.class_weights)
            told.append(f"Classes weigh from {low:.3g} to {high:.3g}, rare ones more.")
        return told


def _enough(lengths: Ints) -> int:
    """A length that `ENOUGH` of the texts do not exceed."""
    found = int(np.quantile(lengths, ENOUGH, method="higher"))
    return min(LONGEST, -(-found // GRAIN) * GRAIN)
