"""No proposal that breaks a constraint, whoever makes it.

Samplers ask `distinct`, which sees to that; this stands behind those that do not.
"""

from functools import partial

from cotune.search.distinct import distinct
from cotune.search.history import Key, key
from cotune.search.sampler import Sampler, Watcher
from cotune.search.seeds import generator
from cotune.space import Space
from cotune.types import Params, Trial, TrialResult


class Guarded:
    """A sampler whose proposals meet the constraints of the space."""

    def __init__(self, sampler: Sampler, space: Space, *, seed: int) -> None:
        self._sampler, self._space, self._seed = sampler, space, seed
        self._tried: set[Key] = set()

    def ask(self, number: int, count: int) -> list[Params]:
        """Configurations for the trials `number` … `number + count − 1`."""
        found = self._sampler.ask(number, count)
        if all(map(self._space.feasible, found)):
            return found
        taken = self._tried | {key(params) for params in found if self._space.feasible(params)}
        kept: list[Params] = []
        for n, params in enumerate(found, number):
            again = partial(generator, self._seed, "guard", n)
            feasible = self._space.feasible(params)
            other = params if feasible else distinct(self._space, params, taken=taken, draw=again)
            if other is not None:
                kept.append(other)
                taken.add(key(other))
        return kept

    def add(self, trial: Trial) -> None:
        """This trial is running now."""
        self._tried.add(key(trial.params))
        self._sampler.add(trial)

    def tell(self, result: TrialResult) -> None:
        """This trial has ended."""
        self._tried.add(key(result.params))
        self._sampler.tell(result)

    def watch(self, result: TrialResult) -> None:
        """This trial goes on from a rung."""
        if isinstance(self._sampler, Watcher):
            self._sampler.watch(result)
