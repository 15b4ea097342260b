"""HEBO, asked for a batch of all free slots, every trial in full. It has no way to be told what runs.

Source: Cowen-Rivers et al., HEBO, 2022.
"""

import numpy as np
import pandas as pd
import torch
from hebo.design_space.design_space import DesignSpace
from hebo.optimizers.hebo import HEBO as Optimizer  # noqa: N811

from search_parts.peers.base import Peer, Proposal, Subject


class HEBO(Peer):
    """Evolutionary search over three acquisition functions of a warped Gaussian process."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        np.random.seed(subject.seed)
        torch.manual_seed(subject.seed)
        torch.set_num_threads(1)
        rows = [
            {
                "name": p["name"],
                "type": _KINDS[p["kind"], p["log"]],
                "lb": p["low"],
                "ub": p["high"],
                **({"base": 10} if p["log"] and p["kind"] == "float" else {}),
            }
            for p in subject.space
        ]
        self._optimizer = Optimizer(DesignSpace().parse(rows), scramble_seed=subject.seed)

    def propose(self, count: int) -> list[Proposal]:
        """One batch."""
        found = self._optimizer.suggest(n_suggestions=count)
        real = [self.table.nearest(self.plain(row)) for row in found.to_dict("records")]
        return [Proposal(params, self.subject.epochs, None) for params in real]

    def told(self, proposal: Proposal, cost: float | None) -> None:
        """What it asked for, or the configuration that was trained instead."""
        if cost is not None:
            self._optimizer.observe(pd.DataFrame([proposal.params]), np.array([[cost]]))


_KINDS = {
    ("float", False): "num",
    ("float", True): "pow",
    ("int", False): "int",
    ("int", True): "pow_int",
}


def make(subject: Subject) -> HEBO:
    """With its defaults."""
    return HEBO(subject)
