"""Presets: they set what nobody set, by the data; what was settled stays so."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import yaml

import cotune
from cotune.api import build_recipe
from cotune.recipe import Choice, Recipe, as_yaml, make, read
from cotune.recipe.names import KINDS
from cotune.recipe.presets import by_kind as presets
from cotune.recipe.presets.base import DataFacts, Kind, Row, Where
from cotune.recipe.presets.by_kind import EFFORTS, ROWS, all_rows, is_open, keys_set, rows_for, with_preset
from cotune.recipe.schema import SearchSection, domains, leaves
from cotune.recipe.settings import to_plain
from cotune.records import Store
from cotune.space import from_recipe
from study.tiny import FAST, FAST_WORDS, command, csv, lasting, tune, view_of

PRESETS = tuple(EFFORTS)
TABLE = DataFacts("table", classification=True, rows=900, numeric=4, categorical=2)
EVERY = [
    DataFacts(
        kind, classification=classes, rows=rows, numeric=numeric, categorical=categorical, family=family
    )
    for kind, family in (
        ("table", "mlp"),
        ("series", "gru"),
        ("series", "tcn"),
        ("series", ""),
        ("image", "cnn"),
        ("forecast", "mlp"),
        ("graph", "gcn"),
        ("graph", "gat"),
        ("text", "textcnn"),
        ("generated image", "gan"),
        ("generated table", "gan"),
    )
    for classes in (True, False)
    for rows in (50, 300, 100_000)
    for numeric in (0, 3, 1_000)
    for categorical in (0, 2)
] + [DataFacts("image", True, 900, 0, 0, family="resnet", colour=colour) for colour in (True, False)]
"""One of each sort of data that rows tell apart."""


def value(recipe: Recipe, key: str) -> Any:
    """What a recipe has at a key."""
    return getattr(getattr(recipe, leaves()[key][0]), key)


def test_the_tables_are_of_the_presets_that_recipes_name() -> None:
    assert set(PRESETS) == set(get_args(SearchSection.model_fields["preset"].annotation))
    assert set(ROWS) == {
        (preset, kind) for preset in PRESETS for kind in (*KINDS[:-1], "generated image", "generated table")
    }
    assert make().search.preset == "balanced"
    for preset in PRESETS:
        assert make(preset=preset).search.preset == preset


@pytest.mark.parametrize(("preset", "kind", "row"), all_rows(), ids=lambda part: getattr(part, "key", part))
def test_a_row_is_what_the_recipe_would_make_of_the_same_words(preset: str, kind: Kind, row: Row) -> None:
    assert value(make(**{row.key: to_plain(row.setting)}), row.key) == row.setting
    assert row.source
    assert any(
        found is row for facts in EVERY if facts.kind == kind for found in rows_for(preset, facts).values()
    ), "never used"


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("facts", EVERY, ids=str)
def test_what_a_preset_makes_is_a_recipe_with_a_space(preset: str, facts: DataFacts) -> None:
    asked = make(preset=preset, loss="mse" if not facts.classification else "cross_entropy")
    found = with_preset(asked, facts)
    assert make(yaml.safe_load(as_yaml(found))) == found
    rows = rows_for(preset, facts)
    for key in leaves():
        assert value(found, key) == (rows[key].setting if key in rows else value(asked, key))
    assert with_preset(asked, facts) == found == with_preset(found, facts)
    names = {parameter.name for parameter in from_recipe(found).parameters}
    assert "lr" in names
    if facts.kind == "table" and not facts.numeric:
        assert not names & {"numbers", "scaling", "frequency_scale"}, "nothing hangs on them"
    if facts.kind == "table" and not facts.categorical:
        assert not names & {"categories", "embedding_width"}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_user_sets_stays_even_where_it_is_the_default(preset: str, kind: Any) -> None:
    defaults = make()
    facts = replace(TABLE, kind=kind)
    for key in rows_for(preset, facts):
        asked = make(preset=preset, **{key: to_plain(value(defaults, key))})
        found = with_preset(asked, facts)
        assert value(found, key) == value(defaults, key), key
        hanging = {k for k, (_, domain) in domains().items() if domain.when and domain.when[0] == key}
        others = rows_for(preset, facts).keys() - {key} - hanging
        assert all(value(found, other) == rows_for(preset, facts)[other].setting for other in others)


def test_what_has_no_meaning_beside_what_the_user_fixes_is_left_alone() -> None:
    facts, images = replace(TABLE, rows=90_000), replace(TABLE, kind="image")
    default = make().network.frequency_scale
    assert with_preset(make(preset="best"), facts).network.frequency_scale != default
    assert with_preset(make(preset="best", numbers="plain"), facts).network.frequency_scale == default
    assert (
        with_preset(make(preset="best", numbers=["plain", "periodic"]), facts).network.frequency_scale
        != default
    )
    assert with_preset(make(preset="best", family="mlp"), images).network.kernel == "auto"
    assert with_preset(make(preset="best", family="auto"), images).network.kernel == Choice((3, 5))


def test_a_recipe_written_out_is_all_set() -> None:
    whole = make(yaml.safe_load(as_yaml(make(preset="best"))))
    assert with_preset(whole, TABLE) == whole
    assert not is_open(whole)
    assert is_open(make(preset="best", lr=0.01))
    assert len(keys_set(whole)) == len(leaves())
    assert keys_set(make(preset="best", lr=0.01)) == ["training.lr", "search.preset"]


def test_a_recipe_keeps_what_was_set_on_its_way_through_python() -> None:
    asked = build_recipe(make(preset="best", lr=0.01), trials=3)
    assert keys_set(asked) == ["training.lr", "search.preset", "search.trials"]
    assert with_preset(asked, TABLE).training.lr == 0.01
    assert with_preset(asked, TABLE).network.dropout == rows_for("best", TABLE)["dropout"].setting


@pytest.mark.parametrize(
    ("where", "held", "words"),
    [
        (Where(), True, ""),
        (Where(classification=False), False, "a regression"),
        (Where(classification=True, rows=(900, None)), True, "classes, 900 or more training rows"),
        (Where(rows=(0, 899)), False, "up to 899 training rows"),
        (Where(families=("resnet",), colour=True), False, "resnet, colour"),
        (Where(numeric=(1, 4), categorical=(0, 0)), False, "1 to 4 numeric columns, no categorical columns"),
    ],
)
def test_where_holds_and_says_so(where: Where, held: bool, words: str) -> None:
    assert (where.holds(TABLE), where.words()) == (held, words)


def test_the_first_row_that_holds_wins() -> None:
    small, large = (rows_for("best", replace(TABLE, rows=rows))["width"].setting for rows in (900, 90_000))
    assert small != large
    assert isinstance(small, Choice)
    assert isinstance(large, Choice)
    assert max(small.choices) > max(large.choices), "wide networks take long where rows are many"


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_study_with_a_preset(preset: str, task: str, tmp_path: Path) -> None:
    asked = {"preset": preset, "width": 8, "depth": 1, "trials": 3, "epochs": 2, "categories": "onehot"}
    study = cotune.tune(csv(tmp_path, task), target="y", out=tmp_path / "study", **asked)
    meta = study.view().meta
    for section, key in (("network", "width"), ("prepare", "categories")):
        assert meta["resolved"][section][key] == asked[key]
    assert set(meta["asked"]) == {
        *("data.source", "data.target", "network.width", "network.depth", "prepare.categories"),
        *("search.preset", "search.trials", "training.epochs"),
    }
    facts = DataFacts("table", classification=task == "binary", rows=77, numeric=3, categorical=2)
    for key, row in rows_for(preset, facts).items():
        section = leaves()[key][0]
        if f"{section}.{key}" not in meta["asked"]:
            assert meta["resolved"][section][key] == to_plain(row.setting), key
            assert meta["recipe"][section][key] == to_plain(value(make(), key)), "as asked"
    assert len(study.best.predict(tmp_path / "t.csv")) == 120


@pytest.mark.parametrize("preset", PRESETS)
def test_a_study_of_series_with_a_preset(preset: str, tmp_path: Path) -> None:
    """What has no meaning for a recurrent network is not set."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 6)).cumsum(axis=1)
    asked = {"family": "gru", "preset": preset, "width": 8, "trials": 2, "epochs": 2}
    study = cotune.tune((x, x[:, -1] > 0), out=tmp_path / "study", **asked)
    resolved = study.view().meta["resolved"]
    facts = DataFacts("series", classification=True, rows=77, numeric=6, categorical=0)
    rows = rows_for(preset, facts)
    assert resolved["after"]["members"] == (rows["members"].setting if "members" in rows else 16)
    assert (resolved["network"]["activation"], resolved["prepare"]["numbers"]) == ("tanh", "plain")


