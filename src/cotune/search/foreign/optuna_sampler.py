"""cotune's strategies as a sampler for Optuna."""

import contextlib
import threading
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from cotune.errors import RecipeError
from cotune.search.foreign.optuna_space import Seen, external, fitting, placed, space_of
from cotune.search.history import Key, is_finite, key
from cotune.search.rungs.table import BREEDING
from cotune.search.sampler import Sampler
from cotune.search.seeds import generator
from cotune.search.strategies import STRATEGIES, make_sampler
from cotune.search.strategies import strategy as must_exist
from cotune.space import Space
from cotune.types import Params, Status, Trial, TrialResult

LISTS = ("grid", "brute-force")
"""Strategies that are over once every configuration was tried; others go on, as noisy objectives may want."""

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class OptunaSampler(BaseSampler):
    """Searches an Optuna study by a strategy of cotune's.

    All parameters that trials have asked for are searched together, those too that only some trials have. What no
    trial has asked for yet, and ranges that change between trials, are left to `independent_sampler`. Pruned trials
    count as stopped at their last reported step, and are compared with others at that step. A study with several
    objectives is handed over to Optuna's TPE.

    A proposal is a function of the seed, the trial's number and the finished trials: workers that share a storage may
    share a seed, since their trials have different numbers.

    Args:
        strategy: a name of `--search`.
        seed: equal seeds propose equal configurations in studies that run one trial at a time; drawn by chance if
            `None`.
        independent_sampler: for what cannot be searched together; Optuna's TPE, one parameter at a time, if `None`.

    Raises:
        RecipeError: there is no such strategy; while sampling, if it cannot search the study's space.

    Example:
        >>> study = optuna.create_study(sampler=cotune.OptunaSampler(seed=0))
        >>> study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=100)
    """

    def __init__(
        self,
        strategy: str = "auto",
        *,
        seed: int | None = None,
        independent_sampler: BaseSampler | None = None,
    ) -> None:
        must_exist(strategy)  # at once, and not at the first trial
        if STRATEGIES[strategy].rungs == BREEDING:
            law = f"{strategy} copies networks while they train, which Optuna's trials know nothing of"
            raise RecipeError(f"{law}; choose another strategy, such as auto")
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
            raise RecipeError(f"the seed of OptunaSampler must be a whole number or None, but got {seed!r}")
        self._strategy = strategy
        self._seed = int(np.random.SeedSequence(seed).generate_state(1)[0]) if seed is None else seed
        self._independent = independent_sampler or TPESampler(multivariate=False, seed=self._seed)
        self._several = TPESampler(seed=self._seed)
        self._guides: weakref.WeakKeyDictionary[Study, _Guide] = weakref.WeakKeyDictionary()
        self._lock = threading.RLock()

    def __getstate__(self) -> dict[str, Any]:
        # Neither goes to another process: what is known of a study is read again from its trials.
        return {name: value for name, value in vars(self).items() if name not in ("_guides", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _guides=weakref.WeakKeyDictionary(), _lock=threading.RLock())

    def reseed_rng(self) -> None:
        """Of the samplers that draw in the order in which they are asked; ours draws by trial number."""
        self._independent.reseed_rng()
        self._several.reseed_rng()

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Told to whoever samples beside us."""
        self._beside(study).before_trial(study, trial)

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Told to whoever samples beside us."""
        self._beside(study).after_trial(study, trial, state, values)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All parameters so far whose distribution does not change."""
        if len(study.directions) > 1:
            return self._several.infer_relative_search_space(study, trial)
        with self._lock:
            return self._guide(study).look(study).distributions()

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Values for all of `search_space` that the proposed configuration has."""
        if len(study.directions) > 1:
            return self._several.sample_relative(study, trial, search_space)
        if not search_space:
            return {}
        with self._lock:
            found = self._guide(study).propose(study, trial.number, search_space)
        if len(found) < 2 and self._strategy in LISTS:
            with contextlib.suppress(RuntimeError):  # the study was asked by hand: it has no loop to stop
                study.stop()
        return external(found[0], search_space) if found else {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A value for a parameter that stands alone."""
        with self._lock:
            return self._beside(study).sample_independent(study, trial, param_name, param_distribution)

    def _beside(self, study: Study) -> BaseSampler:
        return self._several if len(study.directions) > 1 else self._independent

    def _guide(self, study: Study) -> "_Guide":
        return self._guides.setdefault(study, _Guide(self._strategy, self._seed))


class _Guide:
    """What is known of one study, and a strategy for its space; made anew when the space turns out to be another."""

    def __init__(self, name: str, seed: int) -> None:
        self._name, self._seed = name, seed
        self._seen = Seen()
        self._finished: dict[int, FrozenTrial] = {}
        self._told: set[int] = set()
        self._tried: set[Key] = set()
        self._space: Space | None = None
        self._sampler: Sampler | None = None

    def look(self, study: Study) -> Seen:
        """Take note of what has finished since."""
        for trial in study.get_trials(deepcopy=False, states=FINISHED):
            if trial.number not in self._finished:
                self._finished[trial.number] = trial
                self._seen.see(trial)
        return self._seen

    def propose(self, study: Study, number: int, kinds: dict[str, BaseDistribution]) -> list[Params]:
        """A configuration for trial `number`; of a list, what is left of it, which may be nothing."""
        seen = self.look(study)
        space = space_of(kinds, seen.conditions(kinds))
        maximize = study.direction is StudyDirection.MAXIMIZE
        if self._sampler is None or space != self._space:
            self._space, self._told, self._tried = space, set(), set()
            self._sampler = make_sampler(self._name, space, maximize=maximize, seed=self._seed)
        for n in sorted(set(self._finished) - self._told):
            result = _result(self._finished[n], space)
            if result is not None:
                self._sampler.add(Trial(n, result.params))
                self._sampler.tell(result)
                self._tried.add(key(result.params))
        self._told |= set(self._finished)
        tried = set(self._tried)
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if trial.number != number:
                params = fitting(placed(trial), space)
                self._sampler.add(Trial(trial.number, params))
                tried.add(key(params))
        if self._name not in LISTS:
            drawn = generator(self._seed, "used up", number).random(len(space.parameters))
            return self._sampler.ask(number, 1) or [space.from_unit(drawn.tolist())]
        listed = self._sampler.ask(0, len(tried) + 2)
        return [params for params in listed if key(params) not in tried]


def _result(trial: FrozenTrial, space: Space) -> TrialResult | None:
    """A finished trial in our words; `None` where it has nothing of the space."""
    params = fitting(placed(trial), space)
    if not params:
        return None
    curve = tuple((step + 1, 0.0, value) for step, value in sorted(trial.intermediate_values.items()))
    status, score = Status.FAILED, None
    if trial.state is TrialState.COMPLETE:
        assert trial.value is not None
        finite = is_finite(trial.value)
        status, score = (Status.COMPLETE, trial.value) if finite else (Status.DIVERGED, None)
    elif trial.state is TrialState.PRUNED:
        status, score = Status.STOPPED, curve[-1][2] if curve else None
    epochs = curve[-1][0] if curve else 1
    return TrialResult(trial.number, params, status, score, epochs, 0.0, curve=curve)
