"""Paused trials: those that a rung has stopped, with all that their lanes need to go on.

A trial that stays paused to the end of the study was stopped at its rung. Until then it costs memory, and its part of
every snapshot. So the best are kept, and the others are over.
"""

from collections.abc import Mapping, Sequence

from cotune.engine.loop import Engine, LaneWeights
from cotune.engine.moving import LaneState
from cotune.study.ledger import Ledger
from cotune.types import LaneId, TrialResult

MOST = 128
"""Trials that rest at most. One that is promoted late was close to its rung's best third when it came."""

BYTES = 256 << 20
"""What they may take."""


class Resting:
    """The states of paused trials, by number.

    Args:
        engine: where trials come from and go back to.
        ledger: says how they stand.
        lanes: of a trial.
        maximize: whether larger scores are better.
        most, bytes: trials kept, and what they may take.
    """

    def __init__(
        self,
        engine: Engine,
        ledger: Ledger,
        *,
        lanes: int,
        maximize: bool,
        most: int = MOST,
        bytes: int = BYTES,
    ) -> None:
        self._engine, self._ledger, self._lanes = engine, ledger, lanes
        self._sign = -1.0 if maximize else 1.0
        self._most, self._bytes = most, bytes
        self._states: dict[int, list[LaneState]] = {}

    def __len__(self) -> int:
        return len(self._states)

    def put(self, states: Sequence[LaneState]) -> None:
        """Take lanes in."""
        for item in states:
            self._states.setdefault(item.lane.id.trial, []).append(item)

    def pause(self, trials: Sequence[int]) -> list[TrialResult]:
        """Let trials in training rest; how they stand, as if they were over."""
        for number in trials:
            self.put(self._engine.take([LaneId(number, i) for i in range(self._lanes)]))
        return [self._ledger.pause(number) for number in trials]

    def thaw(self, trials: Sequence[int]) -> None:
        """Let trials go on."""
        for number in trials:
            self._ledger.thaw(number)
        self._engine.rejoin([item for number in trials for item in self.pop(number)])

    def give_up(self) -> list[TrialResult]:
        """The trials that are over, since there is no room for them; their weights are kept until they are popped."""
        scores = {number: run.score() for number, run in self._ledger.paused.items()}
        return [self._ledger.give_up(number) for number in self._too_many(scores)]

    def pop(self, trial: int) -> list[LaneState]:
        """Let a trial's lanes go; none where it does not rest."""
        return self._states.pop(trial, [])

    def all(self) -> list[LaneState]:
        """Every lane, for a snapshot."""
        return [item for number in sorted(self._states) for item in self._states[number]]

    def best(self, trial: int) -> list[LaneWeights]:
        """The best weights of a trial's lanes, at rest or in training."""
        if trial not in self._states:
            return self._engine.best(trial)
        states = sorted(self._states[trial], key=lambda item: item.lane.id)
        return [
            LaneWeights(s.lane, s.state.best_weights[0], s.state.best_statistics[0], float(s.state.best[0]))
            for s in states
        ]

    def _too_many(self, scores: Mapping[int, float | None]) -> list[int]:
        """The worst trials, beyond what may be kept; of equals the later ones.

        Args:
            scores: of all that rest.
        """

        def rank(trial: int) -> tuple[bool, float, int]:
            score = scores[trial]
            none = score is None or score != score
            return (none, 0.0 if score is None or none else self._sign * score, trial)

        taken, gone = 0, []
        for place, trial in enumerate(sorted(self._states, key=rank)):
            taken += sum(item.bytes for item in self._states[trial])
            if place >= self._most or taken > self._bytes:
                gone.append(trial)
        return sorted(gone)
