"""Spaces that are found by running a build, and spaces of other tools: held against the tools themselves."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy import stats

from cotune.errors import RecipeError
from cotune.recipe import make
from cotune.recipe.module import PREFIX, OwnParameter
from cotune.space import from_recipe
from cotune.space.discovery import explore
from cotune.space.foreign import read_space
from cotune.space.suggestions import Trial
from cotune.types import Value


def space_of(build: Callable[[Trial], object], space: Any = None) -> dict[str, OwnParameter]:
    """The space of a build."""

    def ask(given: Mapping[str, Value]) -> Trial:
        trial = Trial(given, read_space(space))
        build(trial)
        return trial

    return explore(ask)


def layers(trial: Any) -> None:
    """As the examples of Optuna go: a count, and a number for each."""
    count = trial.suggest_int("layers", 1, 3)
    for place in range(count):
        trial.suggest_int(f"width{place}", 4, 128, log=True)
    if trial.suggest_categorical("activation", ["relu", "leaky"]) == "leaky":
        trial.suggest_float("slope", 0.01, 0.3)
    trial.suggest_float("p", 0.0, 0.5, step=0.1)


def test_what_appears_under_a_choice_hangs_on_it() -> None:
    found = space_of(layers)
    assert {name: own.when for name, own in found.items()} == {
        "layers": None,
        "width0": None,
        "width1": ("layers", (2, 3)),
        "width2": ("layers", (3,)),
        "activation": None,
        "slope": ("activation", ("leaky",)),
        "p": None,
    }


def test_the_space_is_the_one_that_optuna_sees() -> None:
    """The same function, run by Optuna until it has met every branch."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    seen: dict[str, Any] = {}
    for _ in range(40):
        trial = study.ask()
        layers(trial)
        seen |= trial.distributions
    recipe = make({"module": {"parameters": {n: own.model_dump() for n, own in space_of(layers).items()}}})
    ours = {
        p.name.removeprefix(PREFIX): p for p in from_recipe(recipe).parameters if p.name.startswith(PREFIX)
    }
    assert ours.keys() == seen.keys()
    for name, theirs in seen.items():
        mine = ours[name].distribution()
        assert type(mine) is type(theirs), name
        if isinstance(theirs, IntDistribution | FloatDistribution):
            assert isinstance(mine, IntDistribution | FloatDistribution)
            assert (mine.low, mine.high, mine.log) == (theirs.low, theirs.high, theirs.log)
        else:
            assert isinstance(mine, CategoricalDistribution)
            assert mine.choices == theirs.choices


def test_every_configuration_of_the_space_answers_all_questions() -> None:
    """No value that is asked for is missing, and none of those that are drawn lies idle."""
    recipe = make({"module": {"parameters": {n: own.model_dump() for n, own in space_of(layers).items()}}})
    space = from_recipe(recipe)
    for seed in range(50):
        point = [(math.sin(seed * 31 + i) + 1) / 2 for i in range(len(space.parameters))]
        params = space.from_unit(point)
        given = {n.removeprefix(PREFIX): v for n, v in params.items() if n.startswith(PREFIX)}
        trial = Trial(given, strict=True)
        layers(trial)
        assert trial.answered == given


def test_nested_conditions_are_chains() -> None:
    def build(trial: Trial) -> None:
        if trial.suggest_categorical("a", ["x", "y"]) == "y" and trial.suggest_categorical(
            "b", [True, False]
        ):
            trial.suggest_int("c", 1, 9)

    found = space_of(build)
    assert found["b"].when == ("a", ("y",))
    assert found["c"].when == ("b", (True,))


def test_ranges_that_depend_on_values_are_joined_and_answers_fit() -> None:
    def build(trial: Trial) -> None:
        heads = trial.suggest_categorical("heads", [2, 8])
        assert heads <= trial.suggest_int("width", heads, heads * 4, step=heads) <= heads * 4

    found = space_of(build)
    assert (found["width"].low, found["width"].high) == (2, 32)
    trial = Trial({"heads": 2, "width": 32})
    build(trial)
    assert trial.answered["width"] == 8


