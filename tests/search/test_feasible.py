"""What does not fit into memory is kept away from, and never told as a score."""

import pytest
from toys import SMOOTH, bowl, result

from cotune.search import make_sampler
from cotune.search.history import OUT_OF_MEMORY
from cotune.search.strategies import STRATEGIES
from cotune.types import Status, Trial, TrialResult

WALL = 0.45
"""Of `dropout`'s range; above, nothing fits. The best is at 0.3."""


def told(name: str, *, failing: bool) -> list[float]:
    """Proposals' places in `dropout` after 80 trials, of which those above the wall did not fit, or were fine."""
    sampler = make_sampler(name, SMOOTH, maximize=False, seed=3)
    place = [p.name for p in SMOOTH.parameters].index("dropout")
    # A loss that falls with dropout: without the wall, the model is drawn over it.
    for number, params in enumerate(make_sampler("quasi-random", SMOOTH, maximize=False, seed=9).ask(0, 80)):
        sampler.add(Trial(number, params))
        x = SMOOTH.to_unit(params)[place]
        if failing and x > WALL:
            sampler.tell(
                TrialResult(number, params, Status.FAILED, None, 0, 1.0, f"{OUT_OF_MEMORY}, even alone")
            )
        else:
            sampler.tell(result(number, params, Status.COMPLETE, bowl(SMOOTH, params) - 3.0 * x))
    return [
        SMOOTH.to_unit(params)[place] for params in sampler.ask(80, 16)
    ]  # none of the quasi-random quarter


@pytest.mark.parametrize("name", ["auto", "tpe"])
def test_proposals_keep_away_from_what_did_not_fit(name: str) -> None:
    free, walled = told(name, failing=False), told(name, failing=True)
    assert sum(x > WALL for x in free) > len(free) / 2
    assert sum(x > WALL + 0.05 for x in walled) <= len(walled) / 5


def test_other_failures_say_nothing() -> None:
    a, b = (make_sampler("auto", SMOOTH, maximize=False, seed=3) for _ in range(2))
    for sampler, reason in ((a, ""), (b, "a reason of its own")):
        for number, params in enumerate(sampler.ask(0, 32)):
            sampler.add(Trial(number, params))
            status = Status.FAILED if number == 30 else Status.COMPLETE
            score = None if number == 30 else bowl(SMOOTH, params)
            sampler.tell(TrialResult(number, params, status, score, 3, 1.0, reason))
    assert a.ask(32, 4) == b.ask(32, 4)


def test_every_strategy_takes_a_failure() -> None:
    for name in sorted(set(STRATEGIES) - {"grid", "brute-force", "gp"}):
        sampler = make_sampler(name, SMOOTH, maximize=False, seed=3)
        (params,) = sampler.ask(0, 1)
        sampler.add(Trial(0, params))
        sampler.tell(TrialResult(0, params, Status.FAILED, None, 0, 1.0, OUT_OF_MEMORY))
        assert SMOOTH.contains(sampler.ask(1, 1)[0])
