"""Several objectives: laws of fronts and of the order in them, of rungs that judge by them, and of the samplers."""

import itertools
import math
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import CONDITIONAL, FINITE, mixed, play, space

from cotune.errors import RecipeError
from cotune.search import Feasible, Objectives, Sampler, make_judge, make_sampler
from cotune.search.history import key
from cotune.search.rungs.fronts import FrontRungs
from cotune.search.several.dominance import as_points, first_front, fronts
from cotune.search.several.knee import knee
from cotune.search.several.order import order
from cotune.search.several.scalarised import Scalarised
from cotune.search.strategies import SEVERAL, STRATEGIES
from cotune.search.structure import GROUP, Groups, shared, structure
from cotune.space import Space
from cotune.types import Params, Status, Trial, TrialResult

FIGURE = st.one_of(st.integers(0, 4).map(float), st.just(math.inf))
POINTS = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(FIGURE, min_size=width, max_size=width), min_size=1, max_size=30)
)


def dominates(a: tuple[int, np.ndarray], b: tuple[int, np.ndarray]) -> bool:
    """By the definition: nowhere worse, and somewhere better; of equal ones the earlier."""
    return bool((a[1] <= b[1]).all() and ((a[1] < b[1]).any() or a[0] < b[0]))


def peeled(points: np.ndarray) -> list[int]:
    """Fronts as the definition says, one after the other."""
    left, found, level = list(enumerate(points)), [0] * len(points), 0
    while left:
        best = [a for a in left if not any(dominates(b, a) for b in left)]
        for place, _ in best:
            found[place] = level
        left = [a for a in left if all(a is not b for b in best)]
        level += 1
    return found


@settings(max_examples=40, deadline=None)
@given(POINTS)
def test_fronts_are_those_of_the_definition(rows: list[list[float]]) -> None:
    points = as_points(rows)
    assert fronts(points).tolist() == peeled(points)
    assert first_front(points) == [i for i, level in enumerate(peeled(points)) if level == 0]


def hypervolume(points: np.ndarray, corner: float) -> float:
    """What a set of points dominates within a cube, in any number of objectives, by inclusion and exclusion."""
    total = 0.0
    for count in range(1, len(points) + 1):
        for some in itertools.combinations(points, count):
            sides = np.maximum(corner - np.max(some, axis=0), 0.0)
            total += (-1) ** (count + 1) * float(np.prod(sides))
    return total


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 5)] * 3), min_size=1, max_size=8))
def test_a_front_dominates_as_much_as_all_points_and_each_member_counts(rows: list) -> None:
    points = as_points(rows)
    members = points[first_front(points)]
    assert hypervolume(members, 6.0) == pytest.approx(hypervolume(points, 6.0))
    for place in range(len(members)):
        assert hypervolume(np.delete(members, place, axis=0), 6.0) < hypervolume(points, 6.0)


@settings(max_examples=40, deadline=None)
@given(POINTS)
def test_the_order_goes_front_by_front_and_begins_with_the_best_score(rows: list[list[float]]) -> None:
    points = as_points(rows)
    found, level = order(points), fronts(points)
    assert sorted(found) == list(range(len(points)))
    assert all(level[a] <= level[b] for a, b in pairwise(found))
    assert points[found[0]][0] == points[:, 0].min()
    for count in range(len(points) + 1):
        assert order(points, count=count) == found[:count]


@settings(max_examples=40, deadline=None)
@given(POINTS)
def test_units_do_not_matter_to_the_order(rows: list[list[float]]) -> None:
    points = as_points(rows)
    assert order(np.arctan(points) * 1000.0 - 7.0) == order(points)


def test_an_order_is_spread_over_the_front() -> None:
    line = as_points([[x, 100.0 - x] for x in range(101)])
    assert order(line, count=5) == [0, 100, 50, 25, 75]


def test_one_objective_is_the_order_of_scores() -> None:
    assert order(as_points([[3.0], [1.0], [math.nan], [1.0], [2.0]])) == [1, 3, 4, 0, 2]


@pytest.mark.parametrize(
    ("front", "place"),
    [
        ([[0, 1], [0.2, 0.2], [1, 0]], 1),
        ([[0, 1], [0.9, 0.9], [1, 0]], 0),
        ([[5, 3]], 0),
        ([[0, math.inf], [1, 2]], 0),
        ([[0, 1, 1], [1, 0, 1], [1, 1, 0], [0.4, 0.4, 0.4]], 3),
    ],
)
def test_the_knee(front: list[list[float]], place: int) -> None:
    assert knee(as_points(front)) == place


