"""BOHB by hpbandster: its own brackets and densities, without its network of workers.

As `hpbandster.core.master.Master.run` does: the oldest bracket that has something to run is served first; where all
wait, the next begins. Settings are its defaults. hpbandster is no longer maintained: it needs `ConfigSpace<1`,
`numpy<2`, `pandas<2.3`, `scipy<1.14` and `statsmodels<0.15`.

Source: Falkner, Klein & Hutter, BOHB, 2018.
"""

from typing import Any

import numpy as np
from hpbandster.core.dispatcher import Job
from hpbandster.optimizers.config_generators.bohb import BOHB as Densities  # noqa: N811
from hpbandster.optimizers.iterations import SuccessiveHalving

from search_parts.peers.base import Params, Peer, Proposal, Subject
from search_parts.peers.configspaces import least, space_of

ETA = 3


class BOHB(Peer):
    """Hyperband whose configurations come from kernel densities."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        np.random.seed(subject.seed)
        self._generator = Densities(configspace=space_of(subject))
        self._iterations: list[Any] = []
        rungs = -int(np.log(least(subject) * (1 + 1e-9) / subject.epochs) / np.log(ETA) - 1e-6) + 1
        self._budgets = subject.epochs * np.power(float(ETA), -np.linspace(rungs - 1, 0, rungs))

    def propose(self, count: int) -> list[Proposal]:
        """As the master schedules runs."""
        found: list[Proposal] = []
        while len(found) < count:
            active = (i for i in self._iterations if not i.is_finished)
            run = next((r for r in (i.get_next_run() for i in active) if r is not None), None)
            if run is None:
                self._iterations.append(self._next())
                continue
            name, params, budget = run
            found.append(Proposal(params, round(budget), (name, budget)))
        return found

    def _next(self) -> Any:
        """`hpbandster.optimizers.BOHB.get_next_iteration`."""
        most = len(self._budgets)
        s = most - 1 - len(self._iterations) % most
        first = int(np.floor(most / (s + 1)) * ETA**s)
        counts = [max(int(first * ETA**-i), 1) for i in range(s + 1)]
        return SuccessiveHalving(
            HPB_iter=len(self._iterations),
            num_configs=counts,
            budgets=self._budgets[-s - 1 :],
            config_sampler=self._sample,
        )

    def _sample(self, budget: float) -> tuple[Params, dict[str, Any]]:
        params, info = self._generator.get_config(budget)
        return self.table.nearest(self.plain(params)), info

    def told(self, proposal: Proposal, cost: float | None) -> None:
        """To the bracket and to the densities."""
        name, budget = proposal.token
        job = Job(name, config=proposal.params, budget=budget)
        job.result = None if cost is None else {"loss": cost, "info": {}}
        self._iterations[name[0]].register_result(job)
        self._generator.new_result(job)


def make(subject: Subject) -> BOHB:
    """With its defaults."""
    return BOHB(subject)
