"""`stop: auto`: a study ends when what it may still gain is less than what chance does to a score."""

from collections.abc import Callable

from cotune.search.history import History
from cotune.search.stop.foretold import full_scores
from cotune.search.stop.noise import lane_noise, standard_error
from cotune.search.stop.regret import remaining_regret
from cotune.space import Space
from cotune.types import Status, Trial, TrialResult

EVERY = 16
"""It is asked at the first boundary at which another so many trials have ended."""

LEAST, COMPLETE, A_PARAMETER = 48, 8, 4
"""Trials that must have ended, those of them in full, and how many there must be for every parameter."""


class Stopping:
    """Decides at boundaries; a function of the results that were told by then, so that a resumed study decides alike.

    Args:
        space: what is searched.
        metric, maximize: the figure that steers.
        rows: validation rows that a score was measured on.
        seed: of the study.
    """

    def __init__(self, space: Space, *, metric: str, maximize: bool, rows: int, seed: int) -> None:
        self._space, self._metric, self._rows, self._seed = space, metric, rows, seed
        self._history = History(maximize=maximize)
        self._ended = 0
        self._asked = 0
        self._due = False
        self._verdict: str | None = None

    def add(self, trial: Trial) -> None:
        """This trial is running now."""
        self._history.add(trial)

    def tell(self, result: TrialResult) -> None:
        """This trial has ended."""
        self._history.tell(result)
        self._ended += 1

    def boundary(self) -> None:
        """All that ended at a boundary was told; to be called at every one, by a study that is rebuilt too."""
        turn = self._ended // EVERY
        self._due, self._asked, self._verdict = turn > self._asked, turn, None

    def reason(self) -> str | None:
        """Why the study ends at this boundary; `None` if it goes on."""
        if self._due:
            self._due, self._verdict = False, self._judge()
        return self._verdict

    def _judge(self) -> str | None:
        scores = full_scores(self._history)
        parameters = len(self._space.parameters)
        if self._ended < max(LEAST, A_PARAMETER * parameters) or scores.complete < COMPLETE or not parameters:
            return None
        if len(set(scores.values)) < 3:
            return None
        regret = remaining_regret(self._space, scores, seed=self._seed)
        what, noise = self._noise(regret.noise)
        if regret.remaining >= noise:
            return None
        return f"the remaining regret (about {regret.remaining:.2g}) is below {what} ({noise:.2g})"

    def _noise(self, unexplained: float) -> tuple[str, float]:
        complete = self._history.ended(Status.COMPLETE)
        between = lane_noise(complete, maximize=self._history.maximize)
        if between is not None:
            return "seed noise", between
        if self._metric == "accuracy":
            best = max(r.score for r in complete if r.score is not None)
            error = standard_error(best, self._rows)
            if error > unexplained:
                return f"the standard error of accuracy on {self._rows:,} validation rows", error
        return "the noise of scores that no setting explains", unexplained


STOPS: dict[str, Callable[..., Stopping] | None] = {"never": None, "auto": Stopping}