def test_the_studys_file_makes_the_same_study(tmp_path: Path) -> None:
    data = csv(tmp_path)
    asked = {**FAST, "preset": "best"}
    del asked["activation"]
    study = cotune.tune(data, target="y", out=tmp_path / "study", **asked)
    again = cotune.tune(recipe=study.path / "study.yaml", out=tmp_path / "again")
    assert lasting(again.path) == lasting(study.path)
    assert len({t.params["activation"] for t in study.view().trials}) > 1
    assert view_of(again.path).meta["resolved"] == study.view().meta["resolved"]


def test_resume_keeps_the_resolved_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a newer version has other rows."""
    study = tune(csv(tmp_path), tmp_path / "study", preset="best", trials=4)
    meta = study.view().meta
    with Store.open(study.path / "study.sqlite") as store:
        store.set_meta(finished=None, result=None)
    shutil.rmtree(study.path / "best")
    monkeypatch.setattr(presets, "ROWS", dict.fromkeys(ROWS, ()))
    cotune.resume(study.path)
    after = study.view().meta
    assert after["finished"] == meta["finished"]
    assert after["resolved"] == meta["resolved"]
    assert after["result"] == meta["result"]


def test_longer_trials_with_better_presets(tmp_path: Path) -> None:
    data = csv(tmp_path)
    asked = {key: setting for key, setting in FAST.items() if key != "epochs"}
    epochs = [
        cotune.tune(
            data, target="y", out=tmp_path / name, **{**asked, "trials": 1}, preset=name, patience=1
        ).view().meta["resolved"]["training"]["epochs"]
        for name in PRESETS
    ]  # fmt: skip
    assert epochs == [EFFORTS[name].epochs[1] for name in PRESETS], "the most, for so few rows"
    assert epochs == sorted(set(epochs))


def test_the_command_line_takes_and_shows_presets(tmp_path: Path) -> None:
    data = csv(tmp_path)
    words = ("tune", data, "--target", "y", "--preset", "best", "--set", "dropout=0.25")
    printed = command(*words, "--print-recipe")
    assert (printed.code, printed.err) == (0, "")
    recipe = make(yaml.safe_load(printed.out))
    facts = DataFacts("table", classification=True, rows=77, numeric=3, categorical=2)
    assert recipe.network.dropout == 0.25
    assert recipe.network.activation == rows_for("best", facts)["activation"].setting
    assert command("tune", "-q", *words[1:], *FAST_WORDS, "--out", tmp_path / "study").code == 0
    assert read(tmp_path / "study" / "study.yaml")["search"]["preset"] == "best"
    wrong = command("tune", data, "--target", "y", "--preset", "bets")
    assert wrong.code == 2
    assert (
        "search.preset must be 'fast', 'balanced' or 'best', but got 'bets'; did you mean 'best'?"
        in wrong.err
    )


def test_a_preset_without_data_cannot_be_printed(tmp_path: Path) -> None:
    said = command("tune", "--preset", "best", "--print-recipe")
    assert said.code == 2
    assert "what the preset best sets depends on the data: name them" in said.err
    file = tmp_path / "whole.yaml"
    file.write_text(as_yaml(make(preset="best")))
    assert command("tune", "--recipe", file, "--print-recipe").out == file.read_text()
