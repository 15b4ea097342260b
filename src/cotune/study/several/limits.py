"""Limits on what a model may cost: which configurations keep them, and whether any does."""

import math
from collections.abc import Mapping

from cotune.errors import RecipeError
from cotune.recipe.names import CostName
from cotune.search import Feasible, Groups, Sampler
from cotune.space import Parameter, Space
from cotune.study.several.costs import Costs, Figures
from cotune.types import Params

MOST = 16
"""Values of a parameter that are tried; of more, `PLACES` of its range."""
PLACES = (0.0, 0.25, 0.5, 0.75, 1.0)
BROKEN = 1000.0
"""What a constraint of the space that is broken counts, beside ratios of costs."""


class CostLimits:
    """Which configurations may be trained.

    Args:
        space: of the study.
        costs: of configurations.
        at_most: name → limit.
    """

    def __init__(self, space: Space, costs: Costs, at_most: Mapping[CostName, float]) -> None:
        self._space, self._costs, self._at_most = space, costs, dict(at_most)

    def allow(self, params: Params) -> bool:
        """Whether a configuration keeps all limits, and the constraints of the space."""
        return self._space.feasible(params) and self._excess(self._costs.of(params)) <= 0

    def keeping(self, sampler: Sampler, *, seed: int, groups: Groups) -> Sampler:
        """A sampler that proposes nothing else.

        Raises:
            RecipeError: nothing in the space keeps them.
        """
        if not self._at_most:
            return sampler
        return Feasible(
            sampler, self._space, allowed=self.allow, smallest=self.one(), seed=seed, groups=groups
        )

    def one(self) -> Params:
        """A configuration that keeps all limits: from the middle of the space, one structural parameter after another
        takes the value that exceeds them least, until none is exceeded.

        Raises:
            RecipeError: there is none.
        """
        middle, low = [p.middle for p in self._space.parameters], [0.0] * len(self._space.parameters)
        found = [self._descend(middle)]
        if found[0][0] > 0:
            found.append(self._descend(low))
        excess, params, figures = min(found, key=lambda each: each[0])
        if excess > 0:
            raise RecipeError(self._law(figures))
        return params

    def _descend(self, point: list[float]) -> tuple[float, Params, Figures]:
        best = self._at(point)
        while best[0] > 0:
            before = best[0]
            for place, parameter in enumerate(self._space.parameters):
                for value in () if parameter.fusable or best[0] <= 0 else _places(parameter):
                    there = [*point[:place], value, *point[place + 1 :]]
                    found = self._at(there)
                    if found[0] < best[0]:
                        best, point = found, there
            if best[0] >= before:
                break
        return best

    def _at(self, point: list[float]) -> tuple[float, Params, Figures]:
        params = self._space.from_unit(point)
        figures = self._costs.of(params)
        broken = 0.0 if self._space.feasible(params) else BROKEN
        return self._excess(figures) + broken, params, figures

    def _excess(self, figures: Figures) -> float:
        """How far the limits are exceeded, by ratio; 0 where they are kept."""
        return sum(max(0.0, math.log(max(figures[n], 1e-9) / limit)) for n, limit in self._at_most.items())

    def _law(self, least: Figures) -> str:
        broken = {
            name: limit for name, limit in self._at_most.items() if least[name] > limit
        } or self._at_most
        asked = ", ".join(f"{name} at most {limit:g}" for name, limit in broken.items())
        found = ", ".join(f"{name} {least[name]:g}" for name in broken)
        return (
            f"search.at_most: no network of the space has {asked}; the smallest has {found}: raise the limit, or "
            "let the recipe hold smaller networks (as with width, depth, filters)"
        )


def _places(parameter: Parameter) -> tuple[float, ...]:
    if parameter.points is not None and len(parameter.points) <= MOST:
        return tuple(parameter.to_unit(value) for value in parameter.points)
    return PLACES
