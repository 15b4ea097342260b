"""Which techniques an ablation may try on a study, and what the study's recipe makes of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cotune.catalogue.base import Technique
from cotune.errors import RecipeError, did_you_mean
from cotune.recipe import make
from cotune.recipe.schema import as_read, domains, foreign
from cotune.study.prepared import Prepared
from cotune.study.settling.resolve import resolve
from cotune.types import Params, Value

ALL = "all"
"""Stands for every kind."""


def candidates(techniques: Iterable[Technique], config: Params, prepared: Prepared) -> list[Technique]:
    """Those for the configuration's family of networks, and the study's task and kind of data, that are training.

    How rows are divided, which figure steers and what is made of trained networks are no keys of a configuration.
    """
    family = str(config["family"])
    kind, task = kind_of_data(prepared, family), prepared.dataset.task
    others = foreign(prepared.dataset.kind)  # a table that is read as series is prepared as a table
    return [
        t
        for t in techniques
        if family in t.families
        and kind in t.data
        and task in t.tasks
        and trains(t)
        and not set(t.on) & set(others)
    ]


def trains(technique: Technique) -> bool:
    """Whether it is part of a network's training: made of tunable keys, or of the weights that it begins with."""
    return begins(technique) or (bool(technique.on) and technique.on.keys() <= domains().keys())


def begins(technique: Technique) -> bool:
    """Whether it is the weights of an earlier network, which are no value of a configuration."""
    return "pretrained" in technique.asks


def must_know(kinds: Sequence[str], techniques: Iterable[Technique], fitting: Iterable[Technique]) -> None:
    """Raise `RecipeError` for a kind of which nothing can be ablated, with the reason.

    Args:
        kinds: as the user asked; `ALL` stands for every kind.
        techniques: the catalogue.
        fitting: its `candidates` for the study.
    """
    every = list(techniques)
    catalogued, training = {t.kind for t in every}, {t.kind for t in every if trains(t)}
    possible = {t.kind for t in fitting}
    names = ", ".join((*sorted(possible), ALL))
    for kind in kinds:
        if kind in possible or kind == ALL:
            continue
        if kind in training:
            law = f"there is no kind '{kind}' of technique for this study: none fits its networks, data and task"
            raise RecipeError(f"{law}; name one of {names}")
        if kind in catalogued:
            law = f"techniques of the kind '{kind}' are not ablated, as they are no part of a network's training"
            raise RecipeError(f"{law}; name one of {names}")
        raise RecipeError(
            f"there is no kind '{kind}' of technique for this study{did_you_mean(kind, {*possible, ALL})}"
        )


def kind_of_data(prepared: Prepared, family: str) -> str:
    """What the rows of a study are, in the catalogue's words; a recurrent network takes a table as series."""
    kind = prepared.dataset.kind
    return kind if kind == "forecast" else as_read(kind, family)


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
