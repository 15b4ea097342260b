"""The preparation of one trial, fitted: from a raw frame to what a network reads.

leave out extreme rows → parse → dates to numbers → clip outliers → fill missing → scale → cut into bins
→ encode categories → select → repeat or leave out rows of frequent and rare classes
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from cotune.data.arrays import Ints
from cotune.data.dataset import Dataset
from cotune.data.prepare import balance, encoder, removal, select
from cotune.data.prepare.codec import seal, unseal
from cotune.data.prepare.describe import sentences
from cotune.data.prepare.features import Features, Figure, target_scale
from cotune.data.prepare.layout import inputs_of, typed
from cotune.data.prepare.settings import Preparation, decided
from cotune.data.tables.sources import read_frame
from cotune.data.tables.stored import Frame, StoredFrame, slices
from cotune.types import Value

FORMAT = "cotune pipeline 2"


@dataclass(frozen=True)
class Pipeline:
    """A fitted preparation: `fit` makes one from training rows, `transform` applies it to any frame.

    Example:
        >>> pipeline = Pipeline.fit(dataset, splits.folds[0].train, {"scaling": "standard"})
        >>> pipeline.transform(read_frame("new.csv")).numeric.shape
        (3, 104)
    """

    settings: Preparation
    encoder: encoder.Encoder
    selected: tuple[int, ...]
    """Which of the encoder's numbers stay."""
    features: tuple[str, ...]
    """Names of the numeric outputs."""
    cardinalities: tuple[int, ...]
    """Codes of each embedded column, code 0 (unseen, missing, rare) included."""
    removal: removal.Removal | None
    """Of extreme training rows, where that was asked for."""
    class_weights: tuple[float, ...] | None
    class_rows: tuple[int, ...]
    """Training rows of each class in an epoch; () where each row is taken once."""
    target_mean: Figure
    target_scale: Figure

    @classmethod
    def fit(cls, dataset: Dataset, rows: Ints, settings: Mapping[str, Value]) -> "Pipeline":
        """The preparation that `settings` describe, learned from `rows` alone.

        Args:
            dataset: typed columns and target.
            rows: indices of the training rows.
            settings: keys of the recipe's `prepare` section; absent ones take its defaults.

        Raises:
            RecipeError: an illegal setting.
        """
        asked = decided(settings)
        inputs, removed = inputs_of(dataset.table), None
        clips = asked.outliers == "clip"
        if asked.outliers == "remove":
            removed, staying = removal.fit(inputs, dataset.table, rows, _classes(dataset, rows))
            rows, clips = rows if staying is None else rows[staying], not removed.done
        y = dataset.y[rows]
        state = encoder.fit(inputs, dataset.table, rows, replace(asked, outliers="clip" if clips else "none"))
        described = encoder.describe_features(state)
        selected = _select(state, dataset, rows, asked, [few for _, few in described])
        mean, spread = (0.0, 1.0) if dataset.task.is_classification else target_scale(y)
        classes, kinds = _classes(dataset, rows), len(dataset.classes)
        return cls(
            settings=asked,
            encoder=state,
            selected=selected,
            features=tuple(described[j][0] for j in selected),
            cardinalities=tuple(len(each.known) + 1 for each in state.known) if state.embedded else (),
            removal=removed,
            class_weights=None if classes is None else balance.class_weights(asked.balance, classes, kinds),
            class_rows=() if classes is None else balance.class_rows(asked.balance, classes, kinds),
            target_mean=mean,
            target_scale=spread,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that `transform` needs."""
        return tuple(each.name for each in self.encoder.inputs)

    @cached_property
    def scaled(self) -> int:
        """So many of the first features are scaled numbers."""
        return sum(j < self.encoder.scaling.columns for j in self.selected)

    def read(self, source: object) -> pl.DataFrame:
        """The raw columns of `source`, for `transform`; see `read_frame`."""
        return read_frame(source)

    def transform(self, frame: Frame) -> Features:
        """What a network reads for the rows of `frame`.

        Args:
            frame: raw columns in any order, e.g. from `read_frame`; further columns are ignored.

        Raises:
            ColumnError: a needed column is missing, or a cell cannot be read as its column's kind.
        """
        if isinstance(frame, StoredFrame):
            return self.encode(frame[:])
        return self.encode(typed(self.encoder.inputs, frame))

    def encode(self, frame: pl.DataFrame) -> Features:
        """`transform` for rows of the data set itself, whose columns are typed."""
        numbers, codes = encoder.apply(self.encoder, frame)
        if len(self.selected) < numbers.shape[1]:
            numbers = np.ascontiguousarray(numbers[:, list(self.selected)])
        return Features(numbers, codes)

    @property
    def world_name(self) -> str:
        """None: rows of a table share nothing."""
        return ""

    def world(self, rows: object) -> None:  # noqa: ARG002
        """None, as above."""
        return

    def training_rows(self, dataset: Dataset, rows: Ints, *, seed: int) -> Ints | None:
        """Which rows an epoch goes through: places in `rows`, ascending, or `None` for all of them, once each.

        Args:
            dataset, rows: those that it was fitted on.
            seed: of the draws where classes are balanced.
        """
        staying = (
            None
            if self.removal is None
            else removal.apply(self.removal, self.encoder.inputs, dataset.table, rows)
        )
        if not self.class_rows:
            return staying
        there = np.arange(len(rows)) if staying is None else staying
        return there[balance.places(self.class_rows, dataset.y[rows[there]].astype(np.int64), seed=seed)]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` takes them back bit for bit."""
        return seal(FORMAT, self)

    @classmethod
    def from_json(cls, tree: object) -> "Pipeline":
        """The pipeline that `to_json` wrote.

        Raises:
            ModelError: the tree is foreign or damaged.
        """
        return unseal(FORMAT, cls, tree)

    def describe(self) -> list[str]:
        """What was done, in plain sentences."""
        return sentences(
            self.settings,
            self.encoder,
            len(self.features),
            self.removal,
            self.class_weights,
            self.class_rows,
        )


def _select(
    state: encoder.Encoder, dataset: Dataset, rows: Ints, asked: Preparation, few: list[bool]
) -> tuple[int, ...]:
    if asked.select == "none":
        return tuple(range(len(few)))
    if asked.select == "variance":
        blocks = (rows[part] for part in slices(len(rows), len(few) + dataset.table.width))
        return select.varying(encoder.apply(state, dataset.table[some])[0] for some in blocks)
    drawn = select.sample(len(rows))
    some = rows if drawn is None else rows[drawn]
    return select.highest(
        asked.select,
        encoder.apply(state, dataset.table[some])[0],
        dataset.y[some],
        discrete=np.array(few, dtype=bool),
        keep=asked.keep,
        classify=dataset.task.is_classification,
    )


def _classes(dataset: Dataset, rows: Ints) -> Ints | None:
    return dataset.y[rows].astype(np.int64) if dataset.task.is_classification else None
