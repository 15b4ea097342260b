"""Optuna as a contender, through its own ask, report, should_prune and tell.

A study in memory; running trials are in sight of the sampler. Figures of one boundary are all reported before any trial
is judged, so the order of slots decides nothing. A full training is told with its best figure, a divergence with the
worst so far (`cotune.search.samplers.told` says the same), a pruned trial has what it reported. On a table of
configurations the nearest is trained, and Optuna is told of that one instead of what it asked for.
"""

import math
import time
from collections.abc import Callable, Sequence

import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, HyperbandPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, GPSampler, TPESampler
from optuna.trial import TrialState, create_trial

from cotune.search.samplers.told import quiet
from search_parts.slots import Shown, Start
from search_parts.tasks import Task

ETA = 3
FIRST = 3


def tpe(seed: int) -> BaseSampler:
    """Optuna's default: multivariate, running trials count as bad."""
    return TPESampler(seed=seed, multivariate=True, constant_liar=True)


def gp(seed: int) -> BaseSampler:
    """Log expected improvement, with running trials in sight."""
    return GPSampler(seed=seed)


def never(task: Task) -> BasePruner:  # noqa: ARG001 (a row like the others)
    """Every trial in full."""
    return NopPruner()


def asha(task: Task) -> BasePruner:  # noqa: ARG001
    """Rungs at epochs 3, 9, 27, as cotune's."""
    return SuccessiveHalvingPruner(min_resource=FIRST, reduction_factor=ETA)


def hyperband(task: Task) -> BasePruner:
    """What Optuna recommends beside TPE."""
    return HyperbandPruner(min_resource=FIRST, max_resource=task.epochs, reduction_factor=ETA)


class Optuna:
    """A sampler and a pruner of Optuna's.

    Args:
        task: what is searched.
        seed: of the sampler.
        sampler: from a seed.
        pruner: from the task.
    """

    def __init__(
        self,
        task: Task,
        *,
        seed: int,
        sampler: Callable[[int], BaseSampler],
        pruner: Callable[[Task], BasePruner] = never,
    ) -> None:
        self._task = task
        self._kinds: dict[str, BaseDistribution] = {p.name: p.distribution() for p in task.space.parameters}
        with quiet():
            self._study = optuna.create_study(
                direction="maximize" if task.maximize else "minimize",
                sampler=sampler(seed),
                pruner=pruner(task),
                study_name=f"seed {seed}",  # Hyperband's brackets are a hash of it
            )
        self._better = max if task.maximize else min
        self._trials: dict[int, optuna.Trial] = {}
        self._best: dict[int, float] = {}
        self._tried: set[int] = set()
        self.proposing = 0.0

    def start(self, free: int) -> list[Start]:
        """One after the other, each with those before it in sight."""
        since = time.perf_counter()
        started: list[Start] = []
        with quiet():
            for _ in range(free):
                trial = self._study.ask(self._kinds)
                real = self._task.nearest(trial.params, self._tried)
                if real is None:
                    self._study.tell(trial, state=TrialState.FAIL)
                    break
                self._tried.add(real[0])
                if real[1] != trial.params:
                    self._study.tell(trial, state=TrialState.FAIL)
                    trial = self._instead(dict(real[1]))
                self._trials[trial.number] = trial
                started.append((trial.number, real[1]))
        self.proposing += time.perf_counter() - since
        return started

    def _instead(self, params: dict[str, object]) -> optuna.Trial:
        """A running trial of what is truly trained; samplers do not look at the failed one it stands for."""
        self._study.add_trial(
            create_trial(state=TrialState.RUNNING, params=params, distributions=self._kinds)
        )
        newest = self._study.get_trials(deepcopy=False)[-1]
        return optuna.Trial(self._study, newest._trial_id)

    def show(self, figures: Sequence[Shown]) -> list[int]:
        """Report all, then judge each."""
        since = time.perf_counter()
        with quiet():
            for number, epoch, figure in figures:
                if not math.isnan(figure):
                    self._best[number] = self._better(figure, self._best.get(number, figure))
                    self._trials[number].report(figure, epoch)
            leaving = [number for number, epoch, figure in figures if self._over(number, epoch, figure)]
        self.proposing += time.perf_counter() - since
        return leaving

    def _over(self, number: int, epoch: int, figure: float) -> bool:
        trial = self._trials[number]
        if math.isnan(figure):
            known = sorted(self._best.values(), reverse=not self._task.maximize)
            if known:
                self._study.tell(trial, known[0])
            else:
                self._study.tell(trial, state=TrialState.FAIL)
        elif epoch >= self._task.epochs:
            self._study.tell(trial, self._best[number])
        elif trial.should_prune():
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            return False
        del self._trials[number]
        return True

    def close(self) -> None:
        """Nothing is open."""
