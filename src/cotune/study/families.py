"""Trials with parents: whose settings children get, and how their networks begin as copies."""

from collections.abc import Mapping, Sequence

from cotune.engine.loop import Engine
from cotune.engine.moving import clone, misfits
from cotune.search import Brood, Explorer, Sampler
from cotune.study.lanes import LaneFactory
from cotune.study.ledger import Ledger
from cotune.types import LaneId, Params, Parent, Trial


class Families:
    """The children of a study.

    Args:
        sampler: who chooses their settings, if it is one that does.
        factory: makes their lanes.
        ledger: has the curves of the trials in training.
        trials: all that have started, by number; looked at when children are made.
        every: epochs between two comparisons.
    """

    def __init__(
        self,
        sampler: Sampler,
        factory: LaneFactory,
        ledger: Ledger,
        *,
        trials: Mapping[int, Trial],
        every: int,
    ) -> None:
        self._sampler, self._factory, self._ledger = sampler, factory, ledger
        self._trials, self._every = trials, every

    def children(self, parents: Sequence[Parent]) -> tuple[Trial, ...]:
        """New trials, one for each parent, numbered from the next number on."""
        if not parents or not isinstance(self._sampler, Explorer):
            return ()
        curves = {number: run.curve for number, run in self._ledger.running.items()}
        number = len(self._trials)
        found = self._sampler.breed(Brood(number, parents, curves, self._every, self._fits))
        return tuple(
            Trial(number + i, params, parent)
            for i, (params, parent) in enumerate(zip(found, parents, strict=True))
        )

    def _fits(self, parent: Params, child: Params) -> bool:
        """A number such as the rate of averaging is fusable, but 0 is another way to train."""
        one, other = (self._factory.lane(LaneId(-1, 0), params) for params in (parent, child))
        return not misfits(one, other)

    def bear(self, trials: Sequence[Trial], engine: Engine) -> None:
        """Let children join: each lane a copy of its parent's lane of the same fold and seed, as it is now.

        They are judged by what they do themselves: a parent's best epoch is not theirs.
        """
        states = []
        for trial in trials:
            assert trial.parent is not None
            lanes = self._factory.lanes(trial.number, trial.params)
            parents = engine.copies([LaneId(trial.parent.trial, lane.id.index) for lane in lanes])
            states += [
                clone(state, lane, judged_anew=True) for state, lane in zip(parents, lanes, strict=True)
            ]
        engine.rejoin(states)
