"""The space of an Optuna study, found by looking at its trials.

Optuna's spaces are written by running them: a parameter is there if some trial asked for it, and hangs on another if
that one's values tell the trials that have it from those that have not.

| Optuna                                | cotune                                     |
|---------------------------------------|--------------------------------------------|
| float, int, their log and step        | a range                                    |
| categorical                           | a choice among the places of its values    |
| a range that changes between trials   | nothing: it is sampled independently       |
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

from cotune.recipe.settings import Choice, Domain, Range
from cotune.space import Parameter, Space
from cotune.types import Params, Value

When = tuple[str, tuple[Value, ...]]


@dataclass
class Seen:
    """What finished trials have shown of a space.

    Args:
        kinds: the distribution of a parameter by its name; `None` where it differed between trials.
        complete: the values of each completed trial, categorical ones as places.
    """

    kinds: dict[str, BaseDistribution | None] = field(default_factory=dict)
    complete: list[Params] = field(default_factory=list)

    def see(self, trial: FrozenTrial) -> None:
        """Take note of a finished trial."""
        for name, kind in trial.distributions.items():
            if self.kinds.setdefault(name, kind) != kind:
                self.kinds[name] = None
        if trial.state is TrialState.COMPLETE:
            self.complete.append(placed(trial))

    def distributions(self) -> dict[str, BaseDistribution]:
        """What can be searched together, by name in order of appearance."""
        return {name: kind for name, kind in self.kinds.items() if kind is not None and not kind.single()}

    def conditions(self, names: Iterable[str]) -> dict[str, When]:
        """The parameters that exist only under some values of another, which is always there."""
        wanted = list(names)
        count = {name: sum(name in params for params in self.complete) for name in wanted}
        above = [
            name
            for name in wanted
            if count[name] == len(self.complete) and isinstance(self.kinds.get(name), CategoricalDistribution)
        ]
        found = {}
        for name in wanted:
            if 0 < count[name] < len(self.complete):
                condition = next(filter(None, (self._condition(name, other) for other in above)), None)
                if condition is not None:
                    found[name] = condition
        return found

    def _condition(self, name: str, other: str) -> When | None:
        having = {params[other] for params in self.complete if name in params}
        lacking = {params[other] for params in self.complete if name not in params}
        return None if having & lacking else (other, tuple(sorted(having, key=repr)))


def space_of(kinds: Mapping[str, BaseDistribution], conditions: Mapping[str, When]) -> Space:
    """A space of these distributions; those that others hang on come first."""
    order = sorted(kinds, key=lambda name: name in conditions)
    return Space(tuple(_parameter(name, kinds[name], conditions.get(name)) for name in order), {})


def _parameter(name: str, kind: BaseDistribution, when: When | None) -> Parameter:
    match kind:
        case FloatDistribution():
            return Parameter(
                name,
                Range(kind.low, kind.high, kind.log, kind.step),
                Domain("float", fusable=True, when=when),
            )
        case IntDistribution():
            step = None if kind.log or kind.step == 1 else kind.step
            return Parameter(
                name, Range(kind.low, kind.high, kind.log, step), Domain("int", fusable=True, when=when)
            )
        case CategoricalDistribution():
            places = tuple(range(len(kind.choices)))
            return Parameter(name, Choice(places), Domain("name", fusable=True, when=when))
    raise ValueError(f"a distribution must be of floats, ints or categories, but '{name}' has {kind}")


def placed(trial: FrozenTrial) -> dict[str, Value]:
    """A trial's values; those of categories by their place, as equal ones may differ in type."""
    return {name: _place(trial.distributions[name], value) for name, value in trial.params.items()}


def _place(kind: BaseDistribution, value: Any) -> Value:
    match kind:
        case CategoricalDistribution():
            return int(kind.to_internal_repr(value))
        case IntDistribution():
            return int(value)
    return float(value)


def fitting(params: Params, space: Space) -> dict[str, Value]:
    """Those of `params` that a space knows, and can take: a user's own trials may lie anywhere."""
    found = {}
    for p in space.parameters:
        if p.name in params:
            value = p.nearest(params[p.name])
            if p.contains(value):
                found[p.name] = value
    return found


def external(params: Params, kinds: Mapping[str, BaseDistribution]) -> dict[str, Any]:
    """Values as Optuna has them."""
    found: dict[str, Any] = {}
    for name, value in params.items():
        kind = kinds[name]
        found[name] = kind.choices[int(value or 0)] if isinstance(kind, CategoricalDistribution) else value
    return found
