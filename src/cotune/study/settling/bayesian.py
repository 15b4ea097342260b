"""Which model stands behind `bayesian`, once it is known how many trials train at once."""

from cotune.recipe import Recipe
from cotune.search import best_model
from cotune.space import Space


def with_model(resolved: Recipe, space: Space, *, lanes_per_trial: int) -> tuple[Recipe, str | None]:
    """The recipe with the strategy by its own name, and the line that says why; else as it is.

    Args:
        resolved: with its lanes filled in.
    """
    search = resolved.search
    if search.strategy != "bayesian":
        return resolved, None
    assert isinstance(search.lanes, int)
    name, why = best_model(space, trials=search.trials, at_once=search.lanes // lanes_per_trial)
    changed = search.model_copy(update={"strategy": name})
    return resolved.model_copy(update={"search": changed}), f"bayesian search is {name} here: {why}"
