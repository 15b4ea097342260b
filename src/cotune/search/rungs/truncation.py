"""Truncation selection: now and then the worst of a population give their slots to children of the best."""

import math
from collections.abc import Collection, Sequence

from cotune.search.rungs.bracket import Bracket
from cotune.search.seeds import generator

SHARE = 5
"""One in so many is replaced, and one in so many has children; at least one of each, of two or more."""


def replaced(members: int) -> int:
    """How many of so many trials are replaced at once.

    Example:
        >>> [replaced(n) for n in (1, 2, 9, 10, 24)]
        [0, 1, 1, 2, 4]
    """
    return 0 if members < 2 else max(1, members // SHARE)


class Truncation:
    """Every `every` epochs of its life a trial is compared with all that train beside it, by the last epoch's figure.

    If it is among the worst fifth, it ends, and one of the best fifth is to have a child, which takes its place. In a
    population that began together and lost nobody, all are compared at the same epochs.

    Args:
        epochs: what a full training takes; at its end nobody is replaced.
        every: epochs between two comparisons of a trial.
        maximize: whether larger figures are better.

    Source: Jaderberg et al., Population based training of neural networks, 2017.
    """

    last_figure = True
    """It is to be shown the figure of the last epoch, whose weights a child takes over, not the best so far."""

    def __init__(self, *, epochs: int, every: int, maximize: bool) -> None:
        self._sign = -1.0 if maximize else 1.0
        self._epochs, self._every = epochs, every
        self._born: dict[int, int] = {}
        self._best: list[int] = []
        self._stopped: list[tuple[int, int]] = []

    @property
    def levels(self) -> tuple[int, ...]:
        """Epochs at which a trial that began at 0 is compared."""
        return tuple(range(self._every, self._epochs, self._every))

    @property
    def brackets(self) -> tuple[Bracket, ...]:
        """One for all that begin at the start."""
        return (Bracket(1.0, self.levels),)

    def judge(self, arrivals: Sequence[tuple[int, int, float]]) -> frozenset[int]:
        """Which trials are to be replaced.

        Args:
            arrivals: (trial, epoch, figure) of all that finished an epoch at this boundary; NaN is the worst.
        """
        for trial, epoch, _ in arrivals:
            self._born.setdefault(trial, epoch - 1)
        ranked = sorted(
            (math.inf if math.isnan(f) else self._sign * f, trial, epoch) for trial, epoch, f in arrivals
        )
        count = replaced(len(ranked))
        worst = ranked[len(ranked) - count :]
        self._best = [trial for _, trial, _ in ranked[:count]]
        self._stopped = [(trial, epoch) for _, trial, epoch in worst if self._due(trial, epoch)]
        return frozenset(trial for trial, _ in self._stopped)

    def reason(self, epoch: int) -> str:
        """Why a trial was stopped there."""
        return f"among the worst at epoch {epoch}; its slot went to a child of one of the best"

    def _due(self, trial: int, epoch: int) -> bool:
        return epoch < self._epochs and (epoch - self._born[trial]) % self._every == 0

    def births(self, training: Collection[int]) -> tuple[int, ...]:
        """Who is to have a child in place of those stopped at the last boundary; one may have several.

        Args:
            training: trials that have not ended.
        """
        able = [trial for trial in self._best if trial in training]
        if not able:
            return ()
        draws = [generator("parent", trial, epoch) for trial, epoch in sorted(self._stopped)]
        return tuple(able[int(draw.integers(len(able)))] for draw in draws)
