"""A trial's full configuration, with what is the same in all trials of a space worked out once.

Making a configuration asks dozens of rules and conditions. Most of them look at keys that the space leaves fixed,
and say the same of every trial: which those are is found by watching what they look at. A rule that looked at fixed
keys alone would look at the same keys, find the same values and say the same again, for it is a function of these.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cotune.engine.lanes import NEUTRAL
from cotune.recipe.schema import domains
from cotune.space import Space
from cotune.study.rules.mending import mended
from cotune.study.rules.rule import Config, Given
from cotune.study.rules.table import RULES
from cotune.types import Params, Value


@dataclass(frozen=True)
class Configuration:
    """A trial's full configuration, what makes no sense in it mended.

    Args:
        values: every tunable key.
        numbers: the fusable ones that lanes carry.
    """

    values: dict[str, Value]
    numbers: dict[str, float]


class Configurations:
    """Makes the configurations of a space's trials.

    Args:
        space: what is searched.
        given: what else rules may look at.
    """

    def __init__(self, space: Space, given: Given) -> None:
        self._space, self._given = space, given
        self._searched = searched = frozenset(p.name for p in space.parameters)
        middle = space.complete(space.middle())
        self._watched = []
        for rule in RULES:
            looked = _Looked(middle, searched)
            if rule.broken(looked, given) or looked.varies:
                self._watched.append(rule)
        known = domains()
        whens = {name: known[name][1].when if name in known else None for name in NEUTRAL}
        self._free = tuple(
            name
            for name, when in whens.items()
            if name in searched or (when is not None and when[0] in searched)
        )
        self._numbers = numbers_of(middle)

    def of(self, params: Params) -> Configuration:
        """That of a trial; a function of its parameters alone."""
        values = self._space.complete(params)
        beyond = not params.keys() <= self._searched  # an ablation changes keys that the search left fixed
        if beyond or any(rule.broken(values, self._given) for rule in self._watched):
            values = mended(values, self._given)[0]
            return Configuration(values, numbers_of(values))
        return Configuration(values, {**self._numbers, **numbers_of(values, self._free)})


class _Looked(Mapping[str, Value]):
    """A configuration that notices whether what is looked at differs from trial to trial."""

    def __init__(self, values: Config, searched: frozenset[str]) -> None:
        self._values, self._searched, self.varies = values, searched, False

    def __getitem__(self, key: str) -> Value:
        self.varies |= key in self._searched
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        self.varies = True
        return iter(self._values)

    def __len__(self) -> int:
        self.varies = True
        return len(self._values)


def numbers_of(config: Config, names: tuple[str, ...] = tuple(NEUTRAL)) -> dict[str, float]:
    """The fusable numbers of a configuration; one whose condition is not met is neutral, whatever its key says.

    Example:
        `ema_decay` stands in every configuration, and averages nothing unless `averaging` is ema.
    """
    known = domains()
    found = {}
    for name in names:
        when = known[name][1].when if name in known else None
        met = when is None or config.get(when[0]) in when[1]
        value = config.get(name, NEUTRAL[name]) if met else NEUTRAL[name]
        assert isinstance(value, int | float)
        found[name] = float(value)
    return found
