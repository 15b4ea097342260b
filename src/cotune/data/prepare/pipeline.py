"""The preparation of one trial, fitted: from a raw frame to what a network reads.

parse → dates to numbers → clip outliers → fill missing → scale → encode categories → select
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from cotune.data.arrays import Float32s, Floats, Ints
from cotune.data.dataset import Dataset
from cotune.data.mapped import Mapped
from cotune.data.prepare import balance, encoder, select
from cotune.data.prepare.codec import decode, encode
from cotune.data.prepare.describe import sentences
from cotune.data.prepare.layout import inputs_of, typed
from cotune.data.prepare.settings import Preparation, decided
from cotune.data.stored import Frame, StoredFrame, slices
from cotune.errors import ModelError
from cotune.types import Value

FORMAT = "cotune pipeline 1"


@dataclass(frozen=True)
class Features:
    """Prepared rows.

    Args:
        numeric: shape [row, feature].
        codes: category codes for embeddings, shape [row, column]; 0 is unseen, missing or rare.
        mapped: the files behind them, where they are not in memory.
    """

    numeric: Float32s
    codes: Ints
    mapped: tuple[Mapped, ...] = ()


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
    class_weights: tuple[float, ...] | None
    target_mean: float
    target_scale: float

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
        y = dataset.y[rows]
        state = encoder.fit(inputs_of(dataset.frame), dataset.frame, rows, asked)
        described = encoder.describe_features(state)
        selected = _select(state, dataset, rows, asked, [few for _, few in described])
        mean, spread = (0.0, 1.0) if dataset.task.is_classification else _target_scale(y)
        weighted = asked.balance == "weights" and dataset.task.is_classification
        return cls(
            settings=asked,
            encoder=state,
            selected=selected,
            features=tuple(described[j][0] for j in selected),
            cardinalities=tuple(len(each.known) + 1 for each in state.known) if state.embedded else (),
            class_weights=balance.weights(y.astype(np.int64), len(dataset.classes)) if weighted else None,
            target_mean=mean,
            target_scale=spread,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that `transform` needs."""
        return tuple(each.name for each in self.encoder.inputs)

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

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` takes them back bit for bit."""
        state = encode(self)
        return {"format": FORMAT, "checksum": _checksum(state), "state": state}

    @classmethod
    def from_json(cls, tree: object) -> "Pipeline":
        """The pipeline that `to_json` wrote.

        Raises:
            ModelError: the tree is foreign or damaged.
        """
        if not isinstance(tree, dict) or tree.get("format") != FORMAT:
            found = tree.get("format") if isinstance(tree, dict) else type(tree).__name__
            raise ModelError(
                f"a pipeline must say format '{FORMAT}', but says {found!r}; "
                "it is from another program or another version: tune again, or use that version"
            )
        if _checksum(tree.get("state")) != tree.get("checksum"):
            raise ModelError(
                "the pipeline's checksum does not fit its content: the file was damaged or edited; "
                "copy it again from the study, or tune again"
            )
        return decode(cls, tree["state"])

    def describe(self) -> list[str]:
        """What was done, in plain sentences."""
        return sentences(self.settings, self.encoder, len(self.features), self.class_weights)


def _select(
    state: encoder.Encoder, dataset: Dataset, rows: Ints, asked: Preparation, few: list[bool]
) -> tuple[int, ...]:
    if asked.select == "none":
        return tuple(range(len(few)))
    if asked.select == "variance":
        blocks = (rows[part] for part in slices(len(rows), len(few) + dataset.frame.width))
        return select.varying(encoder.apply(state, dataset.frame[some])[0] for some in blocks)
    drawn = select.sample(len(rows))
    some = rows if drawn is None else rows[drawn]
    return select.informative(
        encoder.apply(state, dataset.frame[some])[0],
        dataset.y[some],
        discrete=np.array(few, dtype=bool),
        keep=asked.keep,
        classify=dataset.task.is_classification,
    )


def _target_scale(y: Floats | Ints) -> tuple[float, float]:
    spread = float(y.std())
    return float(y.mean()), spread if spread > 0 else 1.0


def _checksum(state: object) -> str:
    try:
        text = json.dumps(state, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError):
        return "not JSON"
    return hashlib.sha256(text.encode()).hexdigest()
