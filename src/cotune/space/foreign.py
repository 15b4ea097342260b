"""Whatever a user hands over as `space=`: cotune's settings by name, or a space of another tool."""

from types import ModuleType
from typing import Any

from cotune.errors import RecipeError
from cotune.space.adapters import hyperopt, scikit_learn
from cotune.space.suggestions import Asking

ADAPTERS: dict[str, ModuleType] = {"hyperopt": hyperopt, "scikit-learn": scikit_learn}
"""By tool; the first that a space fits reads it. A KerasTuner builder is no space but a `build`."""


def read_space(space: Any) -> Asking | None:
    """A space as questions to a trial; `None` where there is none.

    Raises:
        RecipeError: no adapter knows it.
    """
    if space is None:
        return None
    for adapter in ADAPTERS.values():
        if adapter.fits(space):
            found: Asking = adapter.asking(space)
            return found
    raise RecipeError(
        "space must be a dict of names with lists, ranges or distributions, or a space of Hyperopt's, but got a "
        f"{type(space).__name__}"
    )
