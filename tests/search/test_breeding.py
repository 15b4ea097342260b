"""Laws of population based training: who is replaced by whose child, and what children try."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import CONDITIONAL, SMOOTH, bowl, space

from cotune.errors import RecipeError
from cotune.recipe import make
from cotune.search import Brood, Sampler, make_sampler
from cotune.search.rungs.truncation import Truncation, replaced
from cotune.search.strategies import check_rungs
from cotune.space import Space, from_recipe
from cotune.types import Params, Parent, Status, Trial, TrialResult

BREEDS = ("pbt", "pb2")


def truncation(*, maximize: bool = True, every: int = 3, epochs: int = 9) -> Truncation:
    return Truncation(epochs=epochs, every=every, maximize=maximize)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.booleans(), st.randoms(use_true_random=False))
def test_the_worst_are_replaced_by_children_of_the_best(values: list[float], maximize: bool, rng) -> None:
    judge = truncation(maximize=maximize)
    for epoch in (1, 2):
        assert not judge.judge([(i, epoch, v) for i, v in enumerate(values)])
        assert judge.births(range(len(values))) == ()
    arrivals = [(i, 3, v) for i, v in enumerate(values)]
    stopped = judge.judge(rng.sample(arrivals, len(arrivals)))
    assert len(stopped) == replaced(len(values))
    training = set(range(len(values))) - stopped
    parents = judge.births(training)
    assert len(parents) == len(stopped)
    assert set(parents) <= training
    sign = 1 if maximize else -1
    if stopped:
        assert min(sign * values[i] for i in training) >= max(sign * values[i] for i in stopped)
        rank = sorted(range(len(values)), key=lambda i: (-sign * values[i], i))
        assert set(parents) <= set(rank[: len(stopped)])
    assert judge.births(training) == parents, "asking changes nothing"


def test_a_child_is_compared_as_long_after_its_birth_as_anybody() -> None:
    judge = truncation(every=3, epochs=12)
    judge.judge([(i, 3, i / 10) for i in range(5)])
    for epoch in (4, 5):
        assert not judge.judge([(i, epoch, i / 10) for i in range(1, 5)] + [(9, epoch, 0.0)])
    assert judge.judge([(i, 6, i / 10) for i in range(1, 5)] + [(9, 6, 0.0)]) == {9}
    late = truncation(every=3, epochs=12)
    for epoch in (5, 6):  # one that begins at the start beside them, and is the worst
        assert not late.judge([(0, epoch, 1.0), (1, epoch - 4, 0.0)])
    assert late.judge([(0, 7, 1.0), (1, 3, 0.0)]) == {1}


def test_nobody_is_replaced_at_the_end_and_nan_is_worst() -> None:
    judge = truncation(every=3, epochs=9)
    assert judge.levels == (3, 6)
    judge.judge([(i, 1, 0.5) for i in range(3)])
    assert judge.judge([(0, 3, math.nan), (1, 3, 0.1), (2, 3, 0.2)]) == {0}
    assert judge.births([1]) == (), "the best has ended"
    assert judge.judge([(1, 9, 0.1), (2, 9, 0.2)]) == frozenset()


def played(name: str, where: Space, *, trials: int = 20) -> tuple[Sampler, list[Trial | TrialResult]]:
    """Trials that gained as much as they are near the bowl's middle; the first half have ended."""
    sampler = make_sampler(name, where, maximize=False, seed=3)
    events: list[Trial | TrialResult] = [Trial(i, p) for i, p in enumerate(sampler.ask(0, trials))]
    for trial in list(events):
        sampler.add(trial)
        if trial.number < trials // 2:
            events.append(
                TrialResult(
                    trial.number, trial.params, Status.STOPPED, 1.0, 6, 0.0, curve=curve(where, trial.params)
                )
            )
            sampler.tell(events[-1])
    return sampler, events


def curve(where: Space, params: Params) -> tuple[tuple[int, float, float], ...]:
    return tuple((epoch, 0.0, 10.0 + epoch * bowl(where, params)) for epoch in range(1, 7))


