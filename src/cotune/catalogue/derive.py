"""What a technique's row takes from elsewhere: the recipe's conditions, and the words of the code that does it.

Nothing that a registry or the recipe says is said again in a row: names, sources and formulas come from the registries,
families and parameters from the recipe's conditions (`beta1` is there when the optimizer is `adam`).
"""

import inspect
from collections.abc import Collection, Mapping
from typing import Any

from cotune.catalogue.base import Technique
from cotune.recipe.names import DROPOUTS_OF, FAMILIES, KINDS, NORMS_OF, OF_WORDS, READS, RECURRENT, SEQUENTIAL
from cotune.recipe.schema import PREPARES, domains, foreign, leaves
from cotune.types import Task, Value

DATA = KINDS

OF_COLUMNS = ("numbers", "categories")
"""Keys that say what a column becomes, where those of a series stay single numbers."""

FOREIGN: Mapping[str, Collection[str]] = {
    **{kind: foreign(kind) for kind in DATA},
    "series": (*(key for key in foreign("series") if key not in PREPARES["table"]), *OF_COLUMNS),
}
"""Kind of data → keys that mean nothing for it. Of a table read as series some keys of tables mean something."""

NEUTRAL = ("none", "plain")
"""Names of choices that leave things as they are."""

TASKS = tuple(task for task in Task if task is not Task.GENERATION)
PREDICTING = tuple(family for family in FAMILIES if family != "gan")
"""Tasks and families where something is predicted; techniques of generation say so."""
CLASSES = tuple(task for task in Task if task.is_classification)
VALUES = (Task.REGRESSION,)


def technique(
    kind: str,
    name: str,
    on: Mapping[str, Value],
    off: Mapping[str, Value],
    *,
    reference: str,
    summary: str,
    parameters: Collection[str] = (),
    data: Collection[str] = DATA,
    families: Collection[str] = PREDICTING,
    tasks: tuple[Task, ...] = TASKS,
    asks: tuple[str, ...] = (),
    command: str = "",
) -> Technique:
    """A row of the catalogue.

    Args:
        families: narrowed likewise.
        parameters: keys beside those that hang, in the recipe, on what is turned on and are not fixed by it.
        data: narrowed to those for which the keys of `on` mean something.
        kind, name, on, off, reference, summary, tasks, asks, command: see `Technique`.
    """
    hanging = [key for name in off for key in hanging_on(name, on.get(name)) if key not in on]
    kinds = [each for each in DATA if each in data and not set(on) & set(FOREIGN[each])]
    kinds = [each for each in kinds if each != "forecast" or _of_forecasts(on, tasks)]
    found = [each for each in families_of(on) if each in families and set(READS[each]) & set(kinds)]
    found = [each for each in found if each not in SEQUENTIAL or has(each, on)]
    found = [each for each in found if each not in OF_WORDS or has_of_words(each, on)]
    return Technique(
        name=name,
        kind=kind,
        families=tuple(found),
        data=tuple(each for each in kinds if any(each in READS[family] for family in found)),
        on=dict(on),
        off=dict(off),
        parameters=tuple(dict.fromkeys([*parameters, *hanging])),
        reference=reference,
        summary=summary,
        tasks=tasks,
        asks=asks,
        command=command,
    )


def _of_forecasts(on: Mapping[str, Value], tasks: tuple[Task, ...]) -> bool:
    """Whether a technique is of use where several numbers of a series are predicted, judged by later ones."""
    single = on.get("loss") == "poisson" or "balance" in on
    drawn = on.get("method", "time") not in ("holdout", "time") or "repeats" in on
    return Task.REGRESSION in tasks and not single and not drawn


def has(family: str, on: Mapping[str, Value]) -> bool:
    """Whether a family of networks of sequences knows what the keys say of a hidden layer."""
    if family in RECURRENT and "activation" in on:
        return False
    norm = on.get("norm")
    return (norm is None or norm in NORMS_OF[family]) and on.get("dropout_kind", "unit") in DROPOUTS_OF


def has_of_words(family: str, on: Mapping[str, Value]) -> bool:
    """Whether a family of networks of words knows what the keys say of a hidden layer."""
    if family == "bag" and ("activation" in on or ("dropout_kind" in on and on["dropout_kind"] != "unit")):
        return False
    return "norm" not in on and on.get("dropout_kind", "unit") in ("unit", "alpha")


def options(key: str) -> tuple[str, ...]:
    """The names that a recipe key can have."""
    return domains()[key][1].options


def stand_in(key: str, option: str) -> str:
    """What a named choice is compared with: nothing, else the default, else the first of the others."""
    names, default = options(key), leaves()[key][1].default
    wanted: list[str] = [*NEUTRAL, default, *names]
    return next(name for name in wanted if name in names and name != option)


def hanging_on(key: str, value: Value) -> tuple[str, ...]:
    """Numbers of the recipe that mean something only while a key has this value."""
    return tuple(
        name
        for name, (_, domain) in domains().items()
        if domain.kind in ("float", "int")
        and domain.when
        and domain.when[0] == key
        and value in domain.when[1]
    )


def families_of(keys: Collection[str]) -> tuple[str, ...]:
    """The families for which all these recipe keys mean something."""
    known = domains()
    conditions = [known[key][1].when for key in keys if key in known]
    needed = [set(when[1]) for when in conditions if when and when[0] == "family"]
    return tuple(family for family in FAMILIES if all(family in names for names in needed))


def told(documented: Any) -> str:
    """The first paragraph of a docstring on one line, without its source."""
    paragraph = (inspect.getdoc(documented) or "").split("\n\n")[0]
    return " ".join(paragraph.split("Source:")[0].split()).rstrip(".")


def source_of(documented: Any) -> str:
    """What a docstring names as its source."""
    _, found, after = (inspect.getdoc(documented) or "").partition("Source:")
    return " ".join(after.split("\n\n")[0].split()).rstrip(".") if found else ""
