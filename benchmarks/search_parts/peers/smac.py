"""SMAC3 through its ask and tell: the facade for several fidelities, with its defaults.

Source: Lindauer et al., SMAC3, 2022.
"""

from collections.abc import Iterator
from typing import Any

from smac import MultiFidelityFacade, Scenario
from smac.runhistory import StatusType, TrialValue

from search_parts.peers.base import Peer, Proposal, Subject
from search_parts.peers.configspaces import least, space_of

TRIALS = 100_000
"""More than any run asks for; the initial design is ten configurations for each parameter."""


class SMAC(Peer):
    """Hyperband whose configurations come from random forests with expected improvement."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._space = space_of(subject)
        scenario = Scenario(
            self._space,
            name="search",
            output_directory="smac",
            deterministic=True,
            n_trials=TRIALS,
            min_budget=least(subject) * (1 - 1e-9),
            max_budget=subject.epochs,
            seed=subject.seed,
        )
        self._smac = MultiFidelityFacade(scenario, None, logging_level=False, overwrite=True)
        if subject.rows is not None:
            intensifier = self._smac.intensifier
            intensifier._config_generator = self._real(intensifier.config_generator)

    def _real(self, proposed: Iterator[Any]) -> Iterator[Any]:
        """What it comes up with, at the nearest configuration that has a curve."""
        for found in proposed:
            row = self.table.nearest(self.plain(dict(found)))
            yield type(found)(self._space, values=row, origin=found.origin)

    def propose(self, count: int) -> list[Proposal]:
        """Trials one after the other; those that run are in its history."""
        found = []
        for _ in range(count):
            info = self._smac.ask()
            params = self.plain(dict(info.config))
            if self.subject.rows is not None:
                params = self.table.closest(params)
            found.append(Proposal(params, max(1, round(info.budget)), info))
        return found

    def told(self, proposal: Proposal, cost: float | None) -> None:
        """A divergence with nothing to compare it to is a crash."""
        status = StatusType.CRASHED if cost is None else StatusType.SUCCESS
        value = TrialValue(cost=1e9 if cost is None else cost, time=float(proposal.epochs), status=status)
        self._smac.tell(proposal.token, value, save=False)


def make(subject: Subject) -> SMAC:
    """With its defaults."""
    return SMAC(subject)
