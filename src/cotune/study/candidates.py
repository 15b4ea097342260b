"""Which techniques an ablation may try on a study, and what the study's recipe makes of them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cotune.catalogue.base import Technique
from cotune.data import Images
from cotune.recipe import make
from cotune.recipe.schema import domains
from cotune.study.prepared import Prepared
from cotune.study.resolve import resolve
from cotune.types import Params, Value


def candidates(techniques: Iterable[Technique], config: Params, prepared: Prepared) -> list[Technique]:
    """Those for the configuration's family of networks, and the study's task and kind of data, that are training.

    How rows are divided, which figure steers and what is made of trained networks are no keys of a configuration.
    """
    family = str(config["family"])
    kind, task, tunable = kind_of_data(prepared, family), prepared.dataset.task, domains().keys()
    return [
        t
        for t in techniques
        if family in t.families and kind in t.data and task in t.tasks and t.on and t.on.keys() <= tunable
    ]


def kind_of_data(prepared: Prepared, family: str) -> str:
    """What the rows of a study are, in the catalogue's words; a recurrent network takes a table as series."""
    if isinstance(prepared.dataset.frame, Images):
        return "image"
    return "series" if family == "gru" else "table"


def settling(recipe: Mapping[str, Any], prepared: Prepared) -> Callable[[Params], Params]:
    """What a recipe makes of other values: it resolves "auto", or raises `RecipeError`.

    Args:
        recipe: as the user asked.
    """
    homes = domains()

    def settled(changes: Params) -> dict[str, Value]:
        changed = {**recipe}
        for key, value in changes.items():
            section = homes[key][0]
            changed[section] = {**changed.get(section, {}), key: value}
        found = resolve(make(changed), prepared.dataset, prepared.splits)
        return {key: getattr(getattr(found, homes[key][0]), key) for key in changes}

    return settled