# ------------------------------------------------------------------------------------------------ rungs


def test_a_rung_lets_the_front_go_on_where_the_score_alone_would_stop_it() -> None:
    judge = FrontRungs(epochs=9, first=1, reduction=3)
    shown = {n: (float(n), 100.0) for n in range(8)} | {8: (8.0, 1.0)}
    stopped = judge.judge([(n, 1, losses) for n, losses in shown.items()])
    assert set(shown) - stopped == {0, 8, 1}
    by_score = make_judge("asha", epochs=9, first=1, reduction=3, maximize=False)
    assert by_score is not None
    assert set(shown) - by_score.judge([(n, 1, losses[0]) for n, losses in shown.items()]) == {0, 1, 2}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 9), min_size=1, max_size=40), st.integers(2, 4), st.data())
def test_in_one_objective_rungs_are_those_of_scores(
    scores: list[float], reduction: int, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(scores)), max_size=3)))
    one = make_judge("asha", epochs=9, first=3, reduction=reduction, maximize=False)
    several = FrontRungs(epochs=9, first=3, reduction=reduction)
    assert one is not None
    assert several.levels == one.levels
    for low, high in pairwise([0, *cuts, len(scores)]):
        arrivals = [(n, 3, scores[n]) for n in range(low, high)]
        assert several.judge([(n, e, (s,)) for n, e, s in arrivals]) == one.judge(arrivals)


def test_who_was_stopped_may_go_on_once_later_ones_are_worse() -> None:
    judge = FrontRungs(epochs=9, first=1, reduction=2)
    assert judge.judge([(0, 1, (1.0, 5.0)), (1, 1, (2.0, 3.0)), (2, 1, (3.0, 1.0))]) == {1, 2}
    assert judge.promoted([1, 2]) == ()
    assert judge.judge([(3, 1, (4.0, 6.0))]) == {3}
    assert judge.promoted([1, 2, 3]) == (2,), "the far end of the front comes after the best score"
    assert judge.promoted([1]) == ()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=40), st.randoms())