def brood(where: Space, events: list, *, count: int = 6, fits=lambda *_: True) -> Brood:
    ended = {e.number for e in events if isinstance(e, TrialResult)}
    running = {e.number: e.params for e in events if isinstance(e, Trial) and e.number not in ended}
    parents = [Parent(sorted(running)[i % len(running)], 6) for i in range(count)]
    return Brood(20, parents, {n: curve(where, p) for n, p in running.items()}, 2, fits)


@pytest.mark.parametrize("name", BREEDS)
@pytest.mark.parametrize("where", [SMOOTH, CONDITIONAL], ids=["smooth", "conditional"])
def test_children_lie_in_the_space_and_keep_what_is_structural(name: str, where: Space) -> None:
    sampler, events = played(name, where)
    of = {e.number: e.params for e in events}
    asked = brood(where, events, count=24)
    children = sampler.breed(asked)
    assert all(where.contains(child) for child in children)
    fixed = [p.name for p in where.parameters if not p.fusable]
    for child, parent in zip(children, asked.parents, strict=True):
        theirs = of[parent.trial]
        assert child.keys() == theirs.keys()
        assert {n: child.get(n) for n in fixed} == {n: theirs.get(n) for n in fixed}
        assert child != theirs


@pytest.mark.parametrize("name", BREEDS)
def test_a_rebuilt_sampler_breeds_the_same_bits(name: str) -> None:
    sampler, events = played(name, CONDITIONAL)
    children = sampler.breed(brood(CONDITIONAL, events))
    assert children == sampler.breed(brood(CONDITIONAL, events))
    again = make_sampler(name, CONDITIONAL, maximize=False, seed=3)
    mixed = sorted(random.Random(1).sample(events, len(events)), key=lambda e: isinstance(e, TrialResult))
    for event in mixed:
        again.tell(event) if isinstance(event, TrialResult) else again.add(event)
    assert children == again.breed(brood(CONDITIONAL, events))


@pytest.mark.parametrize("name", BREEDS)
def test_what_does_not_fit_is_not_tried(name: str) -> None:
    sampler, events = played(name, SMOOTH)
    assert all(
        c["dropout"] < 0.2 for c in sampler.breed(brood(SMOOTH, events, fits=lambda _, c: c["dropout"] < 0.2))
    )
    asked = brood(SMOOTH, events, fits=lambda *_: False)
    of = {e.number: e.params for e in events}
    assert sampler.breed(asked) == [of[parent.trial] for parent in asked.parents]


@pytest.mark.parametrize("name", BREEDS)
def test_children_meet_the_constraints(name: str) -> None:
    where = from_recipe(
        make(
            width=64, depth=2, activation="relu", scaling="standard", weight_decay=0.0, label_smoothing=0.0,
            lr={"low": 1e-4, "high": 1e-1, "log": True}, dropout={"low": 0.0, "high": 0.5},
            constraints=["dropout <= 10 * lr"],
        )
    )  # fmt: skip
    sampler, events = played(name, where)
    assert all(where.feasible(e.params) for e in events)
    children = sampler.breed(brood(where, events, count=24))
    assert all(where.feasible(child) for child in children)


def test_the_bandit_looks_where_training_gained_most() -> None:
    sampler, events = played("pb2", SMOOTH, trials=40)
    blind, _ = played("pbt", SMOOTH, trials=40)
    asked = brood(SMOOTH, events, count=10)
    near, far = (sum(bowl(SMOOTH, p) for p in s.breed(asked)) / 10 for s in (sampler, blind))
    assert near < 0.6 * far
    children = sampler.breed(asked)
    assert len({tuple(c.values()) for c in children}) == 10, "children of one boundary do not crowd"


def test_what_goes_together() -> None:
    sampler = make_sampler("pbt", SMOOTH, maximize=True, seed=0)
    check_rungs("pbt", "pbt", sampler)
    check_rungs("random", "asha", make_sampler("random", SMOOTH, maximize=True, seed=0))
    with pytest.raises(RecipeError, match="leave rungs at auto"):
        check_rungs("pbt", "none", sampler)
    with pytest.raises(RecipeError, match="fusable"):
        make_sampler("pbt", space(width=[8, 16]), maximize=True, seed=0)
