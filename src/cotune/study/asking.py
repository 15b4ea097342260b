"""Who joins: children, paused trials that go on, and new configurations, as far as there is room."""

from cotune.records import Boundary
from cotune.study.families import Families
from cotune.study.ledger import Ledger
from cotune.study.proposals import Proposals
from cotune.study.roll import Roll
from cotune.study.room import Room
from cotune.types import Trial

Joining = tuple[tuple[int, ...], tuple[Trial, ...]]
"""Paused trials that go on, by number, and trials that start."""


class Asking:
    """Asks at every boundary.

    Args:
        room: what the limits leave.
        roll: the trials so far.
        ledger: knows who is to have a child, and which paused trials would go on.
        families: makes children.
        proposals: has new configurations.
    """

    def __init__(
        self, room: Room, roll: Roll, ledger: Ledger, families: Families, proposals: Proposals
    ) -> None:
        self._room, self._roll, self._ledger = room, roll, ledger
        self._families, self._proposals = families, proposals
        self.exhausted = False
        """Whether a finite space is used up."""

    def ask(self, *, training: int) -> Joining:
        """For the free slots, as far as the limits go: paused trials that go on, and new ones.

        Args:
            training: lanes in training.
        """
        started = len(self._roll.trials)
        free, left = (
            self._room.for_trials(training=training, started=started),
            self._room.trials_left(started),
        )
        most = free if left is None else min(free, left)
        children = self._families.children(self._ledger.births()[:most])
        room = self._room.in_time(free - len(children), training=training, started=started)
        thawed = self._ledger.promoted()[:room]
        count = min(room - len(thawed), most - len(children))
        if count <= 0 or self.exhausted:
            return thawed, children
        number = started + len(children)
        found = self._proposals.take(number, count)
        self.exhausted = len(found) < count
        return thawed, (*children, *(Trial(number + i, params) for i, params in enumerate(found)))

    def again(self, known: Boundary) -> Joining:
        """Those of a stored boundary; what was asked for then is asked for again."""
        fresh = [trial.number for trial in known.started if trial.parent is None]
        if fresh:
            self._proposals.take(fresh[0], len(fresh))
        return known.thawed, known.started
