"""From a recipe to its search space."""

from collections.abc import Mapping
from dataclasses import replace

from cotune.recipe.module import PREFIX
from cotune.recipe.schema import Recipe, domains
from cotune.recipe.settings import Choice, Domain, Range, Setting
from cotune.space.constraints import Constraint, read_constraint
from cotune.space.parameter import Parameter
from cotune.space.space import Space
from cotune.types import Value

_UNDECIDED = "auto"


def from_recipe(recipe: Recipe) -> Space:
    """The space that `recipe` asks to be searched.

    A choice with one value and a range with one end are fixed. A parameter whose condition is on a fixed key
    is settled here: it is unconditional where the condition holds, and no part of the space where it cannot. So is one
    whose condition holds for every value of a choice.
    A word such as "auto" is not yet a value, so a condition on it counts as met.

    Example:
        >>> [p.name for p in from_recipe(make(depth=2, width=[64, 128])).parameters][:2]
        ['width', 'activation']
    """
    known = {name: domain for name, (_, domain) in domains().items()}
    settings = {
        name: _only_value(getattr(getattr(recipe, section), name)) for name, (section, _) in domains().items()
    }
    for name, own in recipe.module.parameters.items():
        known[PREFIX + name] = own.domain
        settings[PREFIX + name] = own.setting
    fixed: dict[str, Value] = {k: v for k, v in settings.items() if not isinstance(v, Range | Choice)}
    waiting = {k: Parameter(k, v, known[k]) for k, v in settings.items() if isinstance(v, Range | Choice)}
    placed: dict[str, Parameter] = {}
    while waiting:
        name = next(name for name, p in waiting.items() if _condition(p) not in waiting)
        parameter = _settled(waiting.pop(name), fixed=fixed, placed=placed)
        if parameter is not None:
            placed[name] = parameter
    return Space(tuple(placed.values()), fixed, _constraints(recipe, known))


def _constraints(recipe: Recipe, known: Mapping[str, Domain]) -> tuple[Constraint, ...]:
    """Those of the recipe. Names of the user's own parameters stand for themselves, and go before the recipe's keys."""
    if not recipe.search.constraints:
        return ()
    names = {name: name for name in known}
    names |= {f"{section}.{name}": name for name, (section, _) in domains().items()}
    names |= {name.removeprefix(PREFIX): name for name in known if name.startswith(PREFIX)}
    switches = [name for name, domain in known.items() if domain.kind == "bool" or _is_switch(recipe, name)]
    return tuple(read_constraint(text, names, switches=switches) for text in recipe.search.constraints)


def _is_switch(recipe: Recipe, name: str) -> bool:
    own = recipe.module.parameters.get(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else None
    return own is not None and own.kind == "choice" and all(isinstance(v, bool) for v in own.choices)


def _only_value(setting: Setting) -> Setting:
    match setting:
        case Choice(choices) if len(choices) == 1:
            return choices[0]
        case Range(low, high) if low == high:
            return low
    return setting


def _condition(parameter: Parameter) -> str | None:
    return None if parameter.domain.when is None else parameter.domain.when[0]


def _settled(
    parameter: Parameter, *, fixed: Mapping[str, Value], placed: Mapping[str, Parameter]
) -> Parameter | None:
    """The parameter as it stands beside those that are decided, or `None` if it can never be active."""
    if parameter.domain.when is None:
        return parameter
    name, values = parameter.domain.when
    if name in fixed:
        met = fixed[name] in (*values, _UNDECIDED)
        return _always(parameter) if met else None
    if name not in placed:
        return None
    above = placed[name]
    always = above.domain.when is None and above.points is not None and set(above.points) <= set(values)
    return _always(parameter) if always else parameter


def _always(parameter: Parameter) -> Parameter:
    """The same, unconditionally."""
    return replace(parameter, domain=replace(parameter.domain, when=None))
