"""Counterparts of a winner: the same configuration without one of its techniques, or with one more."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from cotune.catalogue.base import Technique
from cotune.errors import RecipeError
from cotune.recipe import Recipe
from cotune.recipe.schema import domains
from cotune.recipe.settings import Choice, Range, Setting
from cotune.records.ablation import Skipped
from cotune.space import Parameter
from cotune.study.ablation.candidates import ALL, begins
from cotune.study.rules.mending import mended
from cotune.study.rules.rule import Given
from cotune.types import Params, Value

DRAWING = frozenset({"init", "init_std"})
"""Keys that say how weights are drawn, and nothing else."""

FROZEN = "its frozen layers stay as they are drawn"

UNDECIDED = "auto"
"""A word that is not yet a value: a condition on it counts as met."""


class Loaded(Enum):
    """Which layers begin as those of an earlier network."""

    NOTHING = "nothing"
    SOME = "some"
    EVERYTHING = "everything"


@dataclass(frozen=True)
class Counterpart:
    """The winner's configuration but for one technique.

    Args:
        technique: the one that was taken out or put in.
        added: whether it was put in.
        config: full.
        mended: what else had to change, as all together would make no sense; in words, empty where nothing did.
        scratch: whether all weights are drawn, where the winner's begin as those of an earlier network.
    """

    technique: Technique
    added: bool
    config: Params
    mended: str = ""
    scratch: bool = False


@dataclass(frozen=True)
class Lineup:
    """All that an ablation trains beside the winner.

    Args:
        counterparts: in the catalogue's order, those without a technique first.
        skipped: asked for, but not possible.
        alternatives: by kind, techniques not asked for that would take the place of one in use.
    """

    counterparts: tuple[Counterpart, ...]
    skipped: tuple[Skipped, ...]
    alternatives: Mapping[str, int]


class Configurations:
    """Full configurations under a resolved recipe: keys that mean nothing are absent, those left open have a value.

    Args:
        recipe: resolved.
        given: what rules of combinations look at beside a configuration.
    """

    def __init__(self, recipe: Recipe, given: Given) -> None:
        self._given = given
        self._domains = {name: domain for name, (_, domain) in domains().items()}
        self._usual = {
            name: self._middle(name, getattr(getattr(recipe, section), name))
            for name, (section, _) in domains().items()
        }

    def full(self, values: Params) -> dict[str, Value]:
        """Every tunable key that has a meaning; what `values` leaves open is in the middle of what the recipe asks."""
        every = {**self._usual, **values}
        return {name: every[name] for name in self._domains if self._means(name, every)}

    def mended(self, values: Params) -> tuple[dict[str, Value], str]:
        """The same without combinations that make no sense, and what had to be changed for that, in words."""
        found, done = mended(self.full(values), self._given)
        return self.full(found), "; ".join(one.words for one in done)

    def meaningless(self, names: Sequence[str], config: Params) -> str:
        """Why the first of these keys that a full configuration lacks has no meaning in it; empty if there is none."""
        for name in names:
            when = self._domains[name].when
            if name not in config and when is not None:
                return f"{name} has no meaning with {when[0]} {_word(config.get(when[0]))}"
        return ""

    def _means(self, name: str, every: Params) -> bool:
        when = self._domains[name].when
        if when is None:
            return True
        return every.get(when[0]) in (*when[1], UNDECIDED) and self._means(when[0], every)

    def _middle(self, name: str, setting: Setting) -> Value:
        if isinstance(setting, Range | Choice):
            parameter = Parameter(name, setting, self._domains[name])
            return parameter.from_unit(parameter.middle)
        return setting


def lineup(
    winner: Params,
    techniques: Sequence[Technique],
    configurations: Configurations,
    *,
    add: bool,
    kinds: Sequence[str],
    settled: Callable[[Params], Params],
    loaded: Loaded = Loaded.NOTHING,
) -> Lineup:
    """The counterparts of a winner.

    Each technique in use is taken out. Each that is not is put in, unless it would take the place of one that is
    (another activation, another optimizer): those are tried for the kinds that are named. Of techniques that exclude
    each other, where none is in use, the first is tried.

    Args:
        winner: full configuration.
        techniques: those that fit the networks, the data and the task, and are made of tunable keys.
        configurations: under the study's recipe.
        add: whether any are put in.
        kinds: only these are taken out or put in; none for all, and `ALL` for all with every alternative.
        settled: such values as the recipe takes them, without "auto"; raises `RecipeError` where it does not.
        loaded: which of the winner's layers begin as those of an earlier network. That is a technique in use, and is
            taken out.
    """
    wanted = [t for t in techniques if not kinds or ALL in kinds or t.kind in kinds]
    values = [t for t in wanted if not begins(t)]
    in_use = [t for t in techniques if not begins(t) and t.active(winner)]
    found = _Found(winner, configurations, settled, loaded)
    for technique in (t for t in values if t in in_use):
        found.take_out(technique)
    if loaded is not Loaded.NOTHING:
        for technique in (t for t in wanted if begins(t)):
            found.begin_anew(technique)
    left: Counter[str] = Counter()
    if add:
        places = _Places(winner, techniques, in_use)
        for technique in (t for t in values if t not in in_use):
            if not kinds and not places.free(technique):
                left[technique.kind] += 1
            elif found.put_in(technique):
                places.take(technique)
    return Lineup(tuple(found.counterparts), tuple(found.skipped), dict(sorted(left.items())))


class _Places:
    """Recipe keys of which techniques take different names: only one of these can be in use."""

    def __init__(self, winner: Params, techniques: Sequence[Technique], in_use: Sequence[Technique]) -> None:
        names: dict[str, set[str]] = defaultdict(set)
        for technique in techniques:
            for key, value in technique.on.items():
                if isinstance(value, str):
                    names[key].add(value)
        self._shared = {key for key, several in names.items() if len(several) > 1}
        self._taken = {key: winner.get(key) for technique in in_use for key in technique.on}

    def free(self, technique: Technique) -> bool:
        """Whether nothing else stands where the technique would."""
        return all(
            key not in self._shared or key not in self._taken or self._taken[key] == value
            for key, value in technique.on.items()
        )

    def take(self, technique: Technique) -> None:
        """It is in use from now on."""
        self._taken |= technique.on


class _Found:
    """Collects counterparts, and those that cannot be."""

    def __init__(
        self,
        winner: Params,
        configurations: Configurations,
        settled: Callable[[Params], Params],
        loaded: Loaded,
    ) -> None:
        self._winner, self._configurations, self._settled = winner, configurations, settled
        self._loaded = loaded
        self.counterparts: list[Counterpart] = []
        self.skipped: list[Skipped] = []

    def take_out(self, technique: Technique) -> bool:
        """The winner without it; whether that can be."""
        return self._keep(technique, technique.off, added=False)

    def put_in(self, technique: Technique) -> bool:
        """The winner with it; whether that can be."""
        return self._keep(technique, technique.on, added=True)

    def begin_anew(self, technique: Technique) -> None:
        """The winner with weights that are drawn."""
        note = FROZEN if self._winner.get("freeze") else ""
        self.counterparts.append(Counterpart(technique, False, dict(self._winner), note, scratch=True))

    def _keep(self, technique: Technique, changes: Params, *, added: bool) -> bool:
        try:
            changes = self._settled(changes)
        except RecipeError as error:
            return self._skip(technique, str(error))
        if self._loaded is Loaded.EVERYTHING and changes.keys() <= DRAWING:
            return self._skip(
                technique, "no weight is drawn: every layer begins as that of an earlier network"
            )
        asked = self._configurations.full({**self._winner, **changes})
        config, mends = self._configurations.mended(asked)
        reason = self._configurations.meaningless(list(changes), asked) if added else ""
        if any(config.get(key) != asked[key] for key in changes if key in asked):
            reason = reason or mends
        reason = reason or self._repeats(config)
        if reason:
            return self._skip(technique, reason)
        self.counterparts.append(Counterpart(technique, added, config, mends))
        return True

    def _skip(self, technique: Technique, reason: str) -> bool:
        self.skipped.append(Skipped(technique.name, technique.kind, reason))
        return False

    def _repeats(self, config: Params) -> str:
        if config == self._winner:
            return "the winner has what would stand in its place: there is nothing to compare"
        for other in self.counterparts:
            if other.config == config and not other.scratch:
                return f"the same as the winner {'with' if other.added else 'without'} {other.technique.name}"
        return ""


def changed(winner: Params, config: Params) -> dict[str, Value]:
    """The keys in which a configuration differs from the winner, with its values; `None` for one it lacks."""
    keys = [*winner, *(key for key in config if key not in winner)]
    return {key: config.get(key) for key in keys if winner.get(key) != config.get(key)}


def _word(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