def test_the_order_of_arrivals_at_a_boundary_decides_nothing(rows: list, luck: random.Random) -> None:
    arrivals = [(n, 3, (float(a), float(b))) for n, (a, b) in enumerate(rows)]
    mixed_up = luck.sample(arrivals, len(arrivals))
    stopped = FrontRungs(epochs=9, first=3, reduction=3).judge(arrivals)
    assert stopped == FrontRungs(epochs=9, first=3, reduction=3).judge(mixed_up)
    assert len(rows) - len(stopped) == max(1, len(rows) // 3)


# ---------------------------------------------------------------------------------------------- samplers

TWO = Objectives(maximize=False, beside=(False,))
SHAPES = space(
    lr={"low": 1e-4, "high": 1e-1, "log": True},
    dropout={"low": 0.0, "high": 0.5},
    l1={"low": 0.0, "high": 0.1},
    warmup={"low": 0.0, "high": 0.5},
    weight_decay={"low": 1e-5, "high": 1.0, "log": True},
    width={"low": 8, "high": 512, "log": True},
    depth=[1, 2, 3],
)
FAST = sorted(
    name
    for name, row in STRATEGIES.items()
    if row.several != "no" and name not in ("gp", "grid", "brute-force")
)
"""`gp` takes seconds a trial, and is told what `auto` is told."""
LEARNING = sorted(name for name in FAST if STRATEGIES[name].several != "blind")


def size(params: Params) -> float:
    """Weights of hidden layers; 0 where a space has no width."""
    return math.log(float(params.get("width", 1) or 1) ** 2 * float(params.get("depth", 1) or 1))


def loss(params: Params) -> float:
    """Falls with the size, and has its valley at 0.3 of every number; the front is known: the valley at every size."""
    names = [p.name for p in SHAPES.parameters]
    place = dict(zip(names, SHAPES.to_unit(params), strict=True))
    valley = sum((place[n] - 0.3) ** 2 for n in names if n not in ("width", "depth"))
    return valley + (size(params) - 14.0) ** 2 / 100.0


def dropped(params: Params) -> float:
    """A second objective that trials of one structure differ in."""
    return float(params["dropout"] or 0)


def two(number: int, params: Params, status: Status, score: float | None, value: float) -> TrialResult:
    """A result with a second objective."""
    epochs = 3 if status is Status.STOPPED else 10
    curve = () if score is None else tuple((e, score, score + 10 - e) for e in range(1, epochs + 1))
    values = (value,)
    sides = (values,) * len(curve)
    return TrialResult(number, params, status, score, epochs, 1.0, curve=curve, values=values, sides=sides)


def run(
    sampler: Sampler,
    *,
    trials: int,
    batch: int = 16,
    score: Callable[[Params], float] = loss,
    ending: Callable = mixed,
    beside: Callable[[Params], float] = size,
) -> tuple[list[Params], list]:
    """As `toys.play`, with two objectives."""
    proposed: list[Params] = []
    events: list = []
    while len(proposed) < trials:
        first = len(proposed)
        asked = sampler.ask(first, min(batch, trials - first))
        if not asked:
            break
        events += [Trial(n, params) for n, params in enumerate(asked, first)]
        for trial in events[-len(asked) :]:
            sampler.add(trial)
        for n, params in enumerate(asked, first):
            events.append(two(n, params, *ending(n, score(params)), beside(params)))
            sampler.tell(events[-1])
        proposed += asked
    return proposed, events


def complete(_: int, score: float) -> tuple[Status, float | None]:
    """Every trial completes."""
    return Status.COMPLETE, score


@pytest.mark.parametrize("name", FAST)
def test_with_several_objectives_a_rebuilt_sampler_goes_on_with_the_same_bits(name: str) -> None:
    def made() -> Sampler:
        return make_sampler(name, SHAPES, maximize=False, seed=5, objectives=TWO)

    sampler = made()
    proposed, events = run(sampler, trials=44, batch=12)
    assert all(SHAPES.contains(params) for params in proposed)
    again = made()
    some = random.Random(3).sample(events, len(events))
    for event in sorted(some, key=lambda event: isinstance(event, TrialResult)):
        again.tell(event) if isinstance(event, TrialResult) else again.add(event)
    asked = sampler.ask(len(proposed), 21)
    assert asked == sampler.ask(len(proposed), 21) == again.ask(len(proposed), 21)


@pytest.mark.parametrize("name", LEARNING)
def test_what_stands_beside_the_score_is_listened_to(name: str) -> None:
    proposals = []
    for sign in (1.0, -1.0):
        objectives = Objectives(maximize=False, beside=(sign < 0,))
        sampler = make_sampler(name, SHAPES, maximize=False, seed=5, objectives=objectives)
        proposals.append(run(sampler, trials=48, ending=complete, beside=dropped)[0])
    assert proposals[0][:16] == proposals[1][:16], "nothing is known yet"
    assert proposals[0] != proposals[1]


def test_every_strategy_says_how_it_serves_several_objectives(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {row.several for row in STRATEGIES.values()} <= {*SEVERAL, "no"}
    monkeypatch.setitem(STRATEGIES, "lonely", replace(STRATEGIES["random"], several="no"))
    assert make_sampler("lonely", SHAPES, maximize=False, seed=0).ask(0, 1)
    with pytest.raises(RecipeError, match=r"lonely knows one score.*choose among auto"):
        make_sampler("lonely", SHAPES, maximize=False, seed=0, objectives=TWO)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 5000), st.integers(1, 4), st.integers(0, 9))
def test_weights_follow_from_the_number_and_lie_in_the_simplex(number: int, beside: int, seed: int) -> None:
    objectives = Objectives(maximize=False, beside=(False,) * beside)
    sampler = Scalarised(
        lambda: make_sampler("random", SHAPES, maximize=False, seed=0), objectives, seed=seed
    )

    def of(n: int) -> np.ndarray:
        return sampler.weights(n)

    weights = of(number)
    assert len(weights) == beside + 1
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1.0)
    assert weights.tolist() == of(Groups().leader_of(number)).tolist(), "a group has the same"
    assert of(GROUP - 1).tolist() == [1.0, *[0.0] * beside], "the first looks at the score alone"


def area(proposed: list[Params]) -> float:
    """Hypervolume of what was found, up to loss 2 and size e¹⁴·⁵."""
    points = as_points([(loss(params), size(params)) for params in proposed])
    found, top = 0.0, 14.5
    for a, b in sorted(points[first_front(points)].tolist()):
        if a < 2.0 and b < top:
            found, top = found + (2.0 - a) * (top - b), b
    return found


