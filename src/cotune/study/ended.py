"""How training ended."""

from dataclasses import dataclass
from typing import Any

from cotune.errors import TrainingError
from cotune.study.leaders import Leader
from cotune.types import TrialResult


@dataclass(frozen=True)
class Ending:
    """How training ended: why, and the best trials with their networks, best first (none where none has a score)."""

    reason: str
    interrupted: bool
    leaders: tuple[Leader, ...]
    confirmed: dict[str, Any] | None = None
    """What came of the best when they were trained again; see `cotune.study.confirming`."""

    @property
    def winner(self) -> TrialResult | None:
        """The best trial."""
        return self.leaders[0].result if self.leaders else None


def no_network(reason: str) -> TrainingError:
    """The error of a study that ended without a usable network."""
    return TrainingError(
        f"no trial produced a usable network ({reason}); give it more time (--time-limit, --epochs), "
        "or lower the learning rates (--set 'lr={low: 1e-5, high: 1e-3, log: true}')"
    )
