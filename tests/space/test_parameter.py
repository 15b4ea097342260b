"""Laws of a single parameter."""

import math
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotune.recipe.settings import Choice, Domain, Range
from cotune.space import Parameter

PARAMETERS = {
    "float": Parameter("dropout", Range(0.0, 0.5), Domain("float")),
    "float log": Parameter("lr", Range(3e-4, 3e-2, log=True), Domain("float", fusable=True)),
    "float step": Parameter("dropout", Range(0.1, 0.75, step=0.1), Domain("float")),
    "int": Parameter("width", Range(8, 512), Domain("int")),
    "int log": Parameter("width", Range(8, 512, log=True), Domain("int")),
    "int step": Parameter("depth", Range(1, 10, step=4), Domain("int")),
    "int of a ladder": Parameter("filters", Range(8, 64, step=16), Domain("int", low=8, step=8)),
    "numbers": Parameter("width", Choice((64, 128, 256)), Domain("int")),
    "names": Parameter("activation", Choice(("relu", "gelu")), Domain("name", options=("relu", "gelu"))),
    "sizes": Parameter("size", Choice(("small", "medium", "large"), ordered=True), Domain("name")),
    "falling": Parameter("width", Choice((256, 64, 16)), Domain("int")),
    "words of numbers": Parameter("width", Choice((16, 64, 256), ordered=False), Domain("int")),
    "switch": Parameter("residual", Choice((True, False)), Domain("bool")),
}
units = st.floats(0.0, 1.0)
every = pytest.mark.parametrize("parameter", PARAMETERS.values(), ids=PARAMETERS.keys())


@every
@given(unit=units)
def test_every_place_has_a_legal_value_that_comes_back(parameter: Parameter, unit: float) -> None:
    value = parameter.from_unit(unit)
    assert parameter.contains(value)
    again = parameter.from_unit(parameter.to_unit(value))
    assert type(again) is type(value)
    assert again == (pytest.approx(value, rel=1e-9, abs=1e-12) if parameter.kind == "float" else value)


@every
def test_both_ends_are_reached(parameter: Parameter) -> None:
    ends = parameter.from_unit(0.0), parameter.from_unit(1.0)
    match parameter.setting:
        case Choice(choices):
            assert ends == (choices[0], choices[-1])
        case Range(low, high, _, step):
            assert ends[0] == pytest.approx(low)
            assert ends[1] == pytest.approx(high) if step is None else high - step < ends[1] <= high


@every
def test_optuna_knows_the_same_values(parameter: Parameter) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        distribution = parameter.distribution()
    for i in range(11):
        value = parameter.from_unit(i / 10)
        told = parameter.to_optuna(value)
        assert distribution._contains(distribution.to_internal_repr(told))
        assert parameter.contains(parameter.from_optuna(told))


def test_steps_are_the_decimals_that_were_written() -> None:
    parameter = Parameter("dropout", Range(0.1, 0.5, step=0.1), Domain("float"))
    assert parameter.points == (0.1, 0.2, 0.3, 0.4, 0.5)
    assert parameter.nearest(0.1 + 2 * 0.1) == 0.3


def test_a_log_range_is_even_in_ratio() -> None:
    lr = Parameter("lr", Range(1e-4, 1e-2, log=True), Domain("float"))
    assert math.isclose(lr.from_unit(0.5), 1e-3)
    assert math.isclose(lr.to_unit(1e-3), 0.5)


def test_whole_numbers_get_equal_shares() -> None:
    depth = Parameter("depth", Range(1, 3), Domain("int"))
    drawn = [depth.from_unit((i + 0.5) / 300) for i in range(300)]
    assert [drawn.count(n) for n in (1, 2, 3)] == [100, 100, 100]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("float", 0.25),
        ("float log", 3e-3),
        ("int", 260),
        ("int step", 5),
        ("numbers", 128),
        ("names", "relu"),
        ("sizes", "medium"),
        ("switch", True),
    ],
)
def test_the_middle_is_the_centre_of_what_is_ordered_and_the_first_of_what_is_not(
    name: str, value: object
) -> None:
    assert PARAMETERS[name].from_unit(PARAMETERS[name].middle) == pytest.approx(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("float", 0.6), ("float", "0.1"), ("int", 7), ("int", 8.0), ("numbers", 65), ("switch", 1)],
)
def test_what_is_outside_is_not_contained(name: str, value: object) -> None:
    assert not PARAMETERS[name].contains(value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("float", "float"),
        ("int log", "int"),
        ("numbers", "ordinal"),
        ("names", "categorical"),
        ("sizes", "ordinal"),
        ("words of numbers", "categorical"),
        ("float log", "float"),
    ],
)
def test_kind(name: str, kind: str) -> None:
    assert PARAMETERS[name].kind == kind


def test_fusable_is_the_domains() -> None:
    assert PARAMETERS["float log"].fusable
    assert not PARAMETERS["int"].fusable
