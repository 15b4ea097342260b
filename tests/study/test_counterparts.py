"""Counterparts: what is taken out and put in, in exactly the keys that were asked for."""

from collections.abc import Mapping
from typing import Any

import pytest

from cotune.catalogue import TECHNIQUES
from cotune.catalogue.base import Technique
from cotune.errors import RecipeError
from cotune.recipe import Recipe, make
from cotune.recipe.schema import domains
from cotune.study.ablation.candidates import ALL, must_know
from cotune.study.ablation.counterparts import Configurations, Lineup, Loaded, changed, lineup
from cotune.study.rules.rule import Given
from cotune.types import Params, Value

FITTING = [
    t
    for t in TECHNIQUES.values()
    if "mlp" in t.families and "table" in t.data and t.on and t.on.keys() <= domains().keys()
]


def technique(name: str, on: Mapping[str, Value], off: Mapping[str, Value], kind: str = "kind") -> Technique:
    return Technique(name, kind, ("mlp",), ("table",), on, off, (), "", "")


ROWS = (
    technique("relu", {"activation": "relu"}, {"activation": "identity"}, "activation"),
    technique("gelu", {"activation": "gelu"}, {"activation": "identity"}, "activation"),
    technique("adamw", {"optimizer": "adamw"}, {"optimizer": "sgd"}, "optimizer"),
    technique("sgd", {"optimizer": "sgd"}, {"optimizer": "sgd"}, "optimizer"),
    technique("dropout", {"dropout": 0.2}, {"dropout": 0.0}),
    technique("l1", {"l1": 1e-4}, {"l1": 0.0}),
    technique("batch", {"norm": "batch"}, {"norm": "none"}, "norm"),
    technique("layer", {"norm": "layer"}, {"norm": "none"}, "norm"),
    technique("momentum", {"momentum": 0.9}, {"momentum": 0.0}),
    technique("smoothing", {"loss": "cross_entropy", "label_smoothing": 0.1}, {"label_smoothing": 0.0}),
    technique("focal", {"loss": "focal"}, {"loss": "cross_entropy"}, "loss"),
)  # fmt: skip
BASE: dict[str, Any] = {
    "width": 8, "depth": 1, "activation": "relu", "dropout": 0.3, "scaling": "standard", "batch_size": 32,
    "loss": "cross_entropy", "label_smoothing": 0.0,
}  # fmt: skip


def found(
    techniques: tuple[Technique, ...] = ROWS,
    *,
    add: bool = True,
    kinds: tuple[str, ...] = (),
    loaded: Loaded = Loaded.NOTHING,
    **settings: Any,
) -> tuple[dict[str, Value], Lineup]:
    configurations = Configurations(make(**{**BASE, **settings}), Given())
    winner = configurations.full({})
    lines = lineup(winner, techniques, configurations, add=add, kinds=kinds, settled=taken, loaded=loaded)
    return winner, lines


def taken(changes: Params) -> Params:
    """Any value but the loss `focal`."""
    if changes.get("loss") == "focal":
        raise RecipeError("no focal here")
    return changes


def names(lines: Lineup, *, added: bool) -> list[str]:
    return [c.technique.name for c in lines.counterparts if c.added is added]


def test_what_is_in_use_is_taken_out_and_the_rest_put_in_unless_its_place_is_taken() -> None:
    _, lines = found()
    assert names(lines, added=False) == ["relu", "adamw", "dropout"]
    assert names(lines, added=True) == ["l1", "batch", "smoothing"]
    assert lines.alternatives == {"activation": 1, "loss": 1, "norm": 1, "optimizer": 1}
    reasons = {s.technique: s.reason for s in lines.skipped}
    assert reasons == {"momentum": "momentum has no meaning with optimizer adamw"}


def test_what_the_recipe_refuses_is_skipped_with_its_reason() -> None:
    _, lines = found(kinds=("loss",))
    assert names(lines, added=True) == []
    assert [(s.technique, s.reason) for s in lines.skipped] == [("focal", "no focal here")]


def test_a_place_that_stays_empty_goes_to_the_next() -> None:
    refused = technique("refused", {"loss": "focal", "norm": "group"}, {"norm": "none"}, "norm")
    _, lines = found((refused, *ROWS))
    assert "batch" in names(lines, added=True)


def test_a_kind_that_is_named_is_tried_alone_with_its_alternatives() -> None:
    _, lines = found(kinds=("activation", "norm"))
    assert names(lines, added=False) == ["relu"]
    assert names(lines, added=True) == ["gelu", "batch", "layer"]
    assert lines.alternatives == {}


def test_every_kind_has_its_alternatives_and_nothing_is_trained_twice() -> None:
    _, lines = found(kinds=(ALL,))
    assert {"gelu", "layer"} <= set(names(lines, added=True))
    assert "sgd" not in names(lines, added=True)
    assert {s.technique: s.reason for s in lines.skipped}["sgd"] == "the same as the winner without adamw"
    configs = [c.config for c in lines.counterparts]
    assert all(a != b for i, a in enumerate(configs) for b in configs[:i])


