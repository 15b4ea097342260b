"""What a study with several objectives compares trials by."""

from collections.abc import Sequence
from dataclasses import dataclass

from cotune.types import TrialResult


@dataclass(frozen=True)
class Objectives:
    """The score and what stands beside it.

    Args:
        maximize: whether larger scores are better.
        beside: the same of each further objective, in the order of `TrialResult.values`.
    """

    maximize: bool
    beside: tuple[bool, ...] = ()

    def losses(self, score: float, values: Sequence[float]) -> tuple[float, ...]:
        """A score and the further figures with their signs, so that less is better in all."""
        pairs = zip((score, *values), (self.maximize, *self.beside), strict=True)
        return tuple(-figure if maximize else figure for figure, maximize in pairs)

    def of(self, result: TrialResult) -> tuple[float, ...] | None:
        """Of a trial that has ended; `None` where it has no score."""
        return None if result.score is None else self.losses(result.score, result.values)

    def by_epoch(self, result: TrialResult) -> dict[int, tuple[float, ...]]:
        """The same at each epoch of its curve."""
        pairs = zip(result.curve, result.sides, strict=True)
        return {epoch: self.losses(figure, values) for (epoch, _, figure), values in pairs}
