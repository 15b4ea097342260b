"""Laws that every strategy obeys. A new strategy costs one row in `STRATEGIES`, and is enrolled."""

import logging
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import optuna
import pytest
from toys import BOUND, BOUND_FINITE, CONDITIONAL, DEFAULT, FINITE, SMOOTH, bowl, mixed, play, rebuilt, space

from cotune.errors import RecipeError
from cotune.search import make_sampler
from cotune.search.course import Course
from cotune.search.strategies import STRATEGIES
from cotune.search.structure import GROUP, Groups, shared, structure
from cotune.space import Space
from cotune.types import Trial

EVERY = sorted(STRATEGIES)
FINITE_ONLY = {"grid", "brute-force"}
INFINITE = sorted(set(STRATEGIES) - FINITE_ONLY)
FAST = sorted(set(STRATEGIES) - FINITE_ONLY - {"gp"})


@pytest.fixture(scope="module")
def studies() -> dict[str, tuple]:
    """Forty trials (gp, which is slow: 25) on a conditional space, with every kind of ending."""
    found = {}
    for name in INFINITE:
        sampler = make_sampler(name, CONDITIONAL, maximize=False, seed=5)
        trials = 25 if name == "gp" else 40
        found[name] = (sampler, *play(sampler, CONDITIONAL, trials=trials, batch=8, ending=mixed))
    return found


@pytest.mark.parametrize("name", INFINITE)
def test_proposals_lie_in_the_space_without_what_is_inactive(name: str, studies: dict) -> None:
    _, proposed, _ = studies[name]
    assert all(CONDITIONAL.contains(params) for params in proposed)
    assert {"momentum" in params for params in proposed} == {True, False}


@pytest.mark.parametrize("name", INFINITE)
def test_a_rebuilt_sampler_goes_on_with_the_same_bits(name: str, studies: dict) -> None:
    sampler, proposed, events = studies[name]
    count = 1 if name == "gp" else 11
    asked = sampler.ask(len(proposed), count)
    assert asked == sampler.ask(len(proposed), count)
    assert asked == rebuilt(name, CONDITIONAL, events).ask(len(proposed), count)
    assert asked == rebuilt(name, CONDITIONAL, events, shuffle=1).ask(len(proposed), count)


@pytest.mark.parametrize("name", ["auto", "tpe", "cmaes", "genetic"])
def test_a_long_study_is_rebuilt_with_the_same_bits(name: str) -> None:
    sampler = make_sampler(name, DEFAULT, maximize=False, seed=5)
    _, events = play(sampler, DEFAULT, trials=96, batch=24, ending=mixed)
    assert sampler.ask(96, 16) == rebuilt(name, DEFAULT, events, shuffle=2).ask(96, 16)


def test_another_process_goes_on_with_the_same_bits(studies: dict) -> None:
    code = """
from toys import CONDITIONAL, make_sampler, mixed, play
for name in ("auto", "tpe", "cmaes", "genetic"):
    sampler = make_sampler(name, CONDITIONAL, maximize=False, seed=5)
    play(sampler, CONDITIONAL, trials=40, batch=8, ending=mixed)
    print(sampler.ask(40, 9))
"""
    places = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": places}
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    here = [str(studies[name][0].ask(40, 9)) for name in ("auto", "tpe", "cmaes", "genetic")]
    assert told.stdout.splitlines() == here


@pytest.mark.parametrize("name", ["auto", "tpe", "gp"])
def test_running_trials_are_not_forgotten_by_a_rebuild(name: str, studies: dict) -> None:
    sampler, proposed, events = studies[name]
    first = len(proposed)
    running = [Trial(first + i, p) for i, p in enumerate(sampler.ask(first, 2))]
    for trial in running:
        sampler.add(trial)
    again = rebuilt(name, CONDITIONAL, [*events, *running])
    assert sampler.ask(first + 2, 1) == again.ask(first + 2, 1)


@pytest.mark.parametrize("name", FAST)
def test_seeds_differ(name: str) -> None:
    # The first trial of auto and tpe is the centre, whatever the seed.
    one, two = (make_sampler(name, SMOOTH, maximize=False, seed=s).ask(0, 4) for s in (1, 2))
    assert one[1:] != two[1:]


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("random", DEFAULT),
        ("random", FINITE),
        ("quasi-random", DEFAULT),
        ("quasi-random", FINITE),
        ("grid", FINITE),
        ("brute-force", FINITE),
    ],
)
def test_batch_size_does_not_matter(name: str, where: Space) -> None:
    whole = make_sampler(name, where, maximize=False, seed=3)
    parts = make_sampler(name, where, maximize=False, seed=3)
    assert whole.ask(0, 20) == parts.ask(0, 5) + parts.ask(5, 3) + parts.ask(8, 12)
    late = make_sampler(name, where, maximize=False, seed=3)
    assert whole.ask(13, 4) == late.ask(13, 4)


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize("batch", [8, 5])
def test_a_group_shares_its_structure(name: str, batch: int) -> None:
    sampler = make_sampler(name, DEFAULT, maximize=False, seed=5)
    proposed, _ = play(sampler, DEFAULT, trials=12 * GROUP, batch=batch)
    which = shared(DEFAULT)
    assert [p.name for p in which] == ["width", "depth"]
    for number, params in enumerate(proposed):
        assert structure(params, which) == structure(proposed[Groups().leader_of(number)], which)
    assert len({tuple(structure(params, which).items()) for params in proposed}) > 2
    assert len({params["activation"] for params in proposed[:8]}) > 1


