"""The judge of a study that generates: made of its training rows at the beginning, and kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from cotune.data import Dataset, Pipeline, Splits, fit
from cotune.data.arrays import Floats, Ints
from cotune.data.prepare.fitting import Fitted
from cotune.data.prepare.inverse import Renderer
from cotune.data.tables.stored import slices
from cotune.engine import rng
from cotune.engine.bank import Variant
from cotune.engine.goals.image_judge import ImageJudge, train_judge
from cotune.files import replacing
from cotune.types import Task, Value

TAUGHT = 20_000
"""Images that teach a judge, at most."""

MOST_DIMENSIONS = 128
"""Of a table's features; of more, so many random directions are looked at (Johnson & Lindenstrauss 1984)."""

FARTHEST = 5.0
"""Standard deviations at which numbers are cut: single cells must not decide a distance."""

STANDARD: Mapping[str, Value] = {
    "scaling": "standard", "numbers": "plain", "categories": "onehot", "select": "none", "outliers": "none",
    "missing": "mean", "indicators": True, "balance": "none",
}  # fmt: skip
"""The preparation by which tables are judged, whatever that of a trial is."""


@dataclass(frozen=True, eq=False)
class TableSpace:
    """Features of a table's rows: numbers in standard deviations, categories as 0 and 1.

    Args:
        pipeline: fitted on the training rows.
        directions: random ones, feature dimension; `None` where there are few features.
    """

    pipeline: Pipeline
    directions: Floats | None

    @classmethod
    def of(cls, dataset: Dataset, rows: Ints, *, seed: int) -> "TableSpace":
        """That of some training rows."""
        pipeline = Pipeline.fit(dataset, rows, STANDARD)
        features, directions = len(pipeline.features), None
        if features > MOST_DIMENSIONS:
            random = np.random.default_rng(seed)
            directions = random.standard_normal((features, MOST_DIMENSIONS)) / np.sqrt(MOST_DIMENSIONS)
        return cls(pipeline, directions)

    def features(self, frame: pl.DataFrame) -> Tensor:
        """f of typed rows, float64 [row dimension]."""
        x = np.clip(self.pipeline.encode(frame).numeric.astype(np.float64), -FARTHEST, FARTHEST)
        return torch.from_numpy(x if self.directions is None else x @ self.directions)


@dataclass(frozen=True, eq=False)
class TableJudge:
    """The judge of rows as one preparation gives them: they become rows of the table again, and are judged as such."""

    space: TableSpace
    renderer: Renderer
    dataset: Dataset

    def features(self, x: Tensor) -> Tensor:
        """f of generated rows."""
        return self.space.features(self.renderer.typed(x.numpy()))

    def real(self, variant: Variant, rows: Tensor) -> Tensor:  # noqa: ARG002
        """f of rows of the data set, by their numbers."""
        return self.space.features(self.dataset.table[rows.numpy()])


class Judges:
    """The judges of a study's preparations; all see a row in the same space.

    Args:
        dataset, splits: the study's; the training rows of its first fold teach.
        seed: of the study.
        path: where the network that judges images is kept.
    """

    def __init__(self, dataset: Dataset, splits: Splits, *, seed: int, path: Path | None) -> None:
        self._dataset, self._splits, self._seed, self._path = dataset, splits, seed, path
        self._images: ImageJudge | None = None
        self._space: TableSpace | None = None

    @classmethod
    def of(cls, dataset: Dataset, splits: Splits, *, seed: int, path: Path | None) -> "Judges | None":
        """Those of a study that generates; `None` of any other."""
        return cls(dataset, splits, seed=seed, path=path) if dataset.task is Task.GENERATION else None

    def judge(self, pipeline: Fitted, fold: int) -> ImageJudge | TableJudge:
        """The judge of rows that a fold's preparation gives."""
        if self._dataset.kind == "image":
            return self._of_images()
        assert isinstance(pipeline, Pipeline)
        if self._space is None:
            seed = rng.seed_of(self._seed, "directions") % 2**32
            self._space = TableSpace.of(self._dataset, self._splits.folds[0].train, seed=seed)
        renderer = Renderer.fit(pipeline, self._dataset, self._splits.folds[fold].train)
        return TableJudge(self._space, renderer, self._dataset)

    def _of_images(self) -> ImageJudge:
        if self._images is None:
            found = self._kept()
            self._images = found if found is not None else self._train()
        return self._images

    def _kept(self) -> ImageJudge | None:
        if self._path is None or not self._path.exists():
            return None
        assert self._dataset.examples is not None
        return ImageJudge(self._dataset.examples.shape, load_file(self._path), bool(self._dataset.classes))

    def _train(self) -> ImageJudge:
        data, rows = self._dataset, self._splits.folds[0].train
        assert data.examples is not None
        if len(rows) > TAUGHT:
            rows = rows[np.linspace(0, len(rows) - 1, TAUGHT).round().astype(np.int64)]
        pipeline = fit(data, rows, {"pixels": "unit", "balance": "none"})
        parts = [
            pipeline.encode(data.frame[rows[some]]).numeric for some in slices(len(rows), data.frame.width)
        ]
        x = torch.from_numpy(np.concatenate(parts))
        y = torch.from_numpy(data.y[rows].astype(np.int64)) if data.classes else None
        judge = train_judge(x, y, len(data.classes), data.examples.shape, seed=self._seed)
        if self._path is not None and self._path.parent.is_dir():
            with replacing(self._path) as partial:
                save_file({name: w.contiguous() for name, w in judge.tensors.items()}, partial)
        return judge
