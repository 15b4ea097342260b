"""The preparation of tensors: numbers go to the network as they are.

| part                  | becomes                                |
|-----------------------|----------------------------------------|
| floats [row *shape]   | so many numeric features, one after the other |
| whole numbers         | so many columns of codes               |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cotune.data.arrays import Ints
from cotune.data.dataset import Dataset
from cotune.data.prepare import balance
from cotune.data.prepare.codec import seal, unseal
from cotune.data.prepare.features import Features
from cotune.data.prepare.settings import _decided
from cotune.data.tensors.rows import PartShape, Tensors
from cotune.data.tensors.sources import Handed, handed
from cotune.errors import SourceError
from cotune.types import Value

FORMAT = "cotune tensors 1"


@dataclass(frozen=True)
class TensorPipeline:
    """The counterpart of `Pipeline` for tensors.

    Args:
        codes, shapes, uses: of each part, see `PartShape`.
        class_weights, class_rows, target_mean, target_scale: as of `Pipeline`; a value to be predicted stays as it is.
    """

    codes: tuple[bool, ...]
    shapes: tuple[str, ...]
    uses: tuple[str, ...]
    class_weights: tuple[float, ...] | None
    class_rows: tuple[int, ...]
    target_mean: float = 0.0
    target_scale: float = 1.0

    @classmethod
    def fit(cls, dataset: Dataset, rows: Ints, settings: Mapping[str, Value]) -> "TensorPipeline":
        """What `balance` of the recipe says of the classes of these rows; nothing else is learned."""
        frame = dataset.frame
        assert isinstance(frame, Tensors)
        weighing = str(_decided(settings, ["balance"])["balance"])
        classes = dataset.y[rows].astype(np.int64) if dataset.task.is_classification else None
        kinds = len(dataset.classes)
        return cls(
            tuple(each.codes for each in frame.shapes),
            tuple(" ".join(map(str, each.shape)) for each in frame.shapes),
            tuple(each.use for each in frame.shapes),
            None if classes is None else balance.class_weights(weighing, classes, kinds),
            () if classes is None else balance.class_rows(weighing, classes, kinds),
        )

    @property
    def parts(self) -> tuple[PartShape, ...]:
        """What a row is made of."""
        shapes = [tuple(int(n) for n in words.split()) for words in self.shapes]
        every = zip(self.codes, shapes, self.uses, strict=True)
        return tuple(PartShape(codes, shape, use) for codes, shape, use in every)  # type: ignore[arg-type]

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the numeric outputs."""
        return tuple(
            f"{each.use} {i}.{n}"
            for i, each in enumerate(self.parts)
            if not each.codes
            for n in range(each.size)
        )

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Of the columns of codes; what they count is the network's own business."""
        return (0,) * sum(each.size for each in self.parts if each.codes)

    @property
    def scaled(self) -> int:
        """None."""
        return 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Parts have no names."""
        return ()

    @property
    def world_name(self) -> str:
        """Rows share nothing."""
        return ""

    def world(self, rows: Any) -> Any:  # noqa: ARG002
        """Nothing."""
        return None

    def training_rows(self, dataset: Dataset, rows: Ints, *, seed: int) -> Ints | None:
        """Places among the training rows that an epoch goes through, where classes are balanced by them."""
        if not self.class_rows:
            return None
        return balance.places(self.class_rows, dataset.y[rows].astype(np.int64), seed=seed)

    def read(self, source: Any) -> Tensors:
        """New rows: inputs alone, or with a target.

        Raises:
            SourceError: they are of another shape.
        """
        found = handed(source) if not isinstance(source, Handed | Tensors) else source
        if isinstance(found, Tensors):
            return found
        due = [each for each in self.parts if each.use == "input"]
        if found is None and isinstance(source, tuple | list):
            found = handed((tuple(source), None))
        if found is None:
            raise SourceError(f"new rows must be arrays or tensors, but got a {type(source).__name__}")
        parts = list(found.inputs)
        if len(parts) != len(due) and found.target is not None and len(parts) + 1 == len(due):
            parts.append(found.target)  # a pair of inputs, not inputs and a target
        shapes = [part.shape[1:] for part in parts]
        if shapes != [each.shape for each in due]:
            law = f"new rows must have the shapes {[each.shape for each in due]}"
            raise SourceError(f"{law}, as those the study was given, but have {shapes}")
        typed = [p.astype(np.int64 if d.codes else np.float32) for p, d in zip(parts, due, strict=True)]
        blank = [
            np.zeros((len(typed[0]), *each.shape), dtype=np.int64 if each.codes else np.float32)
            for each in self.parts
            if each.use == "target"
        ]
        return Tensors((*typed, *blank), self.parts)

    def transform(self, rows: Tensors) -> Features:
        """What a network reads for rows that `read` gave."""
        return self.encode(rows)

    def encode(self, rows: Tensors) -> Features:
        """Parts side by side."""
        count = rows.height

        def beside(*, codes: bool) -> Any:
            own = [
                p.reshape(count, -1) for p, s in zip(rows.parts, rows.shapes, strict=True) if s.codes == codes
            ]
            dtype = np.int64 if codes else np.float32
            return (
                np.concatenate(own, axis=1).astype(dtype, copy=False) if own else np.zeros((count, 0), dtype)
            )

        return Features(beside(codes=False), beside(codes=True))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` takes them back."""
        return seal(FORMAT, self)

    @classmethod
    def from_json(cls, tree: object) -> "TensorPipeline":
        """The pipeline that `to_json` wrote.

        Raises:
            ModelError: the tree is foreign or damaged.
        """
        return unseal(FORMAT, cls, tree)

    def describe(self) -> list[str]:
        """What was done, in plain sentences."""
        told = ["Tensors go to the network as they are."]
        if self.class_weights is not None:
            told.append(f"Classes weigh from {min(self.class_weights):.3g} to {max(self.class_weights):.3g}.")
        return told
