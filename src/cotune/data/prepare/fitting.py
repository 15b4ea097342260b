"""The preparation that suits a data set, by what its rows are."""

from collections.abc import Mapping
from typing import Any, Protocol

from cotune.data.arrays import Ints
from cotune.data.dataset import Dataset
from cotune.data.prepare import pixels, series, tensors, tokens, windowed
from cotune.data.prepare.codec import GRAPH_FORMAT
from cotune.data.prepare.features import Features, Figure
from cotune.data.prepare.pipeline import Pipeline
from cotune.data.prepare.pixels import PixelPipeline
from cotune.data.prepare.series import SeriesPipeline
from cotune.data.prepare.tensors import TensorPipeline
from cotune.data.prepare.tokens import TokenPipeline
from cotune.data.prepare.windowed import WindowPipeline
from cotune.types import Value


class Fitted(Protocol):
    """A fitted preparation. Each kind of rows has one; `rows` are what `read` gives, or rows of the data set itself."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the numeric outputs."""

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Codes of each column of codes, counted."""

    @property
    def scaled(self) -> int:
        """So many of its first features are scaled numbers."""

    @property
    def columns(self) -> tuple[str, ...]:
        """What `transform` needs, by name."""

    @property
    def class_weights(self) -> tuple[float, ...] | None:
        """Of the classes in a loss; `None` where all count the same."""

    @property
    def target_mean(self) -> Figure:
        """Of the targets of the training rows; of several values one for each."""

    @property
    def target_scale(self) -> Figure:
        """Their standard deviation."""

    @property
    def world_name(self) -> str:
        """Name of what all rows share, the same for equal ones; "" where they share nothing."""

    def world(self, rows: Any) -> Any:
        """What all rows share, such as a graph; see `cotune.engine.bank.Variant`."""

    def training_rows(self, dataset: Dataset, rows: Ints, *, seed: int) -> Ints | None:
        """Places among the training rows that an epoch goes through; `None` for all of them once."""

    def read(self, source: Any) -> Any:
        """New rows as `transform` takes them."""

    def transform(self, rows: Any) -> Features:
        """What a network reads for new rows, as `read` gave them."""

    def encode(self, rows: Any) -> Features:
        """What a network reads for rows of the data set itself."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types, with a checksum; `from_json` takes them back bit for bit."""

    def describe(self) -> list[str]:
        """What was done, in plain sentences."""


class _Graphs:
    """The preparation of graphs, loaded when it is needed: it brings torch and SciPy along."""

    @staticmethod
    def fit(dataset: Dataset, rows: Ints, settings: Mapping[str, Value]) -> Fitted:
        from cotune.data.prepare.graph import GraphPipeline

        return GraphPipeline.fit(dataset, rows, settings)

    @staticmethod
    def from_json(tree: object) -> Fitted:
        from cotune.data.prepare.graph import GraphPipeline

        return GraphPipeline.from_json(tree)


PIPELINES: Mapping[str, Any] = {
    "table": Pipeline,
    "image": PixelPipeline,
    "series": SeriesPipeline,
    "forecast": WindowPipeline,
    "graph": _Graphs,
    "tensors": TensorPipeline,
    "text": TokenPipeline,
}
"""By kind of data: classes with `fit(dataset, rows, settings)` and `from_json(tree)`."""

FORMATS: Mapping[str, Any] = {
    pixels.FORMAT: PixelPipeline,
    series.FORMAT: SeriesPipeline,
    windowed.FORMAT: WindowPipeline,
    GRAPH_FORMAT: _Graphs,
    tensors.FORMAT: TensorPipeline,
    tokens.FORMAT: TokenPipeline,
}
"""By the format that `to_json` names; any other is a table's."""


def fit(dataset: Dataset, rows: Ints, settings: Mapping[str, Value]) -> Fitted:
    """The preparation that `settings` describe, learned from `rows` alone.

    Raises:
        RecipeError: an illegal setting.
    """
    found: Fitted = PIPELINES[dataset.kind].fit(dataset, rows, settings)
    return found


def from_json(tree: object) -> Fitted:
    """The preparation that a `to_json` wrote.

    Raises:
        ModelError: the tree is foreign or damaged.
    """
    saved = tree.get("format") if isinstance(tree, dict) else None
    found: Fitted = FORMATS.get(str(saved), Pipeline).from_json(tree)
    return found
