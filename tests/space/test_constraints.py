"""Sentences that configurations must meet: what they mean, what they may not be, and configurations that meet them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotune.errors import RecipeError
from cotune.recipe import make
from cotune.space import Space, from_recipe
from cotune.space.constraints import Constraint, read_constraint
from cotune.space.feasible import mended, must_have_some

NAMES = {name: name for name in ("width", "depth", "lr", "momentum", "activation", "residual")}


def read(text: str) -> Constraint:
    return read_constraint(text, NAMES, switches=["residual"])


FULL = {"width": 64, "depth": 3, "lr": 0.01, "momentum": 0.9, "activation": "relu", "residual": True}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("width * depth <= 192", True),
        ("width * depth < 192", False),
        ("width >= 128 or lr <= 0.01", True),
        ("not residual or depth >= 2", True),
        ("residual", True),
        ("residual and depth > 3", False),
        ("10 < width <= 64", True),
        ("64 < width < 100", False),
        ("activation in ['relu', 'gelu']", True),
        ("activation not in ('relu',)", False),
        ("activation == 'relu' and width % 8 == 0", True),
        ("depth <= 2 if activation == 'relu' else depth <= 9", False),
        ("max(width, 100) - min(depth, 2) == 98", True),
        ("log10(lr) <= -2 and sqrt(width) == 8 and abs(-depth) == 3", True),
        ("width // 10 ** 1 == 6", True),
        ("width / (depth - 3) > 1", False),  # cannot be computed
        ("lr ** 10000 ** 10000 == 0", False),
        ("(-depth) ** 0.5 < 1", False),
    ],
)
def test_what_a_sentence_means(text: str, holds: bool) -> None:
    assert read(text).holds(FULL) is holds


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("momentum > 0.95", True),
        ("not momentum > 0.95", True),
        ("momentum > 0.95 and depth > 3", False),
        ("momentum > 0.95 or depth > 3", True),
        ("momentum + depth < 0", True),
        ("depth > 3 if momentum > 0 else depth > 3", True),
    ],
)
def test_what_has_no_value_is_unknown_and_forbids_nothing(text: str, holds: bool) -> None:
    assert read(text).holds({n: v for n, v in FULL.items() if n != "momentum"}) is holds


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("width *", "is no expression"),
        ("width = 3", "is no expression"),
        ("widht < 3", "'widht'.*did you mean 'width'"),
        ("width * depth", "must be true or false, but width \\* depth is neither"),
        ("width", "must be true or false"),
        ("residual and depth", "depth is neither"),
        ("1 < 2", "names no parameter"),
        ("__import__('os').system('true')", "may not call"),
        ("open('x') == width", "may not call open"),
        ("width.real == 3", "'width.real', which is no parameter"),
        ("(lambda: width)() < 3", "may not call"),
        ("[w for w in (1, 2)] == width", "may not have"),
        ("width[0] < 3", "may not have"),
        ("width is 3", "may not have is"),
        ("f'{width}' == '3'", "may not have"),
        ("min(width, key=abs) < 3", "may not call min"),
        ("width < 1" + " or width < 1" * 60, "letters; write several"),
        ("(" * 240 + "width" + ")" * 240 + " < 1", "is no expression"),
    ],
)
def test_what_a_sentence_may_not_be(text: str, says: str) -> None:
    with pytest.raises(RecipeError, match=f"search.constraints.*{says}"):
        read(text)


def test_words_do_not_multiply() -> None:
    """They could fill memory."""
    constraint = read("'a' * 1000000000 == activation")
    assert not constraint.holds(FULL)
    with pytest.raises(RecipeError, match="cannot be computed where activation is 'relu'"):
        constraint.check(FULL)


BOUND = from_recipe(
    make(
        width=[16, 32, 64, 128, 256],
        depth={"low": 1, "high": 6},
        optimizer=["adamw", "sgd"],
        momentum={"low": 0.0, "high": 0.99},
        lr={"low": 1e-4, "high": 1e-1, "log": True},
        constraints=["width * depth <= 256", "optimizer == 'adamw' or lr * (1 - momentum) >= 1e-3"],
    )
)


@given(
    st.lists(st.floats(0, 1), min_size=len(BOUND.parameters), max_size=len(BOUND.parameters)),
    st.integers(0, 9),
)
def test_what_is_mended_lies_in_the_space_and_nothing_else_is_touched(point: list[float], seed: int) -> None:
    params = BOUND.from_unit(point)
    found = mended(BOUND, params, np.random.default_rng(seed))
    assert BOUND.contains(found)
    spoken = {p.name for p in BOUND.constrained}
    assert spoken == {"width", "depth", "optimizer", "momentum", "lr"}
    assert {n: v for n, v in found.items() if n not in spoken} == {
        n: v for n, v in params.items() if n not in spoken
    }


def test_what_is_mended_is_near() -> None:
    """Two thirds as wide and as deep as can be had; far away would be an end."""
    space = from_recipe(
        make(
            width={"low": 8, "high": 512}, depth={"low": 1, "high": 8}, constraints=["width * depth <= 1024"]
        )
    )
    params = {**space.middle(), "width": 400, "depth": 3}
    moved = [mended(space, params, np.random.default_rng(seed)) for seed in range(20)]
    far = [np.abs(np.array(space.to_unit(m)) - np.array(space.to_unit(params))).sum() for m in moved]
    assert max(far) < 0.35
    assert all(m["width"] * m["depth"] <= 1024 for m in moved)  # type: ignore[operator]


@pytest.mark.parametrize("constraints", [["lr > 0.0999"], ["lr * width >= 25.5", "depth == 6 or lr < 0"]])
def test_a_corner_of_the_space_is_found(constraints: list[str]) -> None:
    space = from_recipe(
        make(
            width={"low": 16, "high": 256}, depth={"low": 1, "high": 6},
            lr={"low": 1e-4, "high": 1e-1, "log": True}, constraints=constraints,
        )
    )  # fmt: skip
    must_have_some(space)
    assert space.anchor is not None
    assert space.contains(space.anchor)
    for seed in range(5):
        assert space.contains(mended(space, space.middle(), np.random.default_rng(seed)))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"width": [8, 16], "constraints": ["width > 16"]},
            "no configuration was found that meets 'width > 16'",
        ),
        ({"constraints": ["lr > 1"]}, "searched: lr.*loosen it"),
        ({"width": 8, "constraints": ["width > 8"]}, "searched: none of its parameters"),
        ({"constraints": ["activation < 3"]}, "cannot be computed where activation is 'relu'"),
    ],
)
def test_a_space_without_configurations_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        must_have_some(from_recipe(make(**settings)))


def test_a_finite_space_is_counted_and_walked_without_those_that_break_one() -> None:
    fixed = {"scaling": "standard", "dropout": 0.0, "lr": 0.01, "weight_decay": 0.0, "label_smoothing": 0.0}
    searched = {"activation": "relu", "width": [16, 32, 64], "depth": [1, 2, 3]}
    space = from_recipe(make(**fixed, **searched, constraints="width * depth < 96"))
    found = list(space.walk())
    assert len(found) == space.size() == 6
    assert all(p["width"] * p["depth"] < 96 for p in found)  # type: ignore[operator]
    assert Space(space.parameters, space.fixed).size() == 9


def test_own_parameters_are_named_as_build_names_them() -> None:
    own = {
        "units": {"kind": "int", "low": 1, "high": 9},
        "bias": {"kind": "choice", "choices": [True, False]},
    }
    for name in ("units", "module.units"):
        space = from_recipe(
            make({"module": {"parameters": own}, "search": {"constraints": [f"not bias or {name} > 4"]}})
        )
        assert space.feasible({"module.units": 5, "module.bias": True})
        assert not space.feasible({"module.units": 4, "module.bias": True})
        assert space.feasible({"module.units": 4, "module.bias": False})


def test_keys_may_be_named_with_their_sections() -> None:
    space = from_recipe(make(constraints=["training.lr < 0.01 and network.depth > 0"]))
    assert space.constraints[0].names == {"lr", "depth"}
