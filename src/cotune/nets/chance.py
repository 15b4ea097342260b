"""What a step leaves to chance, beside the dropout of units that every family has.

Draws are hashes of a lane's seed, its step, a name and a place, so a lane's are the same in any company. The engine
makes them (`cotune.engine.chance`); a network asks for them by name.
"""

from typing import Protocol

from torch import Tensor


class Chance(Protocol):
    """The draws of a step, of all lanes."""

    def factors(self, number: str, name: str, count: int) -> Tensor | None:
        """0 with the probability that is a lane's `number`, else 1/(1 − q) [lane count]; `None` where all are 0.

        Args:
            number: which of the lanes' numbers, such as "dropout".
            name: of the draws: those of different names have nothing to do with each other.
        """

    def hashes(self, name: str, count: int) -> Tensor:
        """63 bits each, int64 from 0 on [lane count]."""

    def of(self, lane: int) -> "Chance":
        """Those of one lane, by its place."""