def test_tuples_come_back_as_tuples() -> None:
    trial = Trial({"hidden": "(64, 32)"})
    assert trial.suggest_categorical("hidden", [(8,), (64, 32)]) == (64, 32)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda t: t.suggest_int("n", 5, 3), "low <= high"),
        (lambda t: t.suggest_int("n", 0.5, 3), "whole numbers"),
        (lambda t: t.suggest_float("n", 0.0, 1.0, log=True), "low > 0"),
        (lambda t: t.suggest_float("n", 0.1, 1.0, log=True, step=0.1), "log and step"),
        (lambda t: t.suggest_categorical("n", []), "at least one"),
        (lambda t: t.suggest_categorical("n", [math.sin]), "numbers, words"),
        (lambda t: t["n"], "space= does not have"),
        (lambda t: (t.suggest_int("n", 1, 2), t.suggest_float("n", 1, 2)), "twice, and differently"),
    ],
)
def test_faults_say_what_is_wrong(ask: Callable[[Trial], object], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        ask(Trial())


def test_order_and_beliefs_are_kept_and_the_prior_is_the_first_answer() -> None:
    def build(trial: Trial) -> None:
        trial.suggest_float("rate", 1e-5, 1e-1, log=True, prior=3e-3, confidence="high")
        trial.suggest_int("units", 8, 64, prior=16)
        trial.suggest_categorical("size", ["s", "m", "l"], ordered=True, prior="l")
        trial.suggest_categorical("hidden", [(8,), (64, 32)], prior=(64, 32))
        trial.suggest_categorical("heads", [1, 2, 4])
        trial.suggest_categorical("code", [1, 2, 4], ordered=False)

    trial = Trial()
    build(trial)
    assert trial.answered["rate"] == 3e-3
    assert (trial.answered["units"], trial.answered["size"], trial.params["hidden"]) == (16, "l", (64, 32))
    recipe = make({"module": {"parameters": {n: own.model_dump() for n, own in space_of(build).items()}}})
    found = {
        p.name.removeprefix(PREFIX): p for p in from_recipe(recipe).parameters if p.name.startswith(PREFIX)
    }
    assert {n: p.kind for n, p in found.items()} == {
        "rate": "float", "units": "int", "size": "ordinal", "hidden": "categorical", "heads": "ordinal",
        "code": "categorical",
    }  # fmt: skip
    assert found["rate"].from_unit(found["rate"].middle) == pytest.approx(3e-3)
    assert found["rate"].setting.confidence == "high"
    assert found["size"].middle == found["size"].to_unit("l")


def test_priors_of_a_dictionary_and_what_is_no_prior() -> None:
    found = space_of(
        dict, {"a": {"low": 0.0, "high": 1.0, "prior": 0.2}, "b": {"choices": [1, 2], "ordered": False}}
    )
    assert (found["a"].prior, found["b"].ordered) == (0.2, False)
    for bad in ({"low": 0.0, "high": 1.0, "prior": 2.0}, {"choices": [1, 2], "prior": 3}):
        with pytest.raises(RecipeError, match="the prior of 'a' must be a value it can take"):
            space_of(dict, {"a": bad})
    with pytest.raises(RecipeError, match="confidence must be low, medium or high, but 'a' has 'sure'"):
        Trial().suggest_float("a", 0, 1, prior=0.5, confidence="sure")  # type: ignore[arg-type]


def test_a_question_that_the_space_does_not_know_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="is not searched"):
        assert Trial({}, strict=True).suggest_int("n", 1, 3) == 2


# ---------------------------------------------------------------------- other tools


