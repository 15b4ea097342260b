"""Strategies by evolution, brute force, and the rule behind `bayesian`."""

import numpy as np
import pytest
from cmaes import CMAwM
from toys import CONDITIONAL, DEFAULT, FINITE, MIXED, SPHERE, TOYS, completed, play, result, space, sphere

from cotune.errors import RecipeError
from cotune.recipe.settings import Choice, Domain, Range
from cotune.search import best_model, make_sampler
from cotune.search.samplers.cmaes import LEAST, CmaSampler
from cotune.search.samplers.crossing import Crossing, reflected
from cotune.search.samplers.genetic import GeneticSampler, Population
from cotune.search.structure import shared, structure
from cotune.space import Parameter, Space
from cotune.types import Params, Status, Trial

LEARNING = ["auto", "cmaes", "genetic", "bayesian"]


def best(name: str, toy: str, *, seed: int) -> float:
    """The best loss of a study on a toy."""
    where, loss = TOYS[toy]
    sampler = make_sampler(name, where, maximize=False, seed=seed)
    proposed, _ = play(sampler, where, trials=200, batch=20, loss=loss)
    return min(map(loss, proposed))


@pytest.fixture(scope="module")
def chance() -> dict[str, float]:
    """What random search finds, on average over its seeds."""
    return {toy: float(np.mean([best("random", toy, seed=s) for s in range(8)])) for toy in TOYS}


@pytest.mark.parametrize("toy", TOYS)
@pytest.mark.parametrize("name", LEARNING)
def test_learning_beats_chance_by_two_hundred_trials(name: str, toy: str, chance: dict[str, float]) -> None:
    found = np.mean([best(name, toy, seed=seed) for seed in (1, 2)])
    assert found < 0.9 * chance[toy]


@pytest.mark.parametrize("name", ["auto", "cmaes", "genetic", "evolution", "bayesian"])
def test_sixty_four_at_once_differ_and_spread(name: str) -> None:
    sampler = make_sampler(name, SPHERE, maximize=False, seed=0)
    play(sampler, SPHERE, trials=128, batch=64, loss=sphere)
    points = np.array([SPHERE.to_unit(p) for p in sampler.ask(128, 64)])
    apart = np.linalg.norm(points[:, None] - points[None], axis=2) + 9.0 * np.eye(64)
    assert apart.min() > 1e-3, "no two alike"
    assert (points.std(axis=0) > 0.03).all(), "in every direction"


# ---------------------------------------------------------------------- breeding


def test_children_have_what_their_parents_have_and_something_new() -> None:
    breeder = Crossing(CONDITIONAL)
    rng = np.random.default_rng(0)
    new = 0
    for seed in range(200):
        drawn = np.random.default_rng(seed)
        mother, father = (CONDITIONAL.from_unit(drawn.random(7).tolist()) for _ in range(2))
        shape = breeder.structure(rng, mother)
        child = breeder.child(rng, mother, father, shape)
        assert CONDITIONAL.contains(child)
        assert structure(child, shared(CONDITIONAL)) == shape
        new += child not in (mother, father)
    assert new > 195, "a name may mutate to the other parent's"


def test_a_structure_changes_one_gene_at_a_time() -> None:
    breeder, parent = Crossing(FINITE), FINITE.middle()
    old = structure(parent, shared(FINITE))
    changed = set()
    for seed in range(100):
        new = breeder.structure(np.random.default_rng(seed), parent)
        changed.add(sum(new[name] != old[name] for name in old))
    assert changed == {0, 1}, "as it is, or one step from it"


def test_numbers_of_a_child_lie_around_those_of_its_parents() -> None:
    breeder = Crossing(SPHERE)
    mother, father = SPHERE.from_unit([0.3] * 8), SPHERE.from_unit([0.7] * 8)
    rng = np.random.default_rng(0)
    places = np.array([SPHERE.to_unit(breeder.child(rng, mother, father, {})) for _ in range(500)])
    assert 0.01 < np.minimum(abs(places - 0.3), abs(places - 0.7)).mean() < 0.1
    assert abs(places.mean() - 0.46) < 0.03, "one child in five has its mother's numbers alone"


