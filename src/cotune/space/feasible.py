"""Configurations that meet the constraints of a space: one to begin with, and the near relation of one that does not.

| symbol | meaning                                                    |
|--------|------------------------------------------------------------|
| x      | a point of the unit cube whose configuration breaks one     |
| a      | the anchor: a point whose configuration meets them all      |
| ρ      | how far from x is looked, growing                          |
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice, product
from typing import TYPE_CHECKING

import numpy as np

from cotune.errors import RecipeError

if TYPE_CHECKING:
    from cotune.space.parameter import Parameter
    from cotune.space.space import Space
    from cotune.types import Params, Value

MOST_WALKED = 2**16
"""Configurations that are gone through one by one, to see which meet the constraints."""

_CORNERS = 20_000
_TYPES = 64
_SOBOL = 13  # 2¹³ points
_REACHES = (0.03, 0.07, 0.15, 0.3, 0.6)
_DRAWS = 16
_STEPS = 32


def anchor(space: Space) -> dict[str, Value] | None:
    """The first that meets every constraint of: the middle, all of a small space, ends of ranges, Sobol points."""
    middle = space.middle()
    if not space.constraints or space.feasible(middle):
        return middle
    counts = [1 if p.points is None else len(p.points) for p in space.parameters]
    if all(p.points is not None for p in space.parameters) and np.prod(counts, dtype=float) <= MOST_WALKED:
        return next(space.walk(), None)
    for point in _points(space):
        params = space.from_unit(point)
        if space.feasible(params):
            return params
    return None


def must_have_some(space: Space) -> None:
    """Raise `RecipeError` if a constraint compares what cannot be, or no configuration was found that meets all."""
    for params in map(space.from_unit, islice(_points(space) if space.constraints else (), _TYPES)):
        for constraint in space.constraints:
            constraint.check(space.complete(params))
    if space.anchor is None:
        said = " and ".join(f"'{constraint.text}'" for constraint in space.constraints)
        searched = ", ".join(p.name for p in space.constrained) or "none of its parameters"
        raise RecipeError(
            f"search.constraints: no configuration was found that meets {said} (searched: {searched}); loosen it, or "
            "widen the parameters in it"
        )


def _points(space: Space) -> Iterator[list[float]]:
    middle = [p.middle for p in space.parameters]
    spoken = {p.name for p in space.constrained}
    places = [
        sorted(_ends(p), key=lambda place: abs(place - at)) if p.name in spoken else [at]
        for p, at in zip(space.parameters, middle, strict=True)
    ]
    corners = [list(point) for point in islice(product(*places), _CORNERS)]
    yield from sorted(corners, key=lambda point: _moved(point, middle))
    from scipy.stats import qmc  # takes a second to import, and few spaces need it here

    engine = qmc.Sobol(len(middle), scramble=True, rng=np.random.default_rng(0))
    yield from engine.random_base2(_SOBOL).tolist()


def _moved(point: list[float], middle: list[float]) -> tuple[int, float]:
    """How many coordinates lie elsewhere, and how far in all: what is believed is left where it may be."""
    apart = [abs(a - b) for a, b in zip(point, middle, strict=True)]
    return sum(each > 0 for each in apart), sum(apart)


def _ends(parameter: Parameter) -> list[float]:
    points = parameter.points
    if points is not None and len(points) <= 8:
        return [parameter.to_unit(value) for value in points]
    return [0.5, 0.0, 1.0]


def mended(space: Space, params: Params, rng: np.random.Generator, *, kept: Collection[str] = ()) -> Params:
    """The near relation of `params` that meets every constraint, by drawing around it, ever further away.

    Only parameters of which a constraint speaks are changed. Where none is found, the last of a walk from a to x that
    still meets all of them.

    Args:
        kept: parameters that are changed only if there is no other way.
    """
    x = np.array(space.to_unit(params))
    spoken = {p.name for p in space.constrained}
    every = np.array([p.name in spoken for p in space.parameters])
    few = np.array([p.name in spoken and p.name not in kept for p in space.parameters])
    for free in (few, every) if few.any() and (few != every).any() else (every,):
        for reach in _REACHES:
            found = _nearest(space, x, free, reach, rng)
            if found is not None:
                return found
    safe = space.anchor
    assert safe is not None, "a space without a feasible configuration is refused before it is searched"
    a = np.array(space.to_unit(safe))
    best: Params = safe
    for share in np.linspace(1.0, 0.0, _STEPS, endpoint=False)[1:]:
        params = space.from_unit((x + share * (a - x)).tolist())
        if not space.feasible(params):
            break
        best = params
    return best


def _nearest(
    space: Space, x: np.ndarray, free: np.ndarray, reach: float, rng: np.random.Generator
) -> Params | None:
    named = np.array([p.kind == "categorical" for p in space.parameters])
    best: tuple[float, Params] | None = None
    for _ in range(_DRAWS):
        moved = x + reach * rng.standard_normal(len(x))
        redrawn, lot = rng.random(len(x)), rng.random(len(x))
        moved = np.where(named, np.where(lot < reach, redrawn, x), np.clip(moved, 0.0, 1.0))
        params = space.from_unit(np.where(free, moved, x).tolist())
        if space.feasible(params):
            far = float(np.abs(np.array(space.to_unit(params)) - x).sum())
            if best is None or far < best[0]:
                best = far, params
    return None if best is None else best[1]
