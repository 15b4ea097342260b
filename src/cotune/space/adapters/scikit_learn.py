"""A scikit-learn `param_grid` or `param_distributions`: names with lists, or with distributions of scipy.

A list of such dicts is a choice between them; that choice is a parameter of its own, `grid`.

| scipy.stats                   | becomes                     |
|-------------------------------|-----------------------------|
| loguniform(a, b), reciprocal  | a number by ratio           |
| uniform(loc, scale)           | a number in [loc, loc + scale] |
| randint(low, high)            | a whole number below high   |

Source: Pedregosa et al., Scikit-learn, JMLR 2011; GridSearchCV and RandomizedSearchCV.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cotune.errors import RecipeError
from cotune.recipe.module import OwnParameter
from cotune.recipe.settings import Choice, Range
from cotune.space.suggestions import Asking, Trial, of_choices, with_belief

GRID = "grid"

_RANGE = {"low", "high", "log", "step", "prior", "confidence"}
_CHOICE = {"choices", "ordered", "prior", "confidence"}


def fits(space: object) -> bool:
    """Whether it is a dict of names, or a list of such dicts."""
    if isinstance(space, list | tuple):
        return bool(space) and all(map(fits, space))
    return isinstance(space, Mapping) and all(isinstance(name, str) for name in space)


def asking(space: Any) -> Asking:
    """The space as questions to a trial."""

    def label(name: str, chosen: Mapping[str, Any]) -> str:
        """The name, and the number of its dict where several have it with different entries."""
        others = (
            [repr(each[name]) for each in space if name in each] if isinstance(space, list | tuple) else []
        )
        return name if len(set(others)) < 2 else f"{name}.{[*space].index(chosen)}"

    def ask(trial: Trial) -> Mapping[str, Any]:
        chosen = space
        if not isinstance(space, Mapping):
            places = range(len(space))
            chosen = space[trial.ask(GRID, of_choices(GRID, places))] if len(space) > 1 else space[0]
        return {name: trial.ask(label(name, chosen), parameter(name, v)) for name, v in chosen.items()}

    return ask


def parameter(name: str, values: Any) -> OwnParameter:
    """One entry, which may also be written as cotune's own settings are.

    Raises:
        RecipeError: it is no list and no distribution that has ends.
    """
    match values:
        case OwnParameter():
            return values
        case Choice(choices, ordered, prior, confidence):
            return with_belief(name, of_choices(name, choices, ordered=ordered), prior, confidence)
        case Range(low, high, log, step, prior, confidence):
            whole = isinstance(low, int) and isinstance(high, int)
            own = OwnParameter(kind="int" if whole else "float", low=low, high=high, log=log, step=step)
            return with_belief(name, own, prior, confidence)
        case Mapping() if {"low", "high"} <= set(values) <= _RANGE:
            return parameter(name, Range(**values))
        case Mapping() if {"choices"} <= set(values) <= _CHOICE:
            return parameter(name, Choice(**values))
        case str() | bool() | int() | float() | None:
            return of_choices(name, [values])
    if hasattr(values, "dist") and hasattr(values, "args"):
        return _distribution(name, values)
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, Sequence | range):
        return of_choices(name, values)
    raise RecipeError(
        f"an entry of space= is a list, a range or a distribution of scipy.stats, but that of '{name}' is a "
        f"{type(values).__name__}"
    )


def _distribution(name: str, frozen: Any) -> OwnParameter:
    kind, (low, high) = frozen.dist.name, frozen.support()
    match kind:
        case "loguniform" | "reciprocal":
            return OwnParameter(kind="float", low=float(low), high=float(high), log=True)
        case "uniform":
            return OwnParameter(kind="float", low=float(low), high=float(high))
        case "randint":
            return OwnParameter(kind="int", low=int(low), high=int(high))
    raise RecipeError(
        f"the distribution of '{name}' must be loguniform, uniform or randint of scipy.stats, but is {kind}; choose "
        "one of them, or list the values"
    )