def test_the_default_finds_more_of_a_known_front_than_chance() -> None:
    found: dict[str, list[float]] = {"auto": [], "random": []}
    for name, areas in found.items():
        for seed in range(3):
            sampler = make_sampler(name, SHAPES, maximize=False, seed=seed, objectives=TWO)
            areas.append(area(run(sampler, trials=192, ending=complete)[0]))
    assert sorted(found["auto"])[1] > sorted(found["random"])[1]


# -------------------------------------------------------------------------------------------- limits


def limited(name: str, where: Space, most: float, *, seed: int = 5) -> Feasible:
    """A sampler under a limit on `size`."""
    smallest = min((where.from_unit([a] * len(where.parameters)) for a in (0.0, 0.999)), key=size)
    return Feasible(
        make_sampler(name, where, maximize=False, seed=seed),
        where,
        allowed=lambda params: size(params) <= most,
        smallest=smallest,
        seed=seed,
    )


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("most", [5.0, 8.0, 14.5])
def test_nothing_is_proposed_that_breaks_a_limit(name: str, most: float) -> None:
    proposed, _ = play(limited(name, SHAPES, most), SHAPES, trials=64, batch=16)
    assert len(proposed) == 64
    assert all(SHAPES.contains(params) and size(params) <= most for params in proposed)
    which = shared(SHAPES)
    for number, params in enumerate(proposed):
        assert structure(params, which) == structure(proposed[Groups().leader_of(number)], which), (
            "groups go on sharing"
        )
    free = make_sampler(name, SHAPES, maximize=False, seed=5).ask(0, 16)
    kept = [(a, b) for a, b in zip(proposed, free, strict=False) if size(b) <= most]
    assert all(a == b for a, b in kept), "what keeps the limit is left as it is"


@pytest.mark.parametrize("name", ["auto", "random"])
def test_a_limit_leaves_a_choice_of_structures(name: str) -> None:
    proposed, _ = play(limited(name, SHAPES, 8.0), SHAPES, trials=160, batch=16)
    assert len({params["width"] for params in proposed}) >= 5
    assert max(size(params) for params in proposed) > 7.0, "near the limit, too"


@pytest.mark.parametrize("name", sorted(set(STRATEGIES) - {"gp", "brute-force"}))
def test_a_finite_space_is_used_up_within_its_limit_and_no_further(name: str) -> None:
    most = math.log(64**2 * 2) + 1e-9
    allowed = [params for params in FINITE.walk() if size(params) <= most]
    assert 0 < len(allowed) < (FINITE.size() or 0)
    sampler = limited(name, FINITE, most)
    proposed, _ = play(sampler, FINITE, trials=100, batch=7)
    assert {key(params) for params in proposed} == {key(params) for params in allowed}
    assert len(proposed) == len(allowed)
    assert sampler.ask(len(proposed), 3) == []


@pytest.mark.parametrize("name", FAST)
def test_under_a_limit_a_rebuilt_sampler_goes_on_with_the_same_bits(name: str) -> None:
    sampler = limited(name, SHAPES, 7.0)
    proposed, events = play(sampler, SHAPES, trials=40, batch=8, ending=mixed)
    again, mixed_up = limited(name, SHAPES, 7.0), random.Random(1).sample(events, len(events))
    for event in sorted(mixed_up, key=lambda event: isinstance(event, TrialResult)):
        again.tell(event) if isinstance(event, TrialResult) else again.add(event)
    assert sampler.ask(len(proposed), 11) == again.ask(len(proposed), 11)


def test_a_conditional_space_keeps_its_conditions_under_a_limit() -> None:
    sampler = Feasible(
        make_sampler("auto", CONDITIONAL, maximize=False, seed=1),
        CONDITIONAL,
        allowed=lambda params: float(params["width"] or 0) <= 20 and params["categories"] == "onehot",
        smallest=CONDITIONAL.from_unit([0.0] * len(CONDITIONAL.parameters)),
        seed=1,
    )
    proposed, _ = play(sampler, CONDITIONAL, trials=48, batch=8)
    assert len(proposed) == 48
    for params in proposed:
        assert CONDITIONAL.contains(params)
        assert float(params["width"] or 0) <= 20
        assert params["categories"] == "onehot"
