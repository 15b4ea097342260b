"""What earlier studies are worth to a search: much where they are right, and little lost where they mislead."""

from collections.abc import Callable

import numpy as np
import pytest
from toys import SMOOTH, bowl, play, rebuilt

from cotune.search import make_sampler, normal_scores
from cotune.search.trend import Trend, weight
from cotune.space import Space
from cotune.study.warm import with_earlier
from cotune.types import Params

Loss = Callable[[Params], float]


def lost(place: float) -> Loss:
    """A bowl whose minimum is at another place of every coordinate."""
    return lambda params: sum((u - place) ** 2 for u in SMOOTH.to_unit(params))


def after(loss: Loss, *, trials: int = 48) -> Space:
    """The space with an earlier study that had this loss."""
    proposed, _ = play(
        make_sampler("quasi-random", SMOOTH, maximize=False, seed=9), SMOOTH, trials=trials, batch=16
    )
    near = [SMOOTH.from_unit([u / 2 + 0.25 * (u > 0.5) for u in SMOOTH.to_unit(p)]) for p in proposed[::2]]
    every = [*proposed, *near]
    scores = normal_scores([-loss(params) for params in every])
    order = np.argsort(-scores, kind="stable")
    return with_earlier(
        SMOOTH,
        [
            {
                "path": "runs/a",
                "same": True,
                "searched": [p.name for p in SMOOTH.parameters],
                "trials": [[dict(every[i]), float(scores[i])] for i in order],
            }
        ],
    )


def best(space: Space, trials: int, name: str = "auto") -> float:
    found = []
    for seed in range(5):
        proposed, _ = play(
            make_sampler(name, space, maximize=False, seed=seed), space, trials=trials, batch=16
        )
        found.append(min(bowl(space, params) for params in proposed))
    return float(np.median(found))


@pytest.mark.parametrize("place", [0.3, 0.4])
def test_an_earlier_study_that_helps_gives_a_better_best_at_32_trials(place: float) -> None:
    assert best(after(lost(place)), 32) < 0.6 * best(SMOOTH, 32)


@pytest.mark.parametrize(
    "loss", [lost(0.9), lambda params: -bowl(SMOOTH, params)], ids=["elsewhere", "upside down"]
)
def test_one_that_misleads_costs_little_at_150_trials(loss: Loss) -> None:
    assert best(after(loss), 150) < 2 * best(SMOOTH, 150) + 0.002


def test_the_first_trials_are_the_best_of_the_earlier_study() -> None:
    space = after(lost(0.3))
    assert space.earlier is not None
    asked = make_sampler("auto", space, maximize=False, seed=1).ask(0, 16)
    firsts = list(space.earlier.firsts)
    assert len(firsts) == 8
    assert asked[:8] == firsts
    assert asked[8] == SMOOTH.middle()
    seen = [params for params, _ in space.earlier.observed[0]]
    assert [params for params in firsts if params in seen] == seen[:7]
    (peak,) = [params for params in firsts if params not in seen]
    assert firsts.index(peak) == 1, "after the best one seen"
    assert lost(0.3)(peak) < 0.2 * lost(0.3)(seen[0])


def test_a_rebuilt_search_goes_on_with_the_same_bits() -> None:
    space = after(lost(0.4))
    sampler = make_sampler("auto", space, maximize=False, seed=5)
    _, events = play(sampler, space, trials=64, batch=16)
    assert sampler.ask(64, 16) == rebuilt("auto", space, events, shuffle=2).ask(64, 16)


def test_weights_are_those_of_least_squares_and_none_where_chance_would_do() -> None:
    rng = np.random.default_rng(0)
    y = rng.standard_normal(64)
    assert weight(y, y) == pytest.approx(1.0)
    assert weight(2 * y + 3, y) == pytest.approx(0.5)
    assert weight(y / 2, y) == 1.0, "no more than it says"
    assert weight(-y, y) == 0.0
    assert weight(rng.standard_normal(64), y) == 0.0
    assert weight(np.ones(64), y) == 0.0
    assert weight(y[:2], y[:2]) == 0.0


def test_of_two_studies_the_one_that_agrees_is_believed() -> None:
    right, wrong = (after(lost(place)).earlier for place in (0.3, 0.95))
    assert right is not None
    assert wrong is not None
    from dataclasses import replace

    both = replace(SMOOTH, earlier=replace(right, observed=(*right.observed, *wrong.observed)))
    rng = np.random.default_rng(1)
    X = rng.random((48, len(SMOOTH.parameters)))
    y = normal_scores((-((X - 0.3) ** 2).sum(axis=1)).tolist())
    new = rng.random((200, len(SMOOTH.parameters)))
    truth = -((new - 0.3) ** 2).sum(axis=1)
    alone = Trend(replace(SMOOTH, earlier=right), lambda points: points).weighed(X, y)(new)
    together = Trend(both, lambda points: points).weighed(X, y)(new)
    assert np.corrcoef(alone, truth)[0, 1] > 0.9
    assert np.corrcoef(together, truth)[0, 1] > 0.9
    assert not Trend(SMOOTH, lambda points: points)
