"""No configuration twice, while a finite space still holds another."""

from collections.abc import Callable

import numpy as np

from cotune.search.history import Key, key
from cotune.search.structure import shared
from cotune.space import Space
from cotune.space.feasible import mended
from cotune.types import Params

_REDRAWS = 32
_WALKED = 2**16  # larger spaces are not listed: they cannot be used up by training


def distinct(
    space: Space, params: Params, *, taken: set[Key], draw: Callable[[], np.random.Generator]
) -> Params | None:
    """`params`, or if they are taken or break a constraint a near relation that does not; `None` if nothing is left.

    Args:
        space: where to look.
        params: the configuration that is wanted.
        taken: configurations to avoid.
        draw: makes the generator of the replacement: first among those of equal structure, then among all.
    """
    kept = frozenset(p.name for p in shared(space))
    if not space.feasible(params):
        params = mended(space, params, draw(), kept=kept)
    size = space.size()
    if key(params) not in taken:
        return params
    if size is not None and len(taken) >= size:
        return None
    rng = draw()
    point = space.to_unit(params)
    for attempt in range(2 * _REDRAWS):
        drawn = rng.random(len(space.parameters))
        if attempt < _REDRAWS:
            for i, p in enumerate(space.parameters):
                drawn[i] = point[i] if p.name in kept else drawn[i]
        other = space.from_unit(drawn.tolist())
        if space.feasible(other):
            params = other
            if key(params) not in taken:
                return params
    if size is None or size > _WALKED:
        return params
    left = [params for params in space.walk() if key(params) not in taken]
    return left[int(rng.integers(len(left)))] if left else None
