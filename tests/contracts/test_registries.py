"""Every name a recipe may use has an implementation, and every implementation a name."""

from collections.abc import Collection

import pytest

from cotune.engine import plain
from cotune.engine.lanes import NUMBERS
from cotune.engine.loss import LOSSES
from cotune.engine.metrics import METRICS
from cotune.engine.optim import OPTIMIZERS
from cotune.engine.schedules import SCHEDULES
from cotune.nets.activations import ACTIVATIONS
from cotune.nets.initialisers import INITIALISERS
from cotune.recipe import schema
from cotune.report import words


def choices(key: str) -> list[str]:
    """The names that a key of the section `search` takes, from the recipe's JSON Schema."""
    found = schema.SearchSection.model_json_schema()["properties"][key]
    return list(found.get("items", found)["enum"])


REGISTRIES = {
    "activations": (schema.ACTIVATIONS, ACTIVATIONS),
    "the twin's activations": (schema.ACTIVATIONS, plain.ACTIVATIONS),
    "the twin's norms": (schema.NORMS, plain.NORMS),
    "optimizers": (schema.OPTIMIZERS, OPTIMIZERS),
    "schedules": (schema.SCHEDULES, SCHEDULES),
    "initialisers": (schema.INITS, INITIALISERS),
    "losses": (schema.LOSSES, LOSSES),
    "metrics": (schema.METRICS, METRICS),
    "metrics that may steer": (("auto", *schema.METRICS), choices("metric")),
    "metrics beside it": (schema.METRICS, choices("also")),
    "the report's words for metrics": (schema.METRICS, words.METRICS),
}


@pytest.mark.parametrize(("names", "registry"), REGISTRIES.values(), ids=REGISTRIES.keys())
def test_names_and_implementations_agree(names: Collection[str], registry: Collection[str]) -> None:
    assert sorted(names) == sorted(registry)


def test_recipes_offer_a_schedule_the_numbers_it_reads() -> None:
    read: dict[str, set[str]] = {}
    for name, schedule in SCHEDULES.items():
        for number in schedule.reads:
            read.setdefault(number, set()).add(name)
    asked = {n: d.when for n, (_, d) in schema.domains().items() if d.when and d.when[0] == "schedule"}
    assert read == {number: set(names) for number, (_, names) in asked.items()}
    assert read.keys() <= set(NUMBERS)


def test_optimizers_are_filed_under_their_own_name() -> None:
    assert all(optimizer.name == name for name, optimizer in OPTIMIZERS.items())
