"""Many points of the unit cube at once, each moved to where its configuration sits."""

import numpy as np
from numpy.typing import NDArray

from cotune.space import Parameter, Space

Points = NDArray[np.float64]


class Cube:
    """The coordinates of a space, as `Space.to_unit(Space.from_unit(point))` but in columns.

    A model that sees 0.4 and 0.6 as different places of the same choice, or an inactive parameter at all,
    spends its freedom on differences that are none.
    """

    def __init__(self, space: Space) -> None:
        names = [p.name for p in space.parameters]
        self._slices = [_slices(p) for p in space.parameters]
        self._conditions: list[tuple[int, NDArray[np.bool_]] | None] = []
        for p in space.parameters:
            if p.domain.when is None:
                self._conditions.append(None)
                continue
            parent = names.index(p.domain.when[0])
            values = space.parameters[parent].points or ()
            meets = np.array([value in p.domain.when[1] for value in values])
            self._conditions.append((parent, meets))

    def settle(self, points: Points) -> Points:
        """Slices to their middle, inactive coordinates to 0.5. Shape [point, parameter]."""
        settled = np.clip(points, 0.0, 1.0)
        active = np.ones(points.shape, dtype=bool)
        for column, (slices, condition) in enumerate(zip(self._slices, self._conditions, strict=True)):
            if slices is not None:
                index = np.minimum((settled[:, column] * slices).astype(int), slices - 1)
                settled[:, column] = (index + 0.5) / slices
            if condition is not None:
                parent, meets = condition
                # An inactive parent sits at 0.5, so its index may mean anything: ask for its activity too.
                chosen = np.minimum((settled[:, parent] * len(meets)).astype(int), len(meets) - 1)
                active[:, column] = active[:, parent] & meets[chosen]
                settled[~active[:, column], column] = 0.5
        return settled


def _slices(parameter: Parameter) -> int | None:
    """Into how many equal slices its coordinate falls; a logarithmic range of integers counts as smooth."""
    if parameter.points is None or getattr(parameter.setting, "log", False):
        return None
    return len(parameter.points)
