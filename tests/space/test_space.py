"""From recipes to spaces, and the laws of a space."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cotune.recipe import Choice, Range, as_yaml, make
from cotune.recipe.settings import to_plain
from cotune.space import Space, from_recipe

CONDITIONAL = from_recipe(
    make(
        optimizer=["adamw", "sgd"],
        momentum=[0.0, 0.5, 0.9],
        schedule=["constant", "cosine"],
        final_lr={"low": 0.0, "high": 0.1, "step": 0.05},
        scaling="standard",
        width=64,
        depth=[1, 2],
        activation="relu",
        dropout=0.0,
        lr=0.01,
        weight_decay=0.0,
        label_smoothing=0.0,
    )
)


def names(space: Space) -> list[str]:
    return [p.name for p in space.parameters]


def test_the_default_recipe() -> None:
    space = from_recipe(make())
    assert names(space) == [
        "scaling",
        "width",
        "depth",
        "activation",
        "dropout",
        "lr",
        "weight_decay",
        "label_smoothing",
    ]
    assert [p.name for p in space.fusable] == ["dropout", "lr", "weight_decay", "label_smoothing"]
    assert space.fixed["optimizer"] == "adamw"
    assert space.fixed["batch_size"] == "auto"
    assert "epochs" not in space.fixed
    assert space.size() is None


def test_one_choice_and_one_point_are_fixed() -> None:
    space = from_recipe(make(width=[32], depth=Choice((2,)), dropout=Range(0.1, 0.1)))
    assert {k: space.fixed[k] for k in ("width", "depth", "dropout")} == {
        "width": 32,
        "depth": 2,
        "dropout": 0.1,
    }
    assert not {"width", "depth", "dropout"} & set(names(space))


def test_a_condition_on_a_fixed_key_is_settled() -> None:
    met = from_recipe(make(optimizer="sgd", momentum=[0.5, 0.9]))
    assert next(p for p in met.parameters if p.name == "momentum").active({})
    unmet = from_recipe(make(optimizer="adamw", momentum=[0.5, 0.9]))
    assert "momentum" not in names(unmet)
    assert "momentum" not in unmet.fixed


def test_a_condition_on_what_is_not_decided_yet_counts_as_met() -> None:
    assert "label_smoothing" in names(from_recipe(make(loss="auto")))
    assert "label_smoothing" not in names(from_recipe(make(loss="mse")))


def test_conditions_stand_before_what_they_condition() -> None:
    space = from_recipe(make(embedding_width=[4, 8], categories=["onehot", "embedding"], keep=0.5))
    assert names(space).index("categories") < names(space).index("embedding_width")
    for parameter in CONDITIONAL.parameters:
        if parameter.domain.when:
            order = names(CONDITIONAL)
            assert order.index(parameter.domain.when[0]) < order.index(parameter.name)


def test_an_inactive_parameter_is_absent() -> None:
    params = CONDITIONAL.from_unit([0.0] * len(CONDITIONAL.parameters))
    assert params == {"depth": 1, "optimizer": "adamw", "schedule": "constant"}
    momentum = next(p for p in CONDITIONAL.parameters if p.name == "momentum")
    assert not momentum.active(params)
    assert momentum.active({**params, "optimizer": "sgd"})
    assert not momentum.active({})
    assert CONDITIONAL.contains(params)
    assert not CONDITIONAL.contains({**params, "momentum": 0.9})
    assert not CONDITIONAL.contains({**params, "optimizer": "sgd"})


def test_complete_adds_what_is_fixed() -> None:
    params = CONDITIONAL.middle()
    assert CONDITIONAL.complete(params) == {**CONDITIONAL.fixed, **params}
    assert CONDITIONAL.complete(params)["width"] == 64


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_the_cube_and_back(point: list[float]) -> None:
    params = CONDITIONAL.from_unit(point)
    assert CONDITIONAL.contains(params)
    back = CONDITIONAL.to_unit(params)
    assert CONDITIONAL.from_unit(back) == params
    for parameter, place in zip(CONDITIONAL.parameters, back, strict=True):
        assert parameter.name in params or place == 0.5


def test_a_finite_space_is_counted_and_walked() -> None:
    # depth 2 × (adamw + sgd × 3 momenta) × (constant + cosine × 3 ends)
    assert CONDITIONAL.size() == 2 * (1 + 3) * (1 + 3)
    walked = list(CONDITIONAL.walk())
    assert len(walked) == len({frozenset(p.items()) for p in walked}) == 32
    assert all(CONDITIONAL.contains(params) for params in walked)


def test_an_empty_space_has_one_configuration() -> None:
    space = Space((), {"width": 64})
    assert space.size() == 1
    assert list(space.walk()) == [{}]
    assert space.from_unit([]) == {}


@pytest.mark.parametrize(
    "setting",
    [
        {"low": 1e-5, "high": 1e-1, "log": True, "prior": 3e-3, "confidence": "high"},
        {"low": 0.1, "high": 0.5, "step": 0.1, "prior": 0.3, "confidence": "medium"},
        {"choices": [0.1, 0.2], "prior": 0.2, "confidence": "low"},
        {"choices": [0.1, 0.2], "ordered": False},
        [0.1, 0.2],
    ],
)
def test_a_setting_is_written_as_it_was_read(setting: object) -> None:
    assert to_plain(make(lr=setting).training.lr) == setting
    again = make(yaml.safe_load(as_yaml(make(lr=setting))))
    assert again.training.lr == make(lr=setting).training.lr


def test_three_values_that_rise_or_fall_are_in_order_and_names_are_not() -> None:
    assert [Choice(values).ordinal for values in ((16, 64, 256), (0.9, 0.5), (2, 8, 4), ("a", "b"), (False, True))] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert Choice(("a", "b"), ordered=True).ordinal
    assert not Choice((1, 2), ordered=False).ordinal