def test_a_grid_of_scikit_learn() -> None:
    grid = {
        "width": [16, 32],
        "rate": stats.loguniform(1e-4, 1e-1),
        "share": stats.uniform(0.5, 1.0),
        "count": stats.randint(1, 5),
        "hidden": [(64,), (64, 32)],
        "bias": True,
    }
    found = space_of(dict, grid)
    assert found["width"].choices == (16, 32)
    assert (found["rate"].low, found["rate"].high, found["rate"].log) == (1e-4, 1e-1, True)
    assert (found["share"].low, found["share"].high) == (0.5, 1.5)
    assert (found["count"].kind, found["count"].low, found["count"].high) == ("int", 1, 4)
    assert Trial({}, read_space(grid))["hidden"] == (64,)
    assert found["bias"].choices == (True,)


def test_a_list_of_grids_is_a_choice_between_them() -> None:
    found = space_of(dict, [{"kind": ["a"], "x": [1, 2]}, {"kind": ["b"], "z": [3, 4]}])
    assert found["x"].when == ("grid", (0,))
    assert found["z"].when == ("grid", (1,))
    assert found["kind.0"].when == ("grid", (0,))
    assert dict(Trial({"grid": 1, "z": 4}, read_space([{"k": ["a"]}, {"k": ["b"], "z": [3, 4]}]))) == {
        "k": "b",
        "z": 4,
    }


def test_a_distribution_without_ends_is_refused() -> None:
    with pytest.raises(RecipeError, match="loguniform, uniform or randint"):
        space_of(dict, {"x": stats.norm()})


def test_what_a_builder_of_keras_tuner_asks_for() -> None:
    def build(hp: Any) -> None:
        kind = hp.Choice("kind", ["deep", "wide"], default="wide")
        with hp.conditional_scope("kind", ["deep"]):
            if kind == "deep":
                hp.Int("depth", min_value=2, max_value=8, step=2, parent_name="kind", parent_values=["deep"])
        hp.Float("rate", 1e-4, 1e-1, sampling="log")
        hp.Int("units", 8, 64, step=2, sampling="log")
        hp.Boolean("norm")
        assert hp.Fixed("seed", 7) == 7

    found = space_of(build)
    assert found["depth"].when == ("kind", ("deep",))
    assert (found["depth"].low, found["depth"].high, found["depth"].step) == (2, 8, 2)
    assert found["rate"].log
    assert found["units"].choices == (8, 16, 32, 64)
    assert found["norm"].choices == (False, True)


def test_a_space_of_hyperopt_is_the_one_that_hyperopt_samples() -> None:
    hyperopt = pytest.importorskip("hyperopt", reason="hyperopt is not installed")
    hp = hyperopt.hp
    space = {
        "rate": hp.loguniform("rate", math.log(1e-4), math.log(1e-1)),
        "share": hp.uniform("share", 0.2, 0.9),
        "width": hp.quniform("width", 8, 64, 8),
        "count": hp.randint("count", 5),
        "units": hp.uniformint("units", 3, 9),
        "kind": hp.choice("kind", ["a", "b"]),
        "body": hp.choice("body", [{"type": "mlp"}, {"type": "deep", "depth": hp.randint("depth", 2, 6)}]),
    }
    found = space_of(dict, space)
    assert found["depth"].when == ("body", (1,))
    import numpy as np

    rng = np.random.default_rng(0)
    for _ in range(200):
        theirs = hyperopt.pyll.stochastic.sample(space, rng)
        values = {name: theirs[name] for name in ("rate", "share", "width", "count", "units")}
        for name, value in values.items():
            own = found[name]
            assert own.low - 1e-9 <= value <= own.high + 1e-9, name
        ours = Trial({"body": 1, "depth": 3}, read_space(space))
        assert set(theirs) == set(ours)
        assert type(theirs["body"]) is type(ours["body"])
    assert Trial({"body": 1, "depth": 3}, read_space(space))["body"] == {"type": "deep", "depth": 3}


def test_a_normal_distribution_of_hyperopts_is_refused() -> None:
    hyperopt = pytest.importorskip("hyperopt", reason="hyperopt is not installed")
    with pytest.raises(RecipeError, match="give it ends"):
        space_of(dict, {"x": hyperopt.hp.normal("x", 0, 1)})


def test_what_is_no_space_is_refused() -> None:
    with pytest.raises(RecipeError, match="space must be"):
        read_space(3)
