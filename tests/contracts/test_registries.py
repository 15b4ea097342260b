"""Every name a recipe may use has an implementation, and every implementation a name."""

from collections.abc import Collection
from typing import get_args

import pytest
import torch
from torch import Tensor

from cotune.engine.lanes import NUMBERS
from cotune.engine.links import LINKS, NEIGHBOURS
from cotune.engine.loss import LOSSES
from cotune.engine.metrics import METRICS
from cotune.engine.optim import OPTIMIZERS, Rates
from cotune.engine.plain import losses as plain_losses
from cotune.engine.plain import networks as plain
from cotune.engine.plain import reference
from cotune.engine.schedules import SCHEDULES
from cotune.kernels import activations, losses, updates
from cotune.nets.activations import ACTIVATIONS
from cotune.nets.families import FAMILIES
from cotune.nets.initialisers import INITIALISERS
from cotune.product.after import ENSEMBLES
from cotune.recipe import names, schema
from cotune.report import words
from cotune.study.settling.networks import BUILDERS
from engine.lanes import lane, table


def choices(key: str) -> list[str]:
    """The names that a key of the section `search` takes, from the recipe's JSON Schema."""
    found = schema.SearchSection.model_json_schema()["properties"][key]
    return list(found.get("items", found)["enum"])


REGISTRIES = {
    "activations": (names.ACTIVATIONS, ACTIVATIONS),
    "the twin's activations": (names.ACTIVATIONS, plain.ACTIVATIONS),
    "optimizers": (names.OPTIMIZERS, OPTIMIZERS),
    "schedules": (names.SCHEDULES, SCHEDULES),
    "initialisers": (names.INITS, INITIALISERS),
    "families": (names.FAMILIES, FAMILIES),
    "builders of families": (names.FAMILIES, BUILDERS),
    "losses": (names.LOSSES, LOSSES),
    "the twin's losses": (names.LOSSES, plain_losses.LOSSES),
    "compiled losses": ([name for name, loss in LOSSES.items() if loss.compiled], losses.NAMES),
    "compiled activations": ([name for name in ACTIVATIONS if name != "prelu"], activations.NAMES),
    "losses of embeddings": (names.EMBEDDING_LOSSES, [name for name, loss in LOSSES.items() if loss.embeds]),
    "links": ({loss.link for loss in LOSSES.values()}, [*LINKS, NEIGHBOURS]),
    "metrics": (names.METRICS, METRICS),
    "metrics that may steer": (("auto", *names.METRICS), choices("metric")),
    "metrics beside it": (names.METRICS, choices("also")),
    "the report's words for metrics": (names.METRICS, words.METRICS),
    "ensembles": (
        get_args(schema.AfterSection.model_fields["ensemble"].annotation),
        ("none", "soup", *ENSEMBLES),
    ),
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


@pytest.mark.parametrize("name", names.OPTIMIZERS)
def test_every_optimizer_has_a_plain_twin(name: str) -> None:
    one = lane(optimizer=name, variant=table(cardinalities=(3,)), norm="layer")
    network = plain.plain_network(one)
    groups = reference.make_optimizer(one, network).param_groups
    assert len({id(p) for group in groups for p in group["params"]}) == len(list(network.parameters()))


def test_compiled_loops_know_no_optimizer_of_their_own() -> None:
    assert set(updates.NAMES) <= set(OPTIMIZERS)
    assert {name for name, o in OPTIMIZERS.items() if not o.compiled} == {"muon"}
    assert all(o.judged is None or o.judged < o.slots for o in OPTIMIZERS.values())
    assert all(slot < o.slots for o in OPTIMIZERS.values() for slot in o.starts_from_weights)


@pytest.mark.parametrize("number", ["momentum", "beta1", "beta2"])
@pytest.mark.parametrize("name", names.OPTIMIZERS)
def test_a_number_means_something_where_the_recipe_says_so(name: str, number: str) -> None:
    """And nothing elsewhere: coefficients change with it, or they do not."""

    def coefficients(value: float) -> list[Tensor]:
        numbers = {"weight_decay": 0.1, "momentum": 0.8, "beta1": 0.8, "beta2": 0.9, "warmup": 2.0}
        taken = torch.arange(1.0, 9.0, dtype=torch.float64).unsqueeze(0)
        made = {
            key: torch.full((1, 1), x, dtype=torch.float64) for key, x in {**numbers, number: value}.items()
        }
        return list(OPTIMIZERS[name].coefficients(Rates(lr=0.1 / taken, taken=taken, **made)))

    pairs = zip(coefficients(0.7), coefficients(0.95), strict=True)
    condition = schema.domains()[number][1].when
    assert condition is not None
    assert any(not torch.equal(*pair) for pair in pairs) == (name in condition[1])


def test_losses_are_filed_under_their_own_name_and_say_where_they_are_from() -> None:
    assert all(loss.name == name and loss.source for name, loss in LOSSES.items())
