"""Configurations asked for a little ahead.

Asking costs about as much for one configuration as for ten. So a few more are asked for than there are free slots: at
most half as many as train at once, for a proposal does not know the results of those in training anyway.

What is asked, and when, follows from how many trials each boundary started, and a proposal is a pure function of what
the sampler was told before: a resumed study shows the boundaries again, and goes on with the same proposals.
"""

from collections.abc import Sequence

from cotune.search import Sampler
from cotune.types import Params

MOST = 8
"""Configurations that wait at most."""


class Proposals:
    """The proposals of a study, by trial number.

    Args:
        sampler: who makes them.
        at_once: trials that train at once.
        trials: that the study may start; `None` without limit.
        started: trials that the store has; on the way there, nothing is asked that would not be used.
        restarts: numbers of trials at which the space was made wider: what waited then was dropped.
    """

    def __init__(
        self,
        sampler: Sampler,
        *,
        at_once: int,
        trials: int | None,
        started: int,
        restarts: Sequence[int] = (),
    ) -> None:
        self._sampler = sampler
        self._ahead = max(1, min(MOST, at_once // 2))
        self._trials = trials
        self._started = started
        self._restarts = list(restarts)
        self._asked = 0
        self._waiting: dict[int, Params] = {}

    def take(self, number: int, count: int) -> list[Params]:
        """Configurations for the trials `number` … `number + count − 1`; fewer once a finite space is used up.

        To be called for every boundary that starts trials, in order; of those that the store has already, some or
        all are left out.
        """
        while self._restarts and number >= self._restarts[0]:
            self._asked = self._restarts.pop(0)
            self._waiting.clear()
        missing = number + count - self._asked
        if missing > 0:
            self._ask(-(-missing // self._ahead) * self._ahead)
        return [self._waiting.pop(n) for n in range(number, number + count) if n in self._waiting]

    def _ask(self, count: int) -> None:
        if self._trials is not None:
            count = min(count, self._trials - self._asked)
        if self._asked + count > self._started and not self._restarts:
            found = self._sampler.ask(self._asked, count)
            self._waiting.update(enumerate(found, self._asked))
        self._asked += count
