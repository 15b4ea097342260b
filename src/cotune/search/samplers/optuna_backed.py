"""Optuna's samplers, asked in batches with the running trials in sight."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, PartialFixedSampler

from cotune.search.course import UNKNOWN
from cotune.search.distinct import distinct
from cotune.search.gaussian.feasible import LIKELY, Feasible, feasible
from cotune.search.history import History, key
from cotune.search.samplers.sequence import start
from cotune.search.samplers.told import quiet, study_of
from cotune.search.seeds import generator, seed_of
from cotune.search.structure import Groups, structure
from cotune.search.structure import shared as structural
from cotune.space import Parameter, Space
from cotune.types import Params, Status, Trial, TrialResult, Value

STARTUP = 16
"""Results with a score that the model needs; until then the search is quasi-random."""

SUGGESTIONS = 8
"""A configuration that probably does not fit into memory is suggested anew, so many times in all."""

Proposer = Callable[[int, Mapping[int, Params]], Params]
"""(trial number, the batch so far by trial number) → configuration."""

Recall = Callable[[History, Space, BaseSampler], optuna.Study | None]
"""What is known, as a study that the model learns from; `None` while there is too little."""


class ModelSampler:
    """A strategy of Optuna's.

    Args:
        space: what is searched.
        maximize: whether larger scores are better.
        seed: of the study.
        make: an Optuna sampler from a seed; a new one for every batch, so that no state outlives it.
        shared: the parameters that consecutive trials share, see `structure`; none where every trial is alone.
        groups: how many share them.
        learns_from: how a trial must have ended for the model to look at it.
        study: what of the history the model is shown, and as what.
        without_model: the trials that are quasi-random though there is a model. By default, where structures are
            searched, one group in four: the model sees few structures, and would settle on one.
    """

    def __init__(
        self,
        space: Space,
        *,
        maximize: bool,
        seed: int,
        make: Callable[[int], BaseSampler],
        shared: tuple[Parameter, ...] = (),
        groups: Groups = UNKNOWN.groups,
        learns_from: tuple[Status, ...] = (Status.COMPLETE, Status.STOPPED),
        study: Recall = study_of,
        without_model: Callable[[int], bool] | None = None,
    ) -> None:
        self._space = space
        self._seed = seed
        self._make = make
        self._shared = shared
        self._groups = groups
        self._learns_from = learns_from
        self._study = study
        self._without_model = without_model or (
            groups.is_even_quarter if structural(space) else lambda _: False
        )
        self._history = History(maximize=maximize)
        self._start = start(space, seed=seed, groups=groups)

    def add(self, trial: Trial) -> None:
        """This trial is running now."""
        self._history.add(trial)

    def tell(self, result: TrialResult) -> None:
        """This trial has ended."""
        self._history.tell(result)

    def ask(self, number: int, count: int) -> list[Params]:
        """Configurations for the trials `number` … `number + count − 1`."""
        batch: dict[int, Params] = {}
        taken = self._history.tried()
        with quiet():
            propose = self._proposer(number)
            for n in range(number, number + count):
                again = partial(generator, self._seed, "again", n)
                params = distinct(self._space, propose(n, batch), taken=taken, draw=again)
                if params is None:
                    break
                batch[n] = params
                taken.add(key(params))
        return list(batch.values())

    def _proposer(self, number: int) -> Proposer:
        if self._history.scored(*self._learns_from) < STARTUP:
            return lambda n, _: self._start.configuration(n)
        base = self._make(seed_of(self._seed, "model", number))
        study = self._study(self._history, self._space, base)
        if study is None:
            return lambda n, _: self._start.configuration(n)
        fits = feasible(self._history, self._space)

        def propose(n: int, batch: Mapping[int, Params]) -> Params:
            if self._without_model(n):
                return self._start.configuration(n)
            first = self._groups.leader_of(n)
            leader = batch.get(first) or self._history.params(first)
            values = structure(leader, self._shared) if leader else {}
            fixed = {p.name: p.to_optuna(values[p.name]) for p in self._shared if p.name in values}
            study.sampler = PartialFixedSampler(fixed, base) if fixed else base
            return self._that_fits(lambda: _suggest(study.ask(), self._space), fits)

        return propose

    def _that_fits(self, suggest: Callable[[], Params], fits: Feasible | None) -> Params:
        """What the strategy suggests; where it would probably not fit into memory, its next suggestion."""
        params = suggest()
        if fits is None:
            return params
        tried = [params]
        while not (likely := self._chances(tried, fits))[-1] >= LIKELY and len(tried) < SUGGESTIONS:
            tried.append(suggest())
        return tried[-1] if likely[-1] >= LIKELY else tried[int(likely.argmax())]

    def _chances(self, tried: list[Params], fits: Feasible) -> NDArray[np.float64]:
        return np.exp(fits.log_chance(np.array([self._space.to_unit(params) for params in tried])))


def _suggest(trial: optuna.Trial, space: Space) -> Params:
    params: dict[str, Value] = {}
    for p in space.parameters:
        if p.active(params):
            match p.distribution():
                case FloatDistribution(low=low, high=high, log=log, step=step):
                    value: Value = trial.suggest_float(p.name, low, high, log=log, step=step)
                case IntDistribution(low=low, high=high, log=log, step=step):
                    value = trial.suggest_int(p.name, low, high, log=log, step=step)
                case CategoricalDistribution(choices=choices):
                    value = trial.suggest_categorical(p.name, choices)
            params[p.name] = p.from_optuna(value)
    return params