@pytest.mark.parametrize("name", FAST)
def test_without_groups_every_trial_chooses_its_structure(name: str) -> None:
    sampler = make_sampler(name, DEFAULT, maximize=False, seed=5, course=Course(Groups(1)))
    proposed, _ = play(sampler, DEFAULT, trials=48, batch=8)
    assert len({(params["width"], params["depth"]) for params in proposed[:16]}) > 4
    assert len({(params["width"], params["depth"]) for params in proposed[32:]}) > 2


def test_a_leader_prefers_populations_that_train() -> None:
    """With forty results and sixteen trials under way, a new group has one of their structures."""
    sampler = make_sampler("auto", DEFAULT, maximize=False, seed=5)
    play(sampler, DEFAULT, trials=64, batch=16)
    under_way = sampler.ask(64, 16)
    for number, params in enumerate(under_way, 64):
        sampler.add(Trial(number, params))
    (leader,) = sampler.ask(80, 1)
    which = shared(DEFAULT)
    assert structure(leader, which) == structure(under_way[0], which)


def test_a_parameter_that_hangs_on_a_free_one_is_free() -> None:
    assert [p.name for p in shared(CONDITIONAL)] == ["categories", "width", "norm", "embedding_width"]
    assert "momentum" not in [p.name for p in shared(FINITE)]


@pytest.mark.parametrize("name", sorted(set(STRATEGIES) - {"gp"}))
def test_a_finite_space_is_used_up_without_repeating_itself(name: str) -> None:
    sampler = make_sampler(name, FINITE, maximize=False, seed=5)
    proposed, _ = play(sampler, FINITE, trials=100, batch=7)
    assert len(proposed) == len({frozenset(p.items()) for p in proposed}) == FINITE.size() == 36
    assert all(FINITE.contains(params) for params in proposed)
    assert sampler.ask(36, 3) == []


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("where", [BOUND, BOUND_FINITE], ids=["numbers", "finite"])
def test_what_breaks_a_constraint_is_never_proposed(name: str, where: Space) -> None:
    if name in FINITE_ONLY and where.size() is None:
        pytest.skip("a grid needs finitely many values")
    sampler = make_sampler(name, where, maximize=False, seed=5)
    trials = 20 if name == "gp" else 72
    proposed, events = play(sampler, where, trials=trials, batch=4 if name == "gp" else 8, ending=mixed)
    assert all(where.contains(params) for params in proposed)
    assert (
        len(proposed) == len({frozenset(p.items()) for p in proposed}) == min(trials, where.size() or trials)
    )
    asked = sampler.ask(len(proposed), 3)
    assert asked == rebuilt(name, where, events, shuffle=3).ask(len(proposed), 3)
    assert all(where.contains(params) for params in asked)


@pytest.mark.parametrize("name", EVERY)
def test_an_empty_space_has_one_trial(name: str) -> None:
    sampler = make_sampler(name, space(), maximize=False, seed=0)
    assert sampler.ask(0, 3) == [{}]
    sampler.add(Trial(0, {}))
    assert sampler.ask(1, 3) == []


def test_the_default_starts_at_the_centre() -> None:
    first = make_sampler("auto", DEFAULT, maximize=False, seed=8).ask(0, 1)[0]
    assert first == pytest.approx(
        {
            "scaling": "standard",
            "width": 128,
            "depth": 2,
            "activation": "relu",
            "dropout": 0.25,
            "lr": (3e-4 * 3e-2) ** 0.5,
            "weight_decay": 1e-5**0.5,
            "label_smoothing": 0.05,
        }
    )


def test_a_grid_needs_finitely_many_values() -> None:
    with pytest.raises(RecipeError, match=r"finitely many values.*dropout, lr.*step"):
        make_sampler(
            "grid", space(dropout={"low": 0, "high": 0.5}, lr={"low": 1, "high": 2}), maximize=True, seed=0
        )


def test_a_grid_varies_structure_slowest() -> None:
    points = make_sampler("grid", FINITE, maximize=False, seed=0).ask(0, 36)
    shapes = [tuple(structure(p, shared(FINITE)).items()) for p in points]
    assert sum(a != b for a, b in pairwise(shapes)) == len(set(shapes)) - 1


def test_an_unknown_strategy_is_named() -> None:
    with pytest.raises(RecipeError, match="'sobel'"):
        make_sampler("sobel", SMOOTH, maximize=True, seed=0)


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


@pytest.mark.parametrize(
    ("name", "maximize", "trials", "batch", "seeds"),
    [
        ("auto", False, 128, 16, 5),
        ("auto", True, 128, 16, 5),
        ("tpe", False, 96, 16, 5),
        ("tpe", True, 96, 16, 5),
        pytest.param("gp", True, 40, 4, 3, marks=pytest.mark.slow),
    ],
)
def test_learning_beats_chance(name: str, maximize: bool, trials: int, batch: int, seeds: int) -> None:
    best: dict[str, list[float]] = {name: [], "random": []}
    for strategy, losses in best.items():
        for seed in range(seeds if strategy == name else 5):
            sampler = make_sampler(strategy, SMOOTH, maximize=maximize, seed=seed)
            proposed, _ = play(
                sampler,
                SMOOTH,
                trials=trials,
                batch=batch,
                ending=lambda n, loss: mixed(n, -loss if maximize else loss),
            )
            losses.append(min(bowl(SMOOTH, p) for p in proposed))
    assert median(best[name]) < 0.5 * median(best["random"])


def test_optuna_is_quiet_and_left_as_it_was(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    optuna.logging.set_verbosity(optuna.logging.INFO)
    try:
        with caplog.at_level(logging.DEBUG):
            play(make_sampler("tpe", CONDITIONAL, maximize=False, seed=0), CONDITIONAL, trials=30, batch=10)
        assert optuna.logging.get_verbosity() == optuna.logging.INFO
    finally:
        optuna.logging.set_verbosity(optuna.logging.INFO)
    assert caplog.text == ""
    assert capfd.readouterr().err == ""
