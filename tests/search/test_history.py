"""A trial that was paused is told of again: the longest training counts, whatever came first."""

from itertools import permutations

import pytest
from toys import SMOOTH, completed, play

from cotune.search import make_sampler
from cotune.search.history import History
from cotune.types import Status, TrialResult

PAUSED = TrialResult(3, {"lr": 0.1}, Status.STOPPED, 0.4, 3, 1.0)
FURTHER = TrialResult(3, {"lr": 0.1}, Status.STOPPED, 0.5, 9, 3.0)
WHOLE = TrialResult(3, {"lr": 0.1}, Status.COMPLETE, 0.6, 27, 9.0)
LOST = TrialResult(3, {"lr": 0.1}, Status.DIVERGED, None, 3, 1.0)


@pytest.mark.parametrize(
    ("told", "last"), [([PAUSED, FURTHER, WHOLE], WHOLE), ([PAUSED, LOST], LOST)], ids=["further", "lost"]
)
def test_the_longest_training_counts(told: list[TrialResult], last: TrialResult) -> None:
    for order in permutations(told):
        history = History(maximize=True)
        for result in order:
            history.tell(result)
        assert [r for _, _, r in history.trials()] == [last]
        assert {s: history.ended(s) for s in Status if history.ended(s)} == {last.status: [last]}


@pytest.mark.parametrize("name", ["auto", "tpe"])
def test_proposals_are_those_of_who_was_never_told_of_the_pauses(name: str) -> None:
    sampler, plain = (make_sampler(name, SMOOTH, maximize=False, seed=5) for _ in range(2))
    _, events = play(plain, SMOOTH, trials=40, batch=8, ending=completed)
    for event in events:
        if isinstance(event, TrialResult):
            sampler.tell(
                TrialResult(
                    event.number, event.params, Status.STOPPED, event.score, 3, 1.0, curve=event.curve[:3]
                )
            )
            sampler.tell(event)
        else:
            sampler.add(event)
    assert sampler.ask(40, 8) == plain.ask(40, 8)
