"""Programs: nothing in the arena is overwritten while it is needed, every buffer is aligned, room is used again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotune.kernels.program import ACTIVATE, CODE, DX, DY, EXTRA, EXTRA1, EXTRA2, EXTRA3, Builder, Program
from cotune.nets.image.cnn import CNN
from cotune.nets.layout import Layout
from cotune.nets.mlp import MLP
from cotune.nets.network import Network
from cotune.nets.rnn import RNN
from kernels.checker import check


def program_of(network: Network, rows: int) -> Program:
    return network.program(Layout.of(network.weights()), Layout.of(network.statistics()), rows)


@settings(deadline=None, max_examples=150, derandomize=True)
@given(
    features=st.integers(0, 20),
    cardinalities=st.lists(st.integers(1, 5), max_size=3).map(tuple),
    width=st.integers(1, 5).map(lambda eighths: 8 * eighths),
    depth=st.integers(0, 6),
    norm=st.sampled_from(["none", "batch", "layer"]),
    residual=st.booleans(),
    outputs=st.integers(1, 40),
    rows=st.integers(1, 70),
)
def test_perceptrons(
    features: int, cardinalities: tuple[int, ...], width: int, depth: int, norm: str, residual: bool, outputs: int,
    rows: int,
) -> None:  # fmt: skip
    features = features or (0 if cardinalities else 1)
    check(program_of(MLP(features, cardinalities, 3, width, depth, norm, residual, outputs), rows))


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    height=st.integers(4, 12),
    across=st.integers(4, 12),
    channels=st.sampled_from([1, 3, 8]),
    filters=st.lists(st.sampled_from([8, 16]), min_size=1, max_size=2).map(tuple),
    kernel=st.sampled_from([1, 3, 5]),
    rows=st.integers(1, 9),
)
def test_convolutional_networks(
    height: int, across: int, channels: int, filters: tuple[int, ...], kernel: int, rows: int
) -> None:
    check(program_of(CNN(height, across, channels, filters, kernel, 10), rows))


@pytest.mark.parametrize(("times", "inputs", "width", "rows"), [(1, 1, 8, 1), (7, 3, 16, 5), (20, 9, 40, 33)])
def test_recurrent_networks(times: int, inputs: int, width: int, rows: int) -> None:
    check(program_of(RNN(times, inputs, width, 3), rows))


def test_the_checker_notices() -> None:
    """Two gradients at one place, in a network whose residual needs both."""
    program = program_of(MLP(5, (), 0, 16, 3, "none", True, 3), 8)
    check(program)
    residuals = [n for n, op in enumerate(program.table) if op[CODE] == ACTIVATE and op[EXTRA] >= 0]
    last = next(n for n in residuals if not program.table[n, EXTRA2])
    program.table[last, EXTRA1] = program.table[last, DY]
    with pytest.raises(AssertionError, match="hold something else"):
        check(program)


def test_places_are_used_again() -> None:
    """A deep network's gradients take no more room than a shallow one's."""

    def gradients(depth: int) -> int:
        table = program_of(MLP(8, (), 0, 8, depth, "none", False, 8), 64).table
        return len({int(place) for place in table[:, DY]} | {int(place) for place in table[:, DX]} - {-1})

    assert gradients(9) == gradients(3)


def test_draws_of_layers_follow_one_another() -> None:
    """Each layer has draws of its own, and there is room for all of them."""
    build = Builder(10)
    h = build.input(8)
    for units in (16, 24, 8):
        h = build.activate(build.linear(h, weight=0, bias=None, units=units))
    program = build.finish(h)
    firsts = [int(op[EXTRA3]) for op in program.table if op[CODE] == ACTIVATE]
    assert firsts == [0, 16, 40]
    assert program.draws == 48 * 10
