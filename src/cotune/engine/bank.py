"""The prepared rows that lanes train on.

A variant is the table as one preparation sees it: fitted on one fold's training rows with one set of preparation
settings. Lanes of different variants may share a population when their inputs have the same shape: the bank lays
variants one under the other, and a lane adds its variant's start to its row numbers.

| symbol  | meaning                     | shape            |
|---------|-----------------------------|------------------|
| numeric | features of every row       | row feature      |
| codes   | category codes of every row | row column       |
| target  | class, or standardised value | row             |
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Variant:
    """One prepared table.

    Args:
        numeric, codes, target: see the table above.
        cardinalities: of the code columns.
        class_weights: [class], or `None`.
        mean, scale: target = (raw − mean) / scale.
    """

    numeric: Tensor
    codes: Tensor
    target: Tensor
    cardinalities: tuple[int, ...]
    class_weights: Tensor | None = None
    mean: float = 0.0
    scale: float = 1.0


class Stack:
    """Variants of one shape, one under the other; grows, never forgets.

    Args:
        device: where they lie; each is copied there once.
    """

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = device or torch.device("cpu")
        self._rows: dict[int, tuple[Tensor, Tensor]] = {}
        self._starts: dict[
            int, tuple[Variant, int]
        ] = {}  # by identity; the variant is kept, so it stays unique
        self.numeric = self.codes = self.target = torch.empty(0)

    def start_of(self, variant: Variant) -> int:
        """Number of the variant's first row, after adding it where it is new."""
        if id(variant) in self._starts:
            return self._starts[id(variant)][1]
        start = len(self.target)
        parts = [part.to(self.device) for part in (variant.numeric, variant.codes, variant.target)]
        if self._starts:
            held = (self.numeric, self.codes, self.target)
            parts = [torch.cat(pair) for pair in zip(held, parts, strict=True)]
        self.numeric, self.codes, self.target = parts
        self._starts[id(variant)] = (variant, start)
        return start

    def inputs(self, variant: Variant, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Features and codes of some of the variant's rows, by their numbers [row]."""
        start = self.start_of(variant)
        if id(rows) not in self._rows:  # by identity, as above: a fold's rows are the same object every epoch
            self._rows[id(rows)] = (rows, rows.to(self.device))
        index = self._rows[id(rows)][1] + start
        return self.numeric.index_select(0, index), self.codes.index_select(0, index)
