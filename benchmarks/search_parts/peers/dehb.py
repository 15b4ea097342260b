"""DEHB through its ask and tell, with its defaults.

Source: Awad, Mallik & Hutter, DEHB, 2021.
"""

from typing import Any

from dehb import DEHB as Optimizer  # noqa: N811

from search_parts.peers.base import Peer, Proposal, Subject
from search_parts.peers.configspaces import least, space_of


class DEHB(Peer):
    """Hyperband whose configurations come from differential evolution."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._optimizer = Optimizer(
            cs=space_of(subject),
            f=lambda *_, **__: None,
            dimensions=len(subject.space),
            min_fidelity=least(subject) * (1 - 1e-9),
            max_fidelity=subject.epochs,
            eta=3,
            n_workers=1,
            seed=subject.seed,
            save_freq="end",
            log_level="CRITICAL",
            output_path="dehb",
        )
        if subject.rows is not None:
            self._settled: set[bytes] = set()
            self._acquire = self._optimizer._acquire_config
            self._optimizer._acquire_config = self._real

    def _real(self, bracket: Any, fidelity: float) -> tuple[Any, int, int]:
        """What it acquires, at the nearest configuration that has a curve; promoted ones are there already."""
        vector, name, parent = self._acquire(bracket, fidelity)
        if vector.tobytes() not in self._settled:
            space = self._optimizer.vector_to_configspace(vector)
            row = self.table.nearest(self.plain(dict(space)))
            vector = self._optimizer.configspace_to_vector(type(space)(self._optimizer.cs, values=row))
            self._optimizer.config_repository.configs[name].config = vector
            self._settled.add(vector.tobytes())
        return vector, name, parent

    def propose(self, count: int) -> list[Proposal]:
        """Ask for so many jobs."""
        jobs = [self._optimizer.ask() for _ in range(count)]
        return [Proposal(self._params(job), max(1, round(job["fidelity"])), job) for job in jobs]

    def _params(self, job: dict[str, Any]) -> dict[str, Any]:
        params = self.plain(dict(job["config"]))
        if self.subject.rows is None:
            return params
        # There and back through the unit cube costs the last bits: the row itself has the curve.
        return self.table.closest(params)

    def told(self, proposal: Proposal, cost: float | None) -> None:
        """Nothing known yet is worth the worst there can be."""
        fitness = float("inf") if cost is None else cost
        self._optimizer.tell(proposal.token, {"fitness": fitness, "cost": float(proposal.epochs)})


def make(subject: Subject) -> DEHB:
    """With its defaults."""
    return DEHB(subject)