def test_nothing_is_put_in_where_that_is_not_wanted() -> None:
    _, lines = found(add=False)
    assert names(lines, added=True) == []
    assert len(names(lines, added=False)) == 3


def test_what_stands_for_nothing_cannot_be_taken_out() -> None:
    _, lines = found(optimizer="sgd")
    assert "sgd" not in names(lines, added=False)
    assert "momentum" in names(lines, added=False), "with sgd it has a meaning"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("activatoin", r"no kind 'activatoin'.*did you mean 'activation'"),
        (
            "validation",
            r"'validation' are not ablated, as they are no part of a network's training; name one of",
        ),
        ("metric", r"'metric' are not ablated"),
        ("after", r"'after' are not ablated"),
        ("augmentation", r"no kind 'augmentation' of technique for this study: none fits"),
    ],
)
def test_a_kind_that_cannot_be_ablated_is_told_why(kind: str, said: str) -> None:
    fitting = [t for t in FITTING if t.kind != "augmentation"]
    with pytest.raises(RecipeError, match=said) as error:
        must_know(("loss", kind), TECHNIQUES.values(), fitting)
    assert ("did you mean" in str(error.value)) is (kind == "activatoin")
    must_know(("loss", ALL), TECHNIQUES.values(), fitting)


BEGINNINGS = tuple(
    TECHNIQUES[f"initialisation/{name}"] for name in ("he", "orthogonal", "pretrained", "frozen_layers")
)


@pytest.mark.parametrize(
    ("loaded", "out", "added"),
    [
        (Loaded.NOTHING, ["he"], ["orthogonal", "frozen_layers"]),
        (Loaded.SOME, ["he", "pretrained"], ["orthogonal", "frozen_layers"]),
        (Loaded.EVERYTHING, ["pretrained"], ["frozen_layers"]),
    ],
)
def test_earlier_weights_are_taken_out_and_ways_to_draw_are_not_tried_where_none_are_drawn(
    loaded: Loaded, out: list[str], added: list[str]
) -> None:
    winner, lines = found(BEGINNINGS, kinds=("initialisation",), loaded=loaded, init="he")
    assert (names(lines, added=False), names(lines, added=True)) == (out, added)
    drawn = [c for c in lines.counterparts if c.scratch]
    assert [(c.technique.name, c.config) for c in drawn] == [("pretrained", winner)] * ("pretrained" in out)
    if loaded is Loaded.EVERYTHING:
        assert {s.technique for s in lines.skipped} == {"he", "orthogonal"}
        assert all("no weight is drawn" in s.reason for s in lines.skipped)


def hangs(key: str, keys: set[str]) -> bool:
    """Whether a key hangs, perhaps over others, on one of these."""
    when = domains()[key][1].when
    return when is not None and (when[0] in keys or hangs(when[0], keys))


@pytest.mark.parametrize(
    "settings",
    [{}, {"optimizer": "nesterov", "loss": "focal", "norm": "layer", "residual": True, "l1": 0.01}],
    ids=["plain", "rich"],
)
def test_counterparts_differ_in_the_asked_keys_and_what_hangs_on_them(settings: dict[str, Any]) -> None:
    recipe: Recipe = make(**{**BASE, **settings})
    configurations = Configurations(recipe, Given())
    winner = configurations.full({})
    lines = lineup(winner, FITTING, configurations, add=True, kinds=(ALL,), settled=lambda changes: changes)
    assert len(lines.counterparts) > 60
    for counterpart in lines.counterparts:
        asked = dict(counterpart.technique.on if counterpart.added else counterpart.technique.off)
        differing = changed(winner, counterpart.config)
        assert {key: counterpart.config.get(key) for key in asked if key in counterpart.config} == {
            key: value for key, value in asked.items() if key in counterpart.config
        }
        others = [key for key in differing if key not in asked and not hangs(key, set(asked))]
        assert bool(others) <= bool(counterpart.mended), f"{counterpart.technique.name} changes {others}"
        assert all(f"{key} is" in counterpart.mended for key in others)
        assert counterpart.technique.active(counterpart.config) is counterpart.added or not counterpart.added


def test_a_key_that_becomes_meaningful_has_a_value_from_the_middle_of_the_recipe() -> None:
    configurations = Configurations(
        make(**BASE, optimizer=["adamw", "sgd"], momentum={"low": 0.5, "high": 0.9}), Given()
    )
    winner = configurations.full({"optimizer": "adamw"})
    assert "momentum" not in winner
    assert configurations.full({**winner, "optimizer": "sgd"})["momentum"] == pytest.approx(0.7)


def test_what_makes_no_sense_beside_the_winner_is_mended_and_told_or_skipped() -> None:
    selu = technique("selu", {"activation": "selu"}, {"activation": "identity"}, "activation")
    zeros = technique("zeros", {"init": "zeros"}, {"init": "he"}, "initialisation")
    winner, lines = found((selu, zeros), dropout=0.1)
    (counterpart,) = lines.counterparts
    assert changed(winner, counterpart.config) == {"activation": "selu", "dropout_kind": "alpha"}
    assert "dropout_kind is alpha" in counterpart.mended
    assert [s.technique for s in lines.skipped] == ["zeros"]
    assert "stay alike" in lines.skipped[0].reason
