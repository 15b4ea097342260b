"""Rules put into force: on a recipe before it trains, and on each configuration of a search."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice, product

from cotune.errors import RecipeError
from cotune.recipe import Recipe
from cotune.recipe.schema import domains
from cotune.space import Parameter, Space, from_recipe
from cotune.study.rules.rule import Config, Given, Rule
from cotune.study.rules.table import RULES
from cotune.types import Value

MOST = 1000
"""Combinations of a rule's searched keys that are looked at."""


@dataclass(frozen=True)
class Mended:
    """What a rule changed in a configuration.

    Args:
        rule: its name.
        changes: (key, value before, value now).
        why: why.
    """

    rule: str
    changes: tuple[tuple[str, Value, Value], ...]
    why: str

    @property
    def words(self) -> str:
        """In a sentence without its full stop."""
        changes = ", ".join(f"{key} is {_said(now)}, not {_said(was)}" for key, was, now in self.changes)
        return f"{changes}: {self.why}"


def mended(config: Config, given: Given) -> tuple[dict[str, Value], tuple[Mended, ...]]:
    """A configuration that breaks no rule, and what was changed for that; a function of the two alone."""
    found, done = dict(config), []
    for _ in RULES:  # what one rule sets, another may look at
        broken = next((rule for rule in RULES if rule.broken(found, given)), None)
        if broken is None:
            break
        new = broken.mended(found, given)
        changes = tuple((key, found.get(key), value) for key, value in new.items())
        done.append(Mended(broken.name, changes, broken.why))
        found |= new
    return found, tuple(done)


def settled(recipe: Recipe, given: Given) -> tuple[Recipe, tuple[str, ...]]:
    """A resolved recipe without contradictions among what it fixes, and a note on each that was mended.

    Raises:
        RecipeError: every configuration of the space breaks a rule that is not for us to mend.
    """
    faults, notes = [], []
    for rule in RULES:
        space = from_recipe(recipe)
        certain = _certain(rule, space, given)
        if certain is None:
            continue
        new = rule.mended(certain, given)
        searched = {p.name for p in space.parameters}
        if rule.refused:
            faults.append(_fault(rule, certain, given, new))
        elif not searched & set(rule.keys if callable(rule.mend) else new):
            recipe = _with(recipe, new)
            changes = tuple((key, certain.get(key), value) for key, value in new.items())
            notes.append(Mended(rule.name, changes, rule.why).words)
    if faults:
        raise RecipeError(
            faults[0]
            if len(faults) == 1
            else f"{len(faults)} combinations in the recipe make no sense:\n"
            + "\n".join(f"  - {fault}" for fault in faults)
        )
    return recipe, tuple(notes)


def _certain(rule: Rule, space: Space, given: Given) -> Config | None:
    """A configuration of the space, if all that can be had of a rule's keys breaks it."""
    first = None
    for config in islice(_corners(rule, space), MOST):
        if not rule.broken(config, given):
            return None
        first = first or config
    return first


def _corners(rule: Rule, space: Space) -> Iterator[dict[str, Value]]:
    """Configurations with every combination of the values, or ends of ranges, of a rule's keys."""
    varied = [p for p in space.parameters if p.name in rule.keys]
    middle = {p.name: p.from_unit(p.middle) for p in space.parameters}
    for values in product(*map(_ends, varied)):
        chosen = {**middle, **{p.name: v for p, v in zip(varied, values, strict=True)}}
        params: dict[str, Value] = {}
        for p in space.parameters:
            if p.active(params):
                params[p.name] = chosen[p.name]
        yield space.complete(params)


def _ends(parameter: Parameter) -> tuple[Value, ...]:
    points = parameter.points
    if points is not None and len(points) <= 16:
        return points
    return parameter.from_unit(0.0), parameter.from_unit(1.0)


def _fault(rule: Rule, config: Config, given: Given, new: Mapping[str, Value]) -> str:
    known = {**asdict(given), **config}
    said = ", ".join(f"{key}: {_said(known[key])}" for key in rule.keys if known.get(key))
    remedy = ", ".join(f"{key}: {_said(value)}" for key, value in new.items())
    return f"{rule.name} ({said}): {rule.why}; set {remedy}"


def _with(recipe: Recipe, new: Mapping[str, Value]) -> Recipe:
    sections = domains()
    for key, value in new.items():
        section = sections[key][0]
        own = getattr(recipe, section).model_copy(update={key: value})
        recipe = recipe.model_copy(update={section: own})
    return recipe


def _said(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(map(str, value))
        case float():
            return f"{value:g}"
    return "none" if value is None else str(value)
