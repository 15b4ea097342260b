"""Trials that have started, and how those went that are over; all who learn from them hear of it here."""

from collections.abc import Callable, Sequence

from cotune.search import Sampler, Watcher
from cotune.search.stop.automatic import Stopping
from cotune.study.ledger import Ledger
from cotune.types import Status, Trial, TrialResult


class Roll:
    """The trials of a study by number.

    Args:
        ledger: follows those in training.
        sampler: learns from them.
        stop: may end the study by them, where there is such a rule.
        cost: takes note of what new trials cost.
        joining: lanes of a new trial.
    """

    def __init__(
        self,
        ledger: Ledger,
        sampler: Sampler,
        stop: Stopping | None,
        *,
        cost: Callable[[Sequence[Trial]], None],
        joining: int,
    ) -> None:
        self._ledger, self._sampler, self._stop = ledger, sampler, stop
        self._cost, self._joining = cost, joining
        self.trials: dict[int, Trial] = {}
        self.results: dict[int, TrialResult] = {}
        self.ended = dict.fromkeys(Status, 0)

    def start(self, trials: Sequence[Trial]) -> None:
        """Trials join."""
        self._cost(trials)
        for trial in trials:
            self.trials[trial.number] = trial
            self._sampler.add(trial)
            if self._stop is not None:
                self._stop.add(trial)
            self._ledger.start(trial, self._joining)

    def rest(self, result: TrialResult) -> None:
        """A trial is paused; how it stands, as if it were over."""
        self._sampler.tell(result)

    def end(self, result: TrialResult) -> None:
        """A trial is over."""
        self.results[result.number] = result
        self.ended[result.status] += 1
        self._sampler.tell(result)
        if self._stop is not None:
            self._stop.tell(result)

    def boundary(self) -> None:
        """A boundary is over; samplers that look at it see what trials have shown that go on from a rung."""
        if isinstance(self._sampler, Watcher):
            for result in self._ledger.passed():
                self._sampler.watch(result)
        if self._stop is not None:
            self._stop.boundary()

    def reason_to_end(self) -> str | None:
        """Why more trials would be of no use, if so."""
        return None if self._stop is None else self._stop.reason()
