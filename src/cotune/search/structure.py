"""Batches of few structures: where lanes of equal structure train as one fused computation.

There, sixty-four proposals with sixty-four structures would be sixty-four populations of one lane each, and nothing
would be fused. So trials come in groups of consecutive numbers: the first of a group, its leader, draws the structure,
and the others share it while all else is their own. The price is that structures are sampled less often than the rest.
Where a lane costs the same alone and beside others, a group is a single trial, and there is no price.

The group follows from the trial's number alone, so it does not matter how many are asked for at once.
"""

from dataclasses import dataclass

from cotune.space import Parameter, Space
from cotune.types import Params, Value

GROUP = 16
"""Consecutive trials that share a structure where that is worth something."""

FREE = frozenset({"activation", "optimizer", "loss", "missing", "outliers", "scaling", "pixels"})
"""Structural parameters that vary freely: one population holds them side by side, as slices of lanes, or as rows that
were prepared in different ways but have the same features."""


def shared(space: Space) -> tuple[Parameter, ...]:
    """The parameters that a group shares.

    One that hangs on a free parameter is free too: the group could not share it.
    """
    names: set[str] = set()
    for p in space.parameters:
        free = p.fusable or p.name in FREE
        if not free and (p.domain.when is None or p.domain.when[0] in names):
            names.add(p.name)
    return tuple(p for p in space.parameters if p.name in names)


def structure(params: Params, parameters: tuple[Parameter, ...]) -> dict[str, Value]:
    """The part of `params` that a group shares."""
    return {p.name: params[p.name] for p in parameters if p.name in params}


@dataclass(frozen=True)
class Groups:
    """Groups of `size` consecutive trials."""

    size: int = GROUP

    def shared(self, space: Space) -> tuple[Parameter, ...]:
        """What a group shares: nothing, where it is a single trial."""
        return shared(space) if self.size > 1 else ()

    def leader_of(self, number: int) -> int:
        """The trial whose structure trial `number` has."""
        return number - number % self.size

    def is_even_quarter(self, number: int) -> bool:
        """Whether trial `number` is quasi-random although there is a model: one group in four is.

        Whole groups, because a structure is drawn by its group's leader: else no structure would be drawn evenly.
        """
        return number // self.size % 4 == 3
