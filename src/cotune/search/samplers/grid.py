"""Grid search: every configuration once."""

from itertools import islice

from cotune.errors import RecipeError
from cotune.recipe.settings import Range
from cotune.search.structure import shared
from cotune.space import Space
from cotune.types import Params, Trial, TrialResult


class GridSampler:
    """Trial `n` is configuration `n` of the grid; what a group of lanes shares varies slowest."""

    def __init__(self, space: Space) -> None:
        slow = shared(space)
        fast = tuple(p for p in space.parameters if p not in slow)
        self._left = space.walk((*slow, *fast))
        self._walked: list[Params] = []

    def ask(self, number: int, count: int) -> list[Params]:
        """Configurations `number` … `number + count − 1`; fewer at the end of the grid."""
        self._walked.extend(islice(self._left, max(0, number + count - len(self._walked))))
        return self._walked[number : number + count]

    def add(self, trial: Trial) -> None:
        """Nothing to learn."""

    def tell(self, result: TrialResult) -> None:
        """Nothing to learn."""


def grid(space: Space, *, maximize: bool, seed: int) -> GridSampler:  # noqa: ARG001
    """Every configuration of a finite space.

    Raises:
        RecipeError: a parameter is continuous, or has too many values to be listed.
    """
    must_be_finite(space, "a grid")
    return GridSampler(space)


def must_be_finite(space: Space, what: str) -> None:
    """Raise `RecipeError` where a parameter is continuous, or has too many values to be listed.

    Args:
        what: needs it.
    """
    endless = [p for p in space.parameters if p.points is None]
    if endless:
        p = endless[0]
        assert isinstance(p.setting, Range)
        names = ", ".join(q.name for q in endless)
        remedy = f"give it choices ({p.name}: [{p.setting.low:g}, {p.setting.high:g}])"
        if not p.setting.log:
            remedy += f" or a step ({p.name}: {{low: {p.setting.low:g}, high: {p.setting.high:g}, step: …}})"
        raise RecipeError(
            f"{what} needs finitely many values of every searched parameter, but there is no end of them in "
            f"{names}; {remedy}, or choose another strategy (search.strategy: auto)"
        )
