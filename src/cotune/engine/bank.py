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
    """Variants of one shape, one under the other; grows, never forgets."""

    def __init__(self) -> None:
        self._starts: dict[
            int, tuple[Variant, int]
        ] = {}  # by identity; the variant is kept, so it stays unique
        self.numeric = self.codes = self.target = torch.empty(0)

    def start_of(self, variant: Variant) -> int:
        """Number of the variant's first row, after adding it where it is new."""
        if id(variant) in self._starts:
            return self._starts[id(variant)][1]
        start = len(self.target)
        if not self._starts:
            self.numeric, self.codes, self.target = variant.numeric, variant.codes, variant.target
        else:
            self.numeric = torch.cat([self.numeric, variant.numeric])
            self.codes = torch.cat([self.codes, variant.codes])
            self.target = torch.cat([self.target, variant.target])
        self._starts[id(variant)] = (variant, start)
        return start