@pytest.mark.parametrize(("place", "found"), [(0.3, 0.3), (-0.2, 0.2), (1.25, 0.75), (2.0, 0.0), (-1.9, 0.1)])
def test_ends_reflect(place: float, found: float) -> None:
    assert reflected(place) == pytest.approx(found)


def test_tournaments_prefer_the_better() -> None:
    crowd = Population(tuple({"lr": float(i)} for i in range(20)), tuple(float(i) for i in range(20)))
    rng = np.random.default_rng(0)
    winners = [crowd.parent(rng)["lr"] for _ in range(300)]
    assert np.mean(winners) > 14  # 9.5 without a contest, 17 with six in each
    assert min(winners) >= 5, "the worst five never win against five others"


def test_only_the_newest_and_the_best_have_children() -> None:
    sampler = GeneticSampler(SPHERE, maximize=False, seed=0)
    proposed, _ = play(sampler, SPHERE, trials=160, batch=16, loss=sphere)
    population = sampler._population()
    assert population is not None
    alive = {tuple(p.values()) for p in population.members}
    numbers = [n for n, p in enumerate(proposed) if tuple(p.values()) in alive]
    elite = sorted(range(160), key=lambda n: sphere(proposed[n]))[:8]
    assert set(numbers) == {*range(112, 160), *elite}


@pytest.mark.parametrize("name", ["genetic", "cmaes"])
def test_parents_are_chosen_among_results_of_equal_length(name: str) -> None:
    """A trial that was stopped with a better figure than any full training had is no parent."""
    sampler = make_sampler(name, SPHERE, maximize=False, seed=0)
    for n in range(60):
        params = SPHERE.from_unit([0.2 if n % 2 else 0.8] * 8)
        sampler.add(Trial(n, params))
        status, score = (Status.COMPLETE, 1.0) if n % 2 else (Status.STOPPED, 0.1)
        sampler.tell(result(n, params, status, score))
    if name == "genetic":
        population = sampler._population()
        assert {p["lr"] for p in population.members} == {SPHERE.from_unit([0.2] * 8)["lr"]}
    else:
        assert np.mean([SPHERE.to_unit(p) for p in sampler.ask(60, 32)]) < 0.4


# ---------------------------------------------------------------------- the distribution


def test_it_is_the_packages_own_where_generations_come_whole() -> None:
    """Asked for a generation at a time, the distribution is what `cmaes` makes of the same results."""
    sampler = CmaSampler(SPHERE, maximize=False, seed=3)
    proposed, _ = play(sampler, SPHERE, trials=4 * LEAST, batch=LEAST, loss=sphere)
    bounds = np.tile([0.0, 1.0], (8, 1))
    plain = CMAwM(np.full(8, 0.5), 0.25, bounds, np.zeros(8), population_size=LEAST)
    for first in range(0, 4 * LEAST, LEAST):
        told = proposed[first : first + LEAST]
        plain.tell([(np.array(SPHERE.to_unit(p)), sphere(p)) for p in told])
    assert sampler._state().law.mean == pytest.approx(plain.mean, abs=1e-9)
    np.testing.assert_allclose(sampler._state().law._cma._C, plain._cma._C, atol=1e-9)


def test_a_late_result_is_put_where_it_belongs() -> None:
    late, prompt = (CmaSampler(SPHERE, maximize=False, seed=3) for _ in range(2))
    rng = np.random.default_rng(0)
    points = [SPHERE.from_unit(rng.random(8).tolist()) for _ in range(60)]
    for n, params in enumerate(points):
        told = result(n, params, *completed(n, sphere(params)))
        prompt.add(Trial(n, params))
        late.add(Trial(n, params))
        prompt.tell(told)
        if n != 7:
            late.tell(told)
    before = late.ask(60, 5)
    late.tell(result(7, points[7], *completed(7, sphere(points[7]))))
    assert late.ask(60, 5) == prompt.ask(60, 5) != before


