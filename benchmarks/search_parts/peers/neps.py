"""NePS's PriorBand through its ask and tell: Hyperband around a prior at the centre of the space, of low confidence.

Source: Mallik et al., PriorBand, 2023.
"""

import math
import random
from typing import Any

import neps
import numpy as np
import torch
from neps.space import HPOFloat, HPOInteger, SearchSpace

from search_parts.peers.base import Peer, Proposal, Subject

FIDELITY = "epochs"


class NePS(Peer):
    """PriorBand with its defaults."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        random.seed(subject.seed)
        np.random.seed(subject.seed)
        torch.manual_seed(subject.seed)
        torch.set_num_threads(1)
        space = {
            p["name"]: (HPOInteger if p["kind"] == "int" else HPOFloat)(
                lower=p["low"], upper=p["high"], log=p["log"], prior=_centre(p), prior_confidence="low"
            )
            for p in subject.space
        }
        space[FIDELITY] = HPOFloat(  # whole numbers would be cut: one epoch instead of two
            lower=subject.epochs / 27 * (1 - 1e-9), upper=float(subject.epochs), is_fidelity=True
        )
        self._optimizer = neps.AskAndTell(neps.algorithms.priorband(SearchSpace(space)))

    def propose(self, count: int) -> list[Proposal]:
        """Trials one after the other; those that run are in its sight."""
        found = []
        for _ in range(count):
            trial = self._optimizer.ask()
            budget = trial.config[FIDELITY]
            params = self.plain(trial.config)
            if self.subject.rows is not None:
                promoted = trial.metadata.previous_trial_id is not None
                params = self.table.closest(params) if promoted else self.table.nearest(params)
                trial.config = {**params, FIDELITY: budget}
            found.append(Proposal(params, max(1, round(budget)), trial.id))
        return found

    def told(self, proposal: Proposal, cost: float | None) -> None:
        """A divergence with nothing to compare it to is an error."""
        self._optimizer.tell(proposal.token, RuntimeError("diverged") if cost is None else float(cost))


def _centre(p: dict[str, Any]) -> float | int:
    low, high = float(p["low"]), float(p["high"])
    middle = math.sqrt(low * high) if p["log"] else (low + high) / 2
    return round(middle) if p["kind"] == "int" else middle


def make(subject: Subject) -> NePS:
    """With its defaults."""
    return NePS(subject)
