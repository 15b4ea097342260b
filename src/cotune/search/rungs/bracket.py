"""What lies before a trial when it starts."""

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Bracket:
    """Where trials of one sort are judged.

    Args:
        share: of all trials.
        levels: epochs at which one in so many goes on, increasing.
    """

    share: float
    levels: tuple[int, ...]

    def mean(self, longest: float, *, reduction: int) -> float:
        """Epochs that a trial takes on average, if nobody takes more than `longest`.

        Example:
            >>> Bracket(1.0, (3, 9)).mean(27, reduction=3)
            7.0
        """
        levels = [level for level in self.levels if level < longest]
        ends = pairwise([0.0, *levels, longest])
        return sum((until - since) / float(reduction) ** place for place, (since, until) in enumerate(ends))
