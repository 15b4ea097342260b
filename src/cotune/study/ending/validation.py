"""What networks say of the validation rows of their own folds, once more, from their kept weights."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from cotune.data.tables.stored import slices
from cotune.product import Model
from cotune.product.after import Evidence
from cotune.product.after.pool import pool
from cotune.product.network import Network
from cotune.study.prepared import Prepared

NUMBERS = 1 << 23
"""Numbers that members may say, all together; of more rows some are taken, at equal distances."""


class Validation:
    """The validation rows of every fold.

    Args:
        prepared: the study.
        members: how many will be asked; many members are asked about fewer rows.
    """

    def __init__(self, prepared: Prepared, members: int) -> None:
        self._prepared = prepared
        data, folds = prepared.dataset, prepared.splits.folds
        self.all = sum(len(fold.validation) for fold in folds)
        most = NUMBERS // (members * max(1, len(data.classes), len(data.targets)))
        share = min(1.0, most / self.all)
        self._rows = [
            fold.validation[np.linspace(0, n - 1, max(1, int(share * n))).round().astype(np.int64)]
            for fold in folds
            for n in [len(fold.validation)]
        ]
        self.count = sum(map(len, self._rows))

    def evidence(self, members: Sequence[Sequence[Network]]) -> Evidence:
        """What members, each the networks of folds × seeds, say of them."""
        data = self._prepared.dataset
        y = torch.from_numpy(np.concatenate([data.y[rows] for rows in self._rows]))
        metric = self._prepared.recipe.search.metric
        return Evidence(self.said(members), y, [len(rows) for rows in self._rows], metric)

    def said(self, members: Sequence[Sequence[Network]]) -> Tensor:
        """Log-probabilities [member row class] or values [member row]: of each fold, by the networks of that fold."""
        return torch.cat([self._of_fold(fold, members) for fold in range(len(self._rows))], dim=1)

    def _of_fold(self, fold: int, members: Sequence[Sequence[Network]]) -> Tensor:
        data, rows = self._prepared.dataset, self._rows[fold]
        seeds = self._prepared.recipe.search.seeds
        asked = [net for networks in members for net in networks[fold * seeds : (fold + 1) * seeds]]
        model = Model(data.task, data.target, data.classes, asked, data.label_type, targets=data.targets)
        parts = [model.each(data.frame[rows[some]]) for some in slices(len(rows), data.frame.width)]
        each = torch.split(torch.cat(parts, dim=1), seeds)
        equal = [1 / seeds] * seeds
        return torch.stack([pool(f, equal, classification=data.task.is_classification) for f in each])