def test_it_begins_anew_once_it_has_shrunk_to_a_point() -> None:
    sampler = CmaSampler(space(lr={"low": 1e-4, "high": 1.0, "log": True}), maximize=False, seed=3)
    play(sampler, sampler._space, trials=600, batch=12, loss=lambda p: abs(np.log(p["lr"]) + 3.0))
    state = sampler._state()
    assert state.restarts
    assert state.law.population_size == LEAST * 2**state.restarts


def test_steps_are_kept() -> None:
    sampler = make_sampler("cmaes", MIXED, maximize=False, seed=0)
    proposed, _ = play(sampler, MIXED, trials=100, batch=20, loss=TOYS["mixed"][1])
    assert all(MIXED.contains(params) for params in proposed)
    assert len({params["dropout"] for params in proposed[-20:]}) > 1, "the margin keeps it moving"


# ---------------------------------------------------------------------- brute force


def test_brute_force_is_an_even_sample_at_any_time() -> None:
    wide = space(
        width=[16, 32, 64, 128], depth={"low": 1, "high": 4}, optimizer=["adamw", "sgd"], lr=[0.1, 0.2, 0.3]
    )
    points = make_sampler("brute-force", wide, maximize=False, seed=0).ask(0, 48)
    shapes = {(p["width"], p["depth"]) for p in points}
    assert len(shapes) == 8, "of sixteen: half of the trials, half of the structures"
    corner = make_sampler("grid", wide, maximize=False, seed=0).ask(0, 48)
    assert len({p["width"] for p in points}) > len({p["width"] for p in corner})


def test_brute_force_follows_conditions() -> None:
    walked = make_sampler("brute-force", FINITE, maximize=False, seed=1).ask(0, 99)
    assert sorted(map(repr, walked)) == sorted(map(repr, FINITE.walk()))
    other = make_sampler("brute-force", FINITE, maximize=False, seed=2).ask(0, 99)
    assert walked != other


@pytest.mark.parametrize(("where", "words"), [
    ({"lr": {"low": 1e-4, "high": 1e-2}}, "brute force needs finitely many values.*lr.*step"),
    ({"width": {"low": 1, "high": 4096}, "depth": {"low": 1, "high": 64}}, r"100,000.*262,144.*search\.strategy"),
])  # fmt: skip
def test_what_brute_force_cannot_go_through_is_refused(where: dict, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        make_sampler("brute-force", space(**where), maximize=False, seed=0)


# ---------------------------------------------------------------------- bayesian


@pytest.mark.parametrize(
    ("trials", "at_once", "name"), [(50, 4, "gp"), (51, 4, "auto"), (50, 5, "auto"), (None, 1, "auto")]
)
def test_few_trials_are_modelled_in_full(trials: int | None, at_once: int, name: str) -> None:
    found, why = best_model(DEFAULT, trials=trials, at_once=at_once)
    assert found == name
    assert why


def test_large_conditional_spaces_go_to_tpe() -> None:
    found = {
        (count, branched): best_model(_many(count, branched), trials=None, at_once=64)[0]
        for count, branched in ((30, 8), (31, 0), (12, 9))
    }
    assert found == {(30, 8): "auto", (31, 0): "tpe", (12, 9): "tpe"}


def _many(count: int, branched: int) -> Space:
    first = Parameter("first", Choice(("a", "b")), Domain("name"))
    others = [
        Parameter(f"x{i}", Range(0.0, 1.0), Domain("float", when=("first", ("a",)) if i < branched else None))
        for i in range(count - 1)
    ]
    return Space((first, *others), {})


def test_the_space_alone_decides_where_nothing_else_is_known() -> None:
    asked: list[list[Params]] = [
        make_sampler(name, SPHERE, maximize=False, seed=4).ask(0, 9) for name in ("bayesian", "auto")
    ]
    assert asked[0] == asked[1]
