"""The preparation that suits a data set, by what its rows are."""

from collections.abc import Mapping

from cotune.data.arrays import Ints
from cotune.data.dataset import Dataset
from cotune.data.images import Images, Rows
from cotune.data.prepare import pixels
from cotune.data.prepare.features import Features
from cotune.data.prepare.pipeline import Pipeline
from cotune.data.prepare.pixels import PixelPipeline
from cotune.types import Value

Fitted = Pipeline | PixelPipeline
"""A fitted preparation."""


def fit(dataset: Dataset, rows: Ints, settings: Mapping[str, Value]) -> Fitted:
    """The preparation that `settings` describe, learned from `rows` alone.

    Raises:
        RecipeError: an illegal setting.
    """
    kind = PixelPipeline if isinstance(dataset.frame, Images) else Pipeline
    return kind.fit(dataset, rows, settings)


def encoded(pipeline: Fitted, rows: Rows) -> Features:
    """What a network reads for rows of the data set itself."""
    if isinstance(pipeline, PixelPipeline):
        assert isinstance(rows, Images)
        return pipeline.encode(rows)
    assert not isinstance(rows, Images)
    return pipeline.encode(rows)


def transformed(pipeline: Fitted, rows: Rows) -> Features:
    """What a network reads for new rows, as `pipeline.read` gave them.

    Raises:
        ColumnError: a needed column is missing, or a cell cannot be read as its column's kind.
    """
    if isinstance(pipeline, PixelPipeline):
        assert isinstance(rows, Images)
        return pipeline.transform(rows)
    assert not isinstance(rows, Images)
    return pipeline.transform(rows)


def from_json(tree: object) -> Fitted:
    """The preparation that a `to_json` wrote.

    Raises:
        ModelError: the tree is foreign or damaged.
    """
    saved = tree.get("format") if isinstance(tree, dict) else None
    return (PixelPipeline if saved == pixels.FORMAT else Pipeline).from_json(tree)
