"""Early stopping: a trial ends when it has not gained for a while."""


class Patience:
    """Ends a trial after `patience` epochs in a row without a new best score; 0 never does.

    Source: Prechelt, Early stopping – but when?, 1998.
    """

    def __init__(self, patience: int, maximize: bool) -> None:
        self._patience = patience
        self._maximize = maximize
        self._best: dict[int, float] = {}
        self._waited: dict[int, int] = {}

    def forget(self, trial: int) -> None:
        """The trial begins anew, or is over."""
        self._best.pop(trial, None)
        self._waited.pop(trial, None)

    def update(self, trial: int, score: float) -> bool:
        """Take note of an epoch's score; say whether the trial is to end now. NaN is no gain."""
        best = self._best.get(trial)
        gained = score == score and (best is None or (score > best if self._maximize else score < best))
        if gained:
            self._best[trial] = score
        self._waited[trial] = 0 if gained else self._waited.get(trial, 0) + 1
        return 0 < self._patience <= self._waited[trial]
