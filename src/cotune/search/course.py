"""What a study has settled before its first trial, as far as a strategy may know it.

| symbol | meaning                                                            | unit        |
|--------|--------------------------------------------------------------------|-------------|
| S      | trials that train at once                                          | trials      |
| E      | epochs of a trial that nobody stops                                | epochs      |
| L      | epochs of a trial on average: rungs stop most of them soon         | epochs      |
| N      | trials that have the work of S trials in full: N = S·E / L         | trials      |

Rungs win early: they look at many configurations. Long trainings win late, when the model knows where to look, but
rungs know only what first epochs say, and some of the best begin slowly. So from trial N on, some trials are trained
*in full*, exempt from the rungs, where the model expects most. One in 1 + (E/L)·(1 − p)/p is: then the part p of all
slots is theirs. Before trial N it is one in `SEED`.

Which trials those are follows from their numbers, so the sampler and the rungs need not speak to each other, and a
resumed study finds the same.
"""

from dataclasses import dataclass, field

from cotune.search.structure import Groups

SHARE = 0.85
"""p: the part of the slots that trainings in full take, once the model knows where to look."""
SEED = 16
"""Before that one trial in so many is in full: without it, nobody would know of networks that begin slowly."""


@dataclass(frozen=True)
class Course:
    """How a study goes.

    Args:
        groups: consecutive trials that share a structure.
        at_once: S; `None` where nobody knows, and no trial is exempt.
        epochs: E.
        mean: L.
    """

    groups: Groups = field(default_factory=Groups)
    at_once: int | None = None
    epochs: float = 1.0
    mean: float = 1.0

    def is_full(self, number: int) -> bool:
        """Whether trial `number` is trained in full, whatever the rungs say."""
        if self.at_once is None or self.mean >= self.epochs:
            return False
        longer = self.epochs / self.mean
        every = round(1.0 + longer * (1.0 - SHARE) / SHARE)
        after = number - round(self.at_once * longer)
        return after % every == 0 if after >= 0 else number % SEED == SEED // 2


UNKNOWN = Course()
"""Groups of usual size, and no trial in full."""
