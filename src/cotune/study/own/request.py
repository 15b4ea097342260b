"""From what a user hands over (a build, a space, a loss, tensors) to a recipe and what goes beside it."""

from collections.abc import Callable, Mapping
from typing import Any

from cotune.data.tensors.sources import handed
from cotune.errors import RecipeError
from cotune.recipe import Recipe
from cotune.recipe.module import OwnParameter
from cotune.recipe.schema import leaves
from cotune.recipe.settings import to_plain
from cotune.space.discovery import explore
from cotune.space.foreign import read_space
from cotune.space.suggestions import Trial
from cotune.study.own.modules import OwnModule


def of_your_own(
    build: Callable[..., Any] | None, space: Any, loss: Any, data: Any
) -> tuple[OwnModule | None, dict[str, OwnParameter], Any]:
    """The user's networks, the parameters that are keys of the recipe, and the data as such networks read it.

    Raises:
        RecipeError: a loss of the user's own without networks of their own.
    """
    if build is not None:
        own = OwnModule(build, space=space, loss=loss if callable(loss) else None)
        found = handed(data)
        return own, own.parameters[1], data if found is None else found
    if callable(loss):
        raise RecipeError(
            "a loss of your own is for networks of your own: pass build=, or name a loss of cotune's"
        )
    asking = read_space(space)
    if asking is None:
        return None, {}, data
    return None, explore(lambda given: Trial(given, asking)), data


def with_space(settings: Mapping[str, Any], found: Mapping[str, OwnParameter]) -> dict[str, Any]:
    """The user's settings, with those keys of the recipe that a space, or a build, asks for.

    Raises:
        RecipeError: a setting stands in both, or hangs on a condition of the space's own.
    """
    made: dict[str, Any] = {}
    for name, own in found.items():
        if settings.get(name) is not None:
            raise RecipeError(
                f"'{name}' is searched by build or space, and set to {settings[name]!r}: drop one of them"
            )
        above = None if own.when is None else own.when[0]
        if above is not None and above not in leaves():
            law = f"'{name}' is a key of the recipe, so it cannot hang on '{above}' of a space"
            raise RecipeError(f"{law}; give it in every case, or to tune({name}=…)")
        made[name] = to_plain(own.setting)
    return {**settings, **made}


def suits(recipe: Recipe, own: OwnModule) -> Recipe:
    """The recipe with the family of the user's own, and what it asks for; whoever sets a key of other networks is told.

    The model is the best trial as it was trained, unless the recipe says otherwise.

    Raises:
        RecipeError: such a key is set.
    """
    for name in sorted(recipe.network.model_fields_set - {"family"}):
        remedy = "load the weights in build" if name == "pretrained" else f"let build ask for '{name}'"
        raise RecipeError(f"network.{name} has no meaning for a network of your own; {remedy}")
    after = recipe.after
    usual = {"ensemble": "none", "calibration": "none"}
    kept = {name: value for name, value in usual.items() if name not in after.model_fields_set}
    section = recipe.module.model_copy(update={"build": own.where, "parameters": own.parameters[0]})
    return recipe.model_copy(
        update={
            "network": recipe.network.model_copy(update={"family": "module"}),
            "module": section,
            "after": after.model_copy(update=kept),
        }
    )
