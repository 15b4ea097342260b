"""What preparations of single examples, images, series and texts, have in common."""

import numpy as np

from cotune.data.arrays import Ints
from cotune.data.dataset import Dataset
from cotune.data.prepare import balance


class OfExamples:
    """A preparation whose rows share nothing, and whose features are no numbers of a table."""

    class_rows: tuple[int, ...]
    """Rows of each class that an epoch goes through; () for all rows once."""

    @property
    def scaled(self) -> int:
        """None of the features are numbers of a table, which could enter as waves."""
        return 0

    @property
    def world_name(self) -> str:
        """Rows share nothing."""
        return ""

    def world(self, rows: object) -> None:  # noqa: ARG002
        """None, as above."""
        return

    def training_rows(self, dataset: Dataset, rows: Ints, *, seed: int) -> Ints | None:
        """As of `cotune.data.prepare.pipeline.Pipeline`."""
        if not self.class_rows:
            return None
        return balance.places(self.class_rows, dataset.y[rows].astype(np.int64), seed=seed)
