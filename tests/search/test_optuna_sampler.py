"""`cotune.OptunaSampler`: Optuna's own contract for samplers, and what is ours beyond it."""

import pickle
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.samplers import BaseSampler
from optuna.testing import pytest_samplers
from optuna.trial import TrialState, create_trial

import cotune
from cotune.errors import RecipeError
from cotune.search.foreign.optuna_space import Seen, fitting, placed, space_of

SLOW = pytest.mark.slow


@pytest.fixture(autouse=True)
def _quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


class Contract(
    pytest_samplers.RelativeSamplerTestCase,
    pytest_samplers.BasicSamplerTestCase,
    pytest_samplers.MultiObjectiveSamplerTestCase,
):
    """Every case that Optuna has for samplers which know relative and independent sampling, and several objectives."""


class TestAuto(Contract):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return partial(cotune.OptunaSampler, seed=0)


@SLOW
@pytest.mark.parametrize("strategy", ["tpe", "gp", "cmaes", "genetic", "random", "quasi-random"])
class TestStrategies(Contract):
    @pytest.fixture
    def sampler(self, strategy: str) -> Callable[[], BaseSampler]:
        return partial(cotune.OptunaSampler, strategy, seed=0)


Objective = Callable[[optuna.Trial], float]


def studied(objective: Objective, *, trials: int, n_jobs: int = 1, **asked: object) -> optuna.Study:
    """A study of so many trials."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(sampler=cotune.OptunaSampler(**{"seed": 0, **asked}))
        study.optimize(objective, n_trials=trials, n_jobs=n_jobs)
    return study


def branched(trial: optuna.Trial) -> float:
    """One way is better if its own parameter is right; a parameter is asked for under one choice only."""
    rate = trial.suggest_float("rate", 1e-4, 1.0, log=True)
    loss = (np.log10(rate) + 2.5) ** 2
    if trial.suggest_categorical("kind", ["plain", "heavy", None]) == "heavy":
        return loss + 4.0 * (trial.suggest_float("momentum", 0.0, 1.0) - 0.85) ** 2
    return loss + 0.5


def bowl(trial: optuna.Trial) -> float:
    """Smooth, in six dimensions."""
    return sum((trial.suggest_float(f"x{i}", 0.0, 1.0) - 0.15 - 0.12 * i) ** 2 for i in range(6))


@pytest.mark.parametrize(("objective", "bar"), [(bowl, 0.05), (branched, 0.05)])
def test_it_learns(objective: Callable[[optuna.Trial], float], bar: float) -> None:
    found = [studied(objective, trials=90, seed=seed).best_value for seed in (0, 1)]
    chance = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    chance.optimize(objective, n_trials=90)
    assert max(found) < min(bar, chance.best_value)


def test_conditional_parameters_are_searched_together() -> None:
    study = studied(branched, trials=60)
    relative = [t for t in study.trials if "momentum" in t.params and t.number > 30]
    assert np.std([t.params["momentum"] for t in relative]) < 0.25, (
        "not drawn by chance, whose deviation is 0.29"
    )
    space = study.sampler._guides[study]._space
    momentum = next(p for p in space.parameters if p.name == "momentum")
    assert momentum.domain.when == ("kind", (1,)), "the place of 'heavy' among the choices"


def test_equal_seeds_give_equal_trials_and_others_do_not() -> None:
    one, two, other = (studied(branched, trials=35, seed=seed) for seed in (3, 3, 4))
    assert [t.params for t in one.trials] == [t.params for t in two.trials]
    assert one.trials[-1].params != other.trials[-1].params


def test_a_sampler_that_was_pickled_goes_on_with_the_same_bits() -> None:
    study = studied(branched, trials=40)
    again = pickle.loads(pickle.dumps(study.sampler))  # noqa: S301 (what joblib does with it)
    kinds = {"rate": FloatDistribution(1e-4, 1.0, log=True)}
    trial = study.ask()
    asked = [
        sampler.sample_relative(study, study.trials[trial.number], kinds)
        for sampler in (study.sampler, again)
    ]
    assert asked[0] == asked[1]


def test_workers_with_one_seed_and_one_storage_propose_different_trials() -> None:
    """What two processes do: each has a sampler of its own with the same seed, and their trials take turns."""
    storage = optuna.storages.InMemoryStorage()
    studies = [
        optuna.create_study(
            study_name="shared", storage=storage, load_if_exists=True, sampler=cotune.OptunaSampler(seed=1)
        )
        for _ in range(2)
    ]
    for study in studies * 20:
        study.optimize(bowl, n_trials=1)
    pending = [study.ask() for study in studies * 4]
    kinds = {f"x{i}": FloatDistribution(0.0, 1.0) for i in range(6)}
    values = {tuple(trial._suggest(name, kind) for name, kind in kinds.items()) for trial in pending}
    assert len(values) == 8
    assert np.min(np.ptp(np.array(list(values)), axis=0)) > 0.01


def test_threads_share_it() -> None:
    study = studied(branched, trials=40, n_jobs=4)
    assert len({tuple(t.params.items()) for t in study.trials}) == 40


def test_a_finite_space_is_not_repeated_and_brute_force_stops() -> None:
    def four(trial: optuna.Trial) -> float:
        return trial.suggest_int("n", 1, 4) + trial.suggest_float("x", 0, 1, step=0.5)

    for name in ("brute-force", "grid"):
        study = studied(four, trials=50, strategy=name)
        assert {tuple(t.params.values()) for t in study.trials} == {
            (n, x / 2) for n in range(1, 5) for x in range(3)
        }
        assert len(study.trials) == 12
    auto = studied(four, trials=30)
    assert len(auto.trials) == 30, "who asks for thirty gets thirty"
    assert len({tuple(t.params.values()) for t in auto.trials[:12]}) == 12


def test_pruned_trials_are_known_at_their_step_and_failed_ones_are_no_good() -> None:
    """All that is good is pruned, or fails: figures at one step are compared, so the model goes where they are low."""
    study = optuna.create_study(sampler=cotune.OptunaSampler(seed=0))
    kinds = {"x": FloatDistribution(0.0, 1.0), "y": FloatDistribution(0.0, 1.0)}
    rng = np.random.default_rng(0)
    for number in range(60):
        params = dict(zip(kinds, rng.random(2).tolist(), strict=True))
        loss = (params["x"] - 0.2) ** 2 + (params["y"] - 0.7) ** 2
        told: dict = {"state": TrialState.PRUNED, "intermediate_values": {0: 1 + loss, 2: loss}}
        if number % 12 == 0:
            told = {
                "state": TrialState.COMPLETE,
                "value": loss / 2,
                "intermediate_values": {0: 1 + loss, 2: loss},
            }
        if number % 12 == 1:
            told = {"state": TrialState.FAIL}
        study.add_trial(create_trial(params=params, distributions=kinds, **told))
    found = []
    for _ in range(24):
        trial = study.ask(kinds)
        found.append(list(trial.params.values()))
    middle = np.median(found, axis=0)
    assert middle == pytest.approx([0.2, 0.7], abs=0.12)


def test_infinite_values_are_bad_and_not_the_end() -> None:
    def cliff(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0.0, 1.0)
        return float("inf") if x > 0.6 else (x - 0.5) ** 2

    study = studied(cliff, trials=60)
    assert study.best_value < 1e-3
    assert sum(np.isinf(t.value) for t in study.trials[30:]) < sum(
        np.isinf(t.value) for t in study.trials[:30]
    )


def test_trials_from_elsewhere_may_lie_anywhere() -> None:
    study = optuna.create_study(sampler=cotune.OptunaSampler(seed=0))
    study.enqueue_trial({"x0": 0.5})
    study.enqueue_trial({"x0": 17.0})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna's: the value is out of range
        study.optimize(bowl, n_trials=40)
    assert study.trials[1].params["x0"] == 17.0
    assert len(study.trials) == 40


def test_a_space_is_read_from_trials() -> None:
    kinds = {"a": CategoricalDistribution([1, True, "1"]), "b": FloatDistribution(0.0, 0.3, step=0.1)}
    seen = Seen()
    trials = [
        create_trial(params={"a": True, "b": 0.3}, distributions=kinds, value=0.0),
        create_trial(params={"a": "1"}, distributions={"a": kinds["a"]}, value=0.0),
        create_trial(params={"c": 1.0}, distributions={"c": FloatDistribution(0, 1)}, value=0.0),
        create_trial(params={"c": 1.0}, distributions={"c": FloatDistribution(0, 2)}, value=0.0),
    ]
    for trial in trials[:2]:
        seen.see(trial)
    # True equals 1, and Optuna takes the first that is equal.
    assert seen.conditions(kinds) == {"b": ("a", (0,))}
    space = space_of(kinds, seen.conditions(kinds))
    assert fitting(placed(trials[0]), space) == {"a": 0, "b": 0.3}
    for trial in trials[2:]:
        seen.see(trial)
    assert set(seen.distributions()) == {"a", "b"}, "c's range has changed"


def test_an_unknown_strategy_is_refused_at_once() -> None:
    with pytest.raises(RecipeError, match="did you mean 'genetic'"):
        cotune.OptunaSampler("genetics")


def test_a_space_that_the_strategy_cannot_search_is_refused_with_a_remedy() -> None:
    study = optuna.create_study(sampler=cotune.OptunaSampler("grid", seed=0))
    study.optimize(bowl, n_trials=1)
    with pytest.raises(RecipeError, match="finitely many"):
        study.optimize(bowl, n_trials=1)
