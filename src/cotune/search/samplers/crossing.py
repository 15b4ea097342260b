"""Children of two configurations: what evolution does to parameters.

| symbol | meaning                                                              |
|--------|----------------------------------------------------------------------|
| a, b   | a number of the two parents, as a place in [0, 1]                    |
| u      | uniform in [0, 1)                                                    |
| η      | how near children stay; larger is nearer                             |
| n      | parameters that may be mutated                                       |

Simulated binary crossover: the child is ½(a + b) ± ½β|a − b|, where β = (2u)^(1/(η+1)) for u < ½, and else
(2(1 − u))^(−1/(η+1)). Polynomial mutation: the child moves by δ = (2u)^(1/(η+1)) − 1 for u < ½, and else by
1 − (2(1 − u))^(1/(η+1)); places beyond an end are reflected there, so that no end collects children.

Source: Deb & Agrawal, Simulated binary crossover for continuous search space, 1995; Deb & Goyal, A combined
genetic adaptive search, 1996.
"""

import numpy as np

from cotune.search.structure import shared, structure
from cotune.space import Parameter, Space
from cotune.types import Params, Value

CROSSED = 0.8
"""Children with two parents; the others have one."""

ETA_CROSSOVER, ETA_MUTATION = 5.0, 8.0

STRUCTURE_MUTATED = 0.5
"""Structures of which one parameter is mutated; the others are a parent's as it is."""


class Crossing:
    """Makes children in a space.

    The parameters that a group of trials shares are inherited as one gene, the structure: a width that was good beside
    one depth says little beside another.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._shared = shared(space)
        self._names = {p.name for p in self._shared}

    def structure(self, rng: np.random.Generator, parent: Params) -> Params:
        """The parent's structure, or one that differs from it in a single parameter and in what hangs on that."""
        found = dict(structure(parent, self._shared))
        if found and rng.random() < STRUCTURE_MUTATED:
            names = sorted(found)
            chosen = names[int(rng.integers(len(names)))]
            p = next(p for p in self._shared if p.name == chosen)
            found[chosen] = _mutated(rng, p, found[chosen])
        return self._mended(rng, found)

    def child(self, rng: np.random.Generator, mother: Params, father: Params, shape: Params) -> Params:
        """A child of both with the structure `shape`; at least one parameter of it is mutated."""
        if rng.random() >= CROSSED:
            father = mother
        child: dict[str, Value] = {}
        for p in self._space.parameters:
            if p.name in self._names:
                if p.name in shape:
                    child[p.name] = shape[p.name]
            elif p.active(child):
                child[p.name] = _crossed(rng, p, mother, father)
        free = [p for p in self._space.parameters if p.name in child and p.name not in self._names]
        mutated = [p for p in free if rng.random() < 1.0 / len(free)]
        if free and not mutated:
            mutated = [free[int(rng.integers(len(free)))]]
        for p in mutated:
            child[p.name] = _mutated(rng, p, child[p.name])
        return self._mended(rng, child, whole=True)

    def _mended(self, rng: np.random.Generator, found: Params, *, whole: bool = False) -> dict[str, Value]:
        """Without what is inactive now, and with what has become active."""
        mended: dict[str, Value] = {}
        for p in self._space.parameters if whole else self._shared:
            if p.active(mended):
                mended[p.name] = found[p.name] if p.name in found else p.from_unit(rng.random())
        return mended


def _crossed(rng: np.random.Generator, p: Parameter, mother: Params, father: Params) -> Value:
    values = [parent[p.name] for parent in (mother, father) if p.name in parent]
    if not values:
        return p.from_unit(rng.random())
    if len(values) == 1 or values[0] == values[1]:
        return values[0]
    if p.kind == "categorical" or rng.random() < 0.5:
        return values[int(rng.integers(2))]
    a, b = (p.to_unit(value) for value in values)
    u, power = rng.random(), 1.0 / (ETA_CROSSOVER + 1.0)
    beta = (2.0 * u) ** power if u < 0.5 else (2.0 * (1.0 - u)) ** -power
    side = 1.0 if rng.random() < 0.5 else -1.0
    return p.from_unit(reflected(0.5 * (a + b) + side * 0.5 * beta * abs(a - b)))


def _mutated(rng: np.random.Generator, p: Parameter, value: Value) -> Value:
    """A name becomes another; a number moves, and a whole one by at least one step."""
    if p.kind == "categorical":
        others = [other for other in p.points or () if other != value]
        return others[int(rng.integers(len(others)))] if others else value
    u, power = rng.random(), 1.0 / (ETA_MUTATION + 1.0)
    delta = (2.0 * u) ** power - 1.0 if u < 0.5 else 1.0 - (2.0 * (1.0 - u)) ** power
    moved = p.nearest(p.from_unit(reflected(p.to_unit(value) + delta)))
    if moved == value and p.points is not None and len(p.points) > 1:
        place, last = p.points.index(value) + (1 if delta >= 0 else -1), len(p.points) - 1
        return p.points[1 if place < 0 else last - 1 if place > last else place]
    return moved


def reflected(place: float) -> float:
    """A place in [0, 1], mirrored at the end that it lies beyond."""
    place = abs(place) % 2.0
    return 2.0 - place if place > 1.0 else place
