"""Every name a recipe may use has an implementation, and every implementation a name."""

from collections.abc import Collection

import pytest

from cotune.engine import plain, plain_losses
from cotune.engine.links import LINKS, NEIGHBOURS
from cotune.engine.loss import LOSSES
from cotune.engine.metrics import METRICS
from cotune.engine.optim import OPTIMIZERS
from cotune.engine.schedule import SCHEDULES
from cotune.kernels import activations, losses
from cotune.nets.activations import ACTIVATIONS
from cotune.nets.initialise import GAINS
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
    "initialisers": (schema.INITS, GAINS),
    "losses": (schema.LOSSES, LOSSES),
    "the twin's losses": (schema.LOSSES, plain_losses.LOSSES),
    "compiled losses": ([name for name, loss in LOSSES.items() if loss.compiled], losses.NAMES),
    "compiled activations": ([name for name in ACTIVATIONS if name != "prelu"], activations.NAMES),
    "losses of embeddings": (schema.EMBEDDING_LOSSES, [name for name, loss in LOSSES.items() if loss.embeds]),
    "links": ({loss.link for loss in LOSSES.values()}, [*LINKS, NEIGHBOURS]),
    "metrics": (schema.METRICS, METRICS),
    "metrics that may steer": (("auto", *schema.METRICS), choices("metric")),
    "metrics beside it": (schema.METRICS, choices("also")),
    "the report's words for metrics": (schema.METRICS, words.METRICS),
}


@pytest.mark.parametrize(("names", "registry"), REGISTRIES.values(), ids=REGISTRIES.keys())
def test_names_and_implementations_agree(names: Collection[str], registry: Collection[str]) -> None:
    assert sorted(names) == sorted(registry)


def test_optimizers_are_filed_under_their_own_name() -> None:
    assert all(optimizer.name == name for name, optimizer in OPTIMIZERS.items())


def test_losses_are_filed_under_their_own_name_and_say_where_they_are_from() -> None:
    assert all(loss.name == name and loss.source for name, loss in LOSSES.items())
