"""Our side on a GPU: the engine, through the objects that a study uses; it measures and chooses its chunk itself."""

import statistics
import time

from engine_parts.cases import Case
from engine_parts.ours import lanes_of

from cotune.engine.devices import Compute
from cotune.engine.loop import Engine


class Ours:
    """Lanes in one population; figures include evaluating each lane's validation rows after the epoch.

    Args:
        case: what is trained.
        lanes: networks at once.
        compute: where, and in which precision.
    """

    def __init__(self, case: Case, lanes: int, compute: Compute) -> None:
        self.lanes = lanes
        self._engine = Engine(metric="accuracy", compute=compute)
        self._engine.join(lanes_of(case, lanes))
        self._losses: list[float] = []

    @property
    def chunk(self) -> int:
        """Lanes that step together."""
        return self._engine.populations[0].chunk

    @property
    def swept(self) -> dict[str, float]:
        """Microseconds of a lane-step by what the engine has tried before."""
        (plan,) = self._engine.plans.values()
        return {name: round(value, 2) for name, value in plan.microseconds.items()}

    def measure(self, steps: int) -> float:
        """Microseconds a step of one network, over whole epochs of at least so many steps."""
        began, trained = time.perf_counter(), 0
        while trained < steps * self.lanes:
            outcome = self._engine.train_epoch()
            trained += outcome.steps
            if outcome.divergences or outcome.failed:
                raise RuntimeError(f"lanes were lost: {outcome.divergences}, {outcome.failed}")
            self._losses.append(statistics.fmean(record.train_loss for record in outcome.records))
        return (time.perf_counter() - began) / trained * 1e6

    def loss(self) -> float:
        """Of the last epoch's steps; NaN before the first."""
        return self._losses[-1] if self._losses else float("nan")
