"""Combinations that make no sense: one row a rule; refused, mended in a recipe, or mended in a trial, and said so."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from cotune.data import load, split
from cotune.errors import RecipeError
from cotune.recipe import Choice, Range, make
from cotune.recipe.schema import domains
from cotune.recipe.settings import Domain
from cotune.space import from_recipe
from cotune.study.rules.mending import mended, settled
from cotune.study.rules.rule import Given, Rule
from cotune.study.rules.table import RULES
from cotune.types import Task, Value
from study.test_images import archive
from study.tiny import command, csv, table, tune

BASE: dict[str, Any] = {
    "family": "mlp",
    "batch_size": 32,
    "loss": "cross_entropy",
    "label_smoothing": 0.0,
    "dropout": 0.1,
}
"""A resolved recipe, as far as rules look at it."""

PROBABLE = Given(metrics=("log_loss",))
IMAGES = Given(kind="image", categories=False)
GRAPH = Given(kind="graph", categories=False)

CASES: dict[str, tuple[dict[str, Any], Given, dict[str, Value]]] = {
    "selu with plain dropout": ({"activation": "selu"}, Given(), {"dropout_kind": "alpha"}),
    "alpha dropout without selu": (
        {"activation": "relu", "dropout_kind": "alpha"}, Given(), {"dropout_kind": "unit"},
    ),
    "spatial dropout without convolutions": ({"dropout_kind": "spatial"}, Given(), {"dropout_kind": "unit"}),
    "dropout of layers without residual": ({"dropout_kind": "depth"}, Given(), {"dropout_kind": "unit"}),
    "dropout of layers in a shallow network": (
        {"dropout_kind": "depth", "residual": True, "depth": 1}, Given(), {"dropout_kind": "unit"},
    ),
    "early exits without classes": (
        {"family": "resnet", "loss": "hinge", "exit_at": 0.9, "supervision": 0.3}, IMAGES, {"exit_at": 0.0},
    ),
    "early exits that nobody trains": ({"family": "resnet", "exit_at": 0.9}, IMAGES, {"supervision": 0.3}),
    "dropout without hidden layers": ({"depth": 0}, Given(), {"dropout": 0.0}),
    "instance norm without convolutions": ({"norm": "instance"}, Given(), {"norm": "layer"}),
    "batch norm of one row": ({"norm": "batch", "batch_size": 1}, Given(), {"norm": "layer"}),
    "batch norm of accumulated tiny batches": (
        {"norm": "batch", "batch_size": 4, "accumulate": 8}, Given(), {"norm": "layer"},
    ),
    "batch norm with averaged weights": ({"norm": "batch", "averaging": "swa"}, Given(), {"norm": "layer"}),
    "batch norm with schedule_free": (
        {"norm": "batch", "optimizer": "schedule_free", "schedule": "constant"}, Given(), {"norm": "layer"},
    ),
    "max norm of normalised weights": ({"norm": "weight", "max_norm": 2.0}, Given(), {"max_norm": 0.0}),
    "scores where probabilities are needed": ({"loss": "hinge"}, PROBABLE, {"loss": "cross_entropy"}),
    "label smoothing of a loss without it": (
        {"loss": "focal", "label_smoothing": 0.1}, Given(), {"label_smoothing": 0.0},
    ),
    "class weights of pairs": ({"loss": "triplet", "balance": "weights"}, Given(), {"balance": "oversample"}),
    "balanced classes of a regression": (
        {"loss": "mse", "balance": "weights"}, Given(task=Task.REGRESSION.value), {"balance": "none"},
    ),
    "mixed examples in pairs": ({"loss": "contrastive", "mixup": 0.2}, Given(), {"mixup": 0.0}),
    "mixup of embedded categories": ({"categories": "embedding", "mixup": 0.2}, Given(), {"mixup": 0.0}),
    "augmentation of images for other data": ({"rotate": 20, "cutmix": 1}, Given(), {"rotate": 0.0, "cutmix": 0.0}),
    "augmentation of texts for other data": ({"word_swap": 0.1}, IMAGES, {"word_swap": 0.0}),
    "augmentation of series for other data": ({"jitter": 0.1}, IMAGES, {"jitter": 0.0}),
    "augmentation of graphs for other data": ({"edge_drop": 0.1}, IMAGES, {"edge_drop": 0.0}),
    "augmentation of tables and graphs for other data": ({"feature_mask": 0.1}, IMAGES, {"feature_mask": 0.0}),
    "augmentation of rows by themselves for other data": ({"mixup": 0.1}, GRAPH, {"mixup": 0.0}),
    "noise on rows without numbers": ({"input_noise": 0.1}, GRAPH, {"input_noise": 0.0}),
    "dropout of a kind that networks over graphs have not": (
        {"family": "gcn", "dropout_kind": "connect"}, GRAPH, {"dropout_kind": "unit"},
    ),
    "norm of a kind that networks over graphs have not": (
        {"family": "gcn", "norm": "spectral"}, GRAPH, {"norm": "layer"},
    ),
    "weights of networks over graphs by the outputs of their first batch": (
        {"family": "gcn", "init": "lsuv"}, GRAPH, {"init": "orthogonal"},
    ),
    "batch norm of drawn neighbours": (
        {"family": "sage", "norm": "batch", "neighbours": 5}, GRAPH, {"norm": "layer"},
    ),
    "learning without labels, of other networks than those over graphs": (
        {"pretrain": "dgi"}, Given(), {"pretrain": "none"},
    ),
    "learning without labels, and no hidden convolution": (
        {"family": "gcn", "depth": 1, "pretrain": "dgi", "dropout": 0.0}, GRAPH, {"pretrain": "none"},
    ),
    "a network over graphs without convolutions": (
        {"family": "gcn", "depth": 0, "dropout": 0.0}, GRAPH, {"depth": 1},
    ),
    "hidden layers that begin with zeros": ({"init": "zeros"}, Given(), {"init": "he"}),
    "schedule_free with a schedule": ({"optimizer": "schedule_free"}, Given(), {"schedule": "constant"}),
    "schedule_free with lookahead": (
        {"optimizer": "schedule_free", "schedule": "constant", "lookahead": 5}, Given(), {"lookahead": 0},
    ),
    "schedule_free with averaging": (
        {"optimizer": "schedule_free", "schedule": "constant", "averaging": "ema"}, Given(), {"averaging": "none"},
    ),
    "two rises of the rate": ({"schedule": "one_cycle"}, Given(), {"warmup": 0.0}),
    "a plateau longer than the patience": (
        {"schedule": "reduce_on_plateau", "plateau_patience": 9}, Given(patience=8), {"plateau_patience": 4},
    ),
    "no layer left to learn": ({"freeze": 3, "depth": 2}, Given(), {"freeze": 2}),
    "unfreeze without freeze": ({"unfreeze": 2}, Given(), {"unfreeze": 0}),
    "steps of several batches where there is one": (
        {"batch_size": 500, "batch_growth": 8.0}, Given(rows=200), {"batch_growth": 1.0},
    ),
}  # fmt: skip
"""By rule: settings that break it, what else is known, and what it changes."""


def test_every_rule_has_a_row_here() -> None:
    assert list(CASES) == [rule.name for rule in RULES]


def plain(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def whole() -> dict[str, Value]:
    """A sound configuration with a value for every key."""
    space = from_recipe(make(**BASE))
    return space.complete(space.middle())


def changes(after: Mapping[str, Value], before: Mapping[str, Value]) -> dict[str, Value]:
    """What is another value in `after`."""
    return {key: value for key, value in after.items() if value != before[key]}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_fixed_combination_is_refused_or_mended(rule: Rule) -> None:
    asked, given, changed = CASES[rule.name]
    before = make(**{**BASE, **asked})
    if rule.refused:
        with pytest.raises(RecipeError) as error:
            settled(before, given)
        said = str(error.value)
        assert rule.why in said
        assert said.endswith("; set " + ", ".join(f"{key}: {plain(value)}" for key, value in changed.items()))
        assert all(f"{key}: {plain(value)}" in said for key, value in asked.items() if key in rule.keys)
        return
    after, notes = settled(before, given)
    assert changes(from_recipe(after).fixed, from_recipe(before).fixed) == changed
    assert len(notes) == 1
    assert notes[0].endswith(f": {rule.why}")
    assert all(f"{key} is {plain(value)}, not " in notes[0] for key, value in changed.items())
    assert settled(after, given) == (after, ())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_in_a_search_only_what_breaks_a_rule_is_mended(rule: Rule) -> None:
    """Each setting beside a sound one: nothing is refused or mended beforehand, for either may be chosen."""
    asked, given, changed = CASES[rule.name]
    config = whole()
    sound = {key: config[key] for key in asked if config[key] != asked[key]}
    recipe = make(**{**BASE, **asked, **{key: [value, asked[key]] for key, value in sound.items()}})
    assert settled(recipe, given) == (recipe, ())
    assert mended({**config, **asked, **sound}, given)[1] == ()
    before = {**config, **asked}
    after, said = mended(before, given)
    assert [(each.rule, each.why) for each in said] == [(rule.name, rule.why)]
    assert changes(after, before) == changed


def test_rules_speak_of_keys_and_values_that_exist() -> None:
    facts = {field.name for field in fields(Given)}
    for rule in RULES:
        asked, given, _ = CASES[rule.name]
        assert set(rule.keys) - facts <= set(DOMAINS), rule.name
        for key, value in rule.mended({**whole(), **asked}, given).items():
            assert DOMAINS[key].check(value) == value, rule.name


DOMAINS = {name: domain for name, (_, domain) in domains().items()}


def some(domain: Domain) -> tuple[Value, ...]:
    """Values that a key can take: all names, and numbers near the lower end."""
    if domain.kind == "bool":
        return True, False
    if domain.kind == "name":
        return domain.options
    low = max(domain.low, 0)
    high = max(low, min(domain.high, 0.5 if domain.below else 5))
    return domain.check(low), domain.check(high)


@settings(max_examples=300, deadline=None)
@drawn(
    st.fixed_dictionaries({name: st.sampled_from(some(domain)) for name, domain in DOMAINS.items()}),
    st.builds(
        Given,
        kind=st.sampled_from(["table", "image", "series"]),
        task=st.sampled_from([task.value for task in Task]),
        metrics=st.sampled_from([("accuracy",), ("log_loss",)]),
        rows=st.sampled_from([1, 5, 100]),
        patience=st.sampled_from([0, 1, 2, 20]),
        categories=st.booleans(),
    ),
)
def test_what_is_mended_breaks_no_rule(config: dict[str, Value], known: Given) -> None:
    found, said = mended(config, known)
    assert [rule.name for rule in RULES if rule.broken(found, known)] == []
    assert mended(found, known) == (found, ())
    assert (found == config) == (said == ())
    for key, value in found.items():
        assert DOMAINS[key].check(value) == value


def test_defaults_break_no_rule() -> None:
    for kind, family in (("table", "mlp"), ("image", "mlp"), ("image", "cnn"), ("image", "resnet")):
        recipe = make(batch_size=32, loss="cross_entropy", family=family)
        assert settled(recipe, Given(kind=kind)) == (recipe, ())


SERIES = Given(kind="series", categories=False)
OTHERS: tuple[tuple[str, dict[str, Any], Given, bool], ...] = (
    ("cnn", {"norm": "instance", "dropout_kind": "spatial", "rotate": 20.0, "cutmix": 1.0}, IMAGES, True),
    ("cnn", {"norm": "batch", "batch_size": 1}, IMAGES, True),
    ("cnn", {"norm": "batch", "batch_size": 4, "accumulate": 4}, IMAGES, True),
    ("cnn", {"freeze": 3, "convolutions": 3}, IMAGES, True),
    ("cnn", {"freeze": 4, "convolutions": 3}, IMAGES, False),
    ("cnn", {"dropout_kind": "depth", "residual": True}, IMAGES, False),
    ("cnn", {"init": "zeros"}, IMAGES, False),
    ("resnet", {"dropout_kind": "depth", "stages": 1, "norm": "instance"}, IMAGES, True),
    ("resnet", {"freeze": 3, "stages": 2}, IMAGES, True),
    ("resnet", {"freeze": 4, "stages": 2}, IMAGES, False),
    ("gru", {"jitter": 0.1, "mixup": 0.2, "freeze": 2, "dropout": 0.0}, SERIES, True),
    ("gru", {"freeze": 3}, SERIES, False),
    ("gru", {"freeze": 2, "dropout": 0.2}, SERIES, False),
    ("lstm", {"freeze": 2, "layers": 2}, SERIES, True),
    ("lstm", {"freeze": 2}, SERIES, False),
    ("tcn", {"freeze": 3, "levels": 3}, SERIES, True),
    ("tcn", {"freeze": 4, "levels": 3}, SERIES, False),
    ("transformer", {"freeze": 4, "layers": 2}, SERIES, True),
    ("transformer", {"freeze": 5, "layers": 2}, SERIES, False),
    ("gru", {"flip": 0.5}, SERIES, False),
)


@pytest.mark.parametrize(("family", "asked", "known", "sound"), OTHERS, ids=str)
def test_what_is_sound_depends_on_the_family(
    family: str, asked: dict[str, Any], known: Given, sound: bool
) -> None:
    recipe = make(**{**BASE, "family": family, "filters": 8, "kernel": 3, "convolutions": 2, **asked})
    if sound:
        assert settled(recipe, known) == (recipe, ())
        return
    with pytest.raises(RecipeError):
        settled(recipe, known)


@pytest.mark.parametrize(
    ("form", "family", "kind"), [(csv, "mlp", "table"), (csv, "gru", "series"), (archive, "cnn", "image")]
)
def test_what_is_known_of_the_data(form: Callable[..., Path], family: str, kind: str, tmp_path: Path) -> None:
    data = load(form(tmp_path), target="y")
    recipe = make(family=family, metric="accuracy", also=["log_loss"], patience=7)
    splits = split(data, recipe.split, seed=0)
    found = Given.of(recipe, data, splits)
    assert (found.kind, found.categories, found.patience) == (kind, form is csv, 7)
    assert found.metrics == ("accuracy", "log_loss")
    assert found.rows == len(splits.folds[0].train)


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(RecipeError) as error:
        settled(make(**BASE, norm="instance", init="zeros", freeze=64), Given())
    assert str(error.value).startswith("3 combinations in the recipe make no sense:\n  - ")


def test_a_range_is_sure_to_break_a_rule_only_if_both_its_ends_do() -> None:
    asked = {**BASE, "activation": "selu"}
    sure = make(**{**asked, "dropout": Range(0.1, 0.5)})
    maybe = make(**{**asked, "dropout": Range(0.0, 0.5)})
    assert settled(sure, Given())[0].network.dropout_kind == "alpha"
    assert settled(maybe, Given())[0].network.dropout_kind == "unit"
    free = make(**{**asked, "dropout_kind": Choice(("unit", "connect"))})
    assert settled(free, Given())[0] == free, "one of the two is sound"


def test_a_refused_recipe_leaves_nothing_behind(tmp_path: Path) -> None:
    found = command("tune", csv(tmp_path), "--target", "y", "--out", tmp_path / "s", "--set", "norm=instance")
    assert found.code == 2
    assert "instance norm" in found.err
    assert "set norm: layer" in found.err
    assert not (tmp_path / "s").exists()


def test_a_mended_recipe_says_so_when_it_begins_and_in_its_plan(tmp_path: Path) -> None:
    words = ("--set", "optimizer=schedule_free", "--set", "width=8", "--epochs", "2", "--trials", "2")
    found = command("tune", csv(tmp_path), "--target", "y", "--out", tmp_path / "s", *words)
    assert found.code == 0, found.err
    assert "schedule is constant, not cosine" in found.err
    view = tune(csv(tmp_path, name="u.csv"), tmp_path / "t", optimizer="schedule_free").view()
    assert any("Schedule is constant, not cosine" in sentence for sentence in view.meta["plan"])
    assert view.meta["resolved"]["training"]["schedule"] == "constant"


def test_a_search_with_contradictions_finishes_and_explains_them(tmp_path: Path) -> None:
    study = tune(
        table(),
        tmp_path / "s",
        trials=24,
        epochs=1,
        strategy="random",
        activation=["relu", "selu"],
        dropout_kind=["unit", "alpha", "depth", "spatial"],
        norm=["none", "batch", "instance"],
        averaging=["none", "swa"],
        loss=["focal", "hinge"],
        metric="log_loss",
        init=["he", "zeros"],
        freeze=[0, 4],
        rotate=[0, 30],
        schedule=["one_cycle", "reduce_on_plateau"],
        dropout=0.1,
        mixup=[0, 0.3],
        categories=["onehot", "embedding"],
    )
    trials = study.view().trials
    assert len(trials) == 24
    assert not {trial.status.value for trial in trials} & {"failed", "running"}
    space = from_recipe(make(study.view().meta["resolved"]))
    known = Given(task="binary", metrics=("log_loss",), rows=1000)
    changed = 0
    for trial in trials[:6]:
        said = json.loads(command("explain", study.path, trial.number, "--json").out)["mended"]
        assert said == [each.words for each in mended(space.complete(trial.params), known)[1]]
        changed += len(said)
        printed = command("explain", study.path, trial.number).out
        assert all(f"mended: {sentence}" in printed for sentence in said)
    assert changed > 5
