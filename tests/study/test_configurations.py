"""Configurations made with what is common worked out once are those that are made from nothing."""

import random

import numpy as np
import polars as pl
import pytest

from cotune.data import load, split
from cotune.recipe import make
from cotune.space import from_recipe
from cotune.study.configurations import Configurations, _Looked, numbers_of
from cotune.study.rules.mending import mended
from cotune.study.rules.rule import Given
from cotune.study.rules.table import RULES
from cotune.study.settling.resolve import resolve

SPACES = {
    "usual": {},
    "many": {
        "optimizer": ["sgd", "adamw", "lion"], "schedule": ["cosine", "reduce_on_plateau", "one_cycle"],
        "averaging": ["none", "ema"], "norm": ["none", "batch"], "depth": [0, 1, 2], "dropout_kind": ["unit", "alpha"],
        "activation": ["relu", "selu"], "loss": ["cross_entropy", "focal"], "accumulate": [1, 2],
        "residual": [True, False],
    },
    "mended": {"batch_size": [4, 64], "norm": "batch", "freeze": [0, 1, 5], "depth": [1, 3]},
}  # fmt: skip


@pytest.mark.parametrize("name", SPACES)
def test_a_configuration_is_the_one_made_from_nothing(name: str) -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {"a": rng.normal(size=200), "b": rng.choice(["u", "v"], 200), "y": rng.choice(["p", "q"], 200)}
    )
    dataset = load(frame, target="y")
    recipe = make(**SPACES[name])
    splits = split(dataset, recipe.split, seed=0)
    resolved = resolve(recipe, dataset, splits)
    space, given = from_recipe(resolved), Given.of(resolved, dataset, splits)
    made, draws, changed = Configurations(space, given), random.Random(0), 0
    for _ in range(300):
        params = space.from_unit([draws.random() for _ in space.parameters])
        whole = space.complete(params)
        expected = mended(whole, given)[0]
        found = made.of(params)
        assert found.values == expected
        assert found.numbers == numbers_of(expected)
        changed += expected != whole
    assert len(made._watched) < len(RULES) / (3 if name == "usual" else 1), "rules should be settled once"
    assert changed or name == "usual", "the space was to break some rules"


def test_what_is_looked_at_is_noticed() -> None:
    for look in (lambda c: c["a"], lambda c: c.get("a"), lambda c: "a" in c, dict, len):
        looked = _Looked({"a": 1, "b": 2}, frozenset({"a"}))
        looked.get("b")
        assert not looked.varies
        look(looked)
        assert looked.varies
