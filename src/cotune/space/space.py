"""The search space: what is searched, what is fixed, and which parameter hangs on which."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from cotune.space.constraints import Constraint
from cotune.space.earlier import Earlier
from cotune.space.feasible import MOST_WALKED, anchor
from cotune.space.parameter import Parameter
from cotune.types import Params, Value


@dataclass(frozen=True)
class Space:
    """The searched parameters and the fixed values.

    Args:
        parameters: in recipe order, except that a condition stands before what it conditions.
        fixed: every other tunable key with its value.
        constraints: what must hold of every configuration.
        earlier: what earlier studies say of it.

    Every parameter is one coordinate of the unit cube, also while it is inactive: the cube has
    `len(parameters)` dimensions for every configuration.
    """

    parameters: tuple[Parameter, ...]
    fixed: Mapping[str, Value]
    constraints: tuple[Constraint, ...] = ()
    earlier: Earlier | None = None

    @property
    def fusable(self) -> tuple[Parameter, ...]:
        """Those that are a number per lane inside one fused step."""
        return tuple(p for p in self.parameters if p.fusable)

    def complete(self, params: Params) -> dict[str, Value]:
        """The full configuration of a trial: the fixed values and `params`."""
        return {**self.fixed, **params}

    def to_unit(self, params: Params) -> list[float]:
        """The point of the unit cube that stands for `params`; inactive coordinates are 0.5."""
        return [p.to_unit(params[p.name]) if p.name in params else 0.5 for p in self.parameters]

    def from_unit(self, point: Sequence[float]) -> dict[str, Value]:
        """The configuration at `point`, one coordinate per parameter; inactive ones are dropped."""
        params: dict[str, Value] = {}
        for parameter, place in zip(self.parameters, point, strict=True):
            if parameter.active(params):
                params[parameter.name] = parameter.from_unit(place)
        return params

    def middle(self) -> dict[str, Value]:
        """The centre of every range (geometric where it is logarithmic), the first of every name."""
        return self.from_unit([p.middle for p in self.parameters])

    def contains(self, params: Params) -> bool:
        """Whether `params` holds exactly the active parameters, each with a value it can take."""
        wanted = {p.name for p in self.parameters if p.active(params)}
        return (
            set(params) == wanted
            and all(p.contains(params[p.name]) for p in self.parameters if p.name in wanted)
            and self.feasible(params)
        )

    def feasible(self, params: Params) -> bool:
        """Whether `params` meets every constraint."""
        if not self.constraints:
            return True
        config = self.complete(params)
        return all(constraint.holds(config) for constraint in self.constraints)

    @cached_property
    def anchor(self) -> dict[str, Value] | None:
        """A configuration that meets every constraint, near the middle if there is one; `None` if none was found."""
        return anchor(self)

    @cached_property
    def constrained(self) -> tuple[Parameter, ...]:
        """The searched parameters of which a constraint speaks, and those that these hang on."""
        names = set().union(*(constraint.names for constraint in self.constraints))
        for p in reversed(self.parameters):
            if p.name in names and p.domain.when is not None:
                names.add(p.domain.when[0])
        return tuple(p for p in self.parameters if p.name in names)

    @cached_property
    def _size(self) -> int | None:
        count = self._unconstrained_size()
        if count is None or not self.constraints or count > MOST_WALKED:
            return count
        return sum(1 for _ in self.walk())

    def _unconstrained_size(self) -> int | None:
        roots = [self._count(p) for p in self.parameters if p.domain.when is None]
        return None if None in roots else math.prod(count for count in roots if count is not None)

    def size(self) -> int | None:
        """How many configurations there are; `None` where a parameter is continuous.

        Of more than `MOST_WALKED`, those that break a constraint are counted too.
        """
        return self._size

    def _count(self, parameter: Parameter) -> int | None:
        """Configurations of `parameter` and of everything that hangs on it."""
        if parameter.points is None:
            return None
        below = [p for p in self.parameters if p.domain.when and p.domain.when[0] == parameter.name]
        counts = {p.name: self._count(p) for p in below}
        total = 0
        for value in parameter.points:
            ways = 1
            for child in below:
                if child.active({parameter.name: value}):
                    count = counts[child.name]
                    if count is None:
                        return None
                    ways *= count
            total += ways
        return total

    def walk(self, order: Sequence[Parameter] | None = None) -> Iterator[dict[str, Value]]:
        """Every configuration of a finite space, once; the last parameter of `order` varies fastest.

        Args:
            order: the parameters, conditions before what they condition; the space's own order if `None`.
        """
        order = self.parameters if order is None else order

        def descend(depth: int, params: dict[str, Value]) -> Iterator[dict[str, Value]]:
            if depth == len(order):
                found = {p.name: params[p.name] for p in self.parameters if p.name in params}
                if self.feasible(found):
                    yield found
                return
            parameter = order[depth]
            if not parameter.active(params):
                yield from descend(depth + 1, params)
                return
            for value in parameter.points or ():
                yield from descend(depth + 1, {**params, parameter.name: value})

        return descend(0, {})
