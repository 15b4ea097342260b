"""Rows that can be learned from, who trains on which of them, and in what order.

| symbol | meaning           | shape      |
|--------|-------------------|------------|
| x      | features          | row *input |
| y      | class             | row        |
"""

import math

import torch
from torch import Tensor

from engine_parts.cases import CLASSES, Case, Setting

VALIDATION = 256
"""Rows that our side evaluates each lane on after an epoch; peers evaluate nothing."""

SPREAD, WRONG = 3.0, 0.1
"""Classes lie about `SPREAD` standard deviations from their middle; so many labels are wrong, so that no loss
goes to zero."""


def rows(case: Case) -> tuple[Tensor, Tensor]:
    """The table: noise around a pattern for each class."""
    generator = torch.Generator().manual_seed(0)
    used = case.steps * case.batch
    count = used + VALIDATION if case.folds == 1 else used * case.folds // (case.folds - 1)
    inputs = case.network.inputs
    patterns = torch.randn(CLASSES, *inputs, generator=generator) * SPREAD / math.sqrt(math.prod(inputs))
    y = torch.randint(0, CLASSES, (count,), generator=generator)
    x = patterns[y] + torch.randn(count, *inputs, generator=generator)
    wrong = torch.rand(count, generator=generator) < WRONG
    return x, torch.where(wrong, torch.randint(0, CLASSES, (count,), generator=generator), y)


def row_sets(case: Case, fold: int) -> tuple[Tensor, Tensor]:
    """Numbers of the training rows and of the validation rows of a fold."""
    used = case.steps * case.batch
    if case.folds == 1:
        return torch.arange(used), torch.arange(used, used + VALIDATION)
    number = torch.arange(used * case.folds // (case.folds - 1))
    left_out = number % case.folds == fold
    return number[~left_out], number[left_out][:VALIDATION]


class Batches:
    """Row numbers of batch after batch, for several lanes; drawn anew by `randperm` for every epoch."""

    def __init__(self, case: Case, lanes: list[Setting]) -> None:
        self._case = case
        self._sets = [row_sets(case, lane.fold)[0] for lane in lanes]
        self._step = case.steps
        self._order = torch.empty(0)

    def draw(self) -> Tensor:
        """The next batch [lane batch]."""
        if self._step == self._case.steps:
            self._step = 0
            drawn = torch.stack([rows[torch.randperm(len(rows))] for rows in self._sets])
            self._order = drawn.view(len(drawn), self._case.steps, self._case.batch)
        self._step += 1
        return self._order[:, self._step - 1]
