"""The machine by itself: it stops where a loss is not finite, may be called piece by piece, and has all it calls."""

import ast
import inspect
import math
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pytest

from cotune.kernels import activations, fields, leaves, losses, machine, program, updates
from cotune.kernels.loading import needed
from cotune.nets.image.cnn import CNN
from cotune.nets.layout import Layout
from cotune.nets.mlp import MLP
from cotune.nets.rnn import RNN
from kernels.bench import Bench, outputs_of

NETWORKS = {
    "plain": MLP(5, (), 0, 16, 2, "none", False, 3),
    "residual": MLP(5, (), 0, 16, 3, "layer", True, 3),
    "batch": MLP(5, (4,), 3, 16, 2, "batch", False, 3),
    "linear": MLP(5, (), 0, 16, 0, "none", False, 3),
    "cnn": CNN(6, 5, 1, (8, 8), 3, 3),
    "rnn": RNN(4, 3, 16, 3),
}


def assert_same(one: list[np.ndarray], other: list[np.ndarray]) -> None:
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def assert_stops(make: Bench, clean: Bench, step: int) -> None:
    """It comes to the step and no further; what was trained before is the same as without the fault."""
    assert make.train(0, make.steps) == step
    assert clean.train(0, step) == step
    assert_same(make.state(), clean.state())
    assert math.isfinite(make.total[0])
    assert all(np.isfinite(part).all() for part in make.state())


def poison(bench: Bench, step: int, value: float) -> None:
    """Put a value into the data of one row, which its batch meets at `step`."""
    row = bench.parts["order"][step * bench.batch + 3]
    bench.parts["numeric"][row, 1] = value


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("step", [0, 4])
def test_training_stops_at_nan(name: str, step: int) -> None:
    """The compiler may reorder sums, but it may not take NaN for impossible."""
    rates = {"dropout": 0.0 if name == "batch" else 0.3, "label_smoothing": 0.1}
    bench, clean = (Bench(NETWORKS[name], rates=rates) for _ in range(2))
    poison(bench, step, math.nan)
    if name == "batch":  # whose statistics follow before the loss is known
        assert bench.train(0, bench.steps) == step
        assert clean.train(0, step) == step
        assert_same(bench.state()[:2], clean.state()[:2])
    else:
        assert_stops(bench, clean, step)


@pytest.mark.parametrize("activation", activations.NAMES)
@pytest.mark.parametrize("loss", losses.NAMES)
def test_no_activation_and_no_loss_hides_nan(activation: str, loss: str) -> None:
    network, rates = (
        MLP(5, (), 0, 16, 2, "none", False, outputs_of(loss)),
        {"quantile": 0.3, "focal_gamma": 2.0},
    )
    bench, clean = (
        Bench(network, activation=activation, loss=loss, optimizer="sgd", rates=rates) for _ in range(2)
    )
    poison(bench, 2, math.nan)
    assert_stops(bench, clean, 2)


@pytest.mark.parametrize("value", [math.inf, -math.inf, 3e38])
def test_training_stops_at_infinity(value: float) -> None:
    """Also where it comes from finite numbers, by overflow."""
    network = MLP(5, (), 0, 16, 2, "none", False, 1)
    bench, clean = (Bench(network, activation="identity", loss="mse") for _ in range(2))
    poison(bench, 3, value)
    assert_stops(bench, clean, 3)


@pytest.mark.parametrize("name", NETWORKS)
def test_training_in_pieces_is_training_in_one(name: str) -> None:
    rates = {"dropout": 0.2, "l1": 1e-3, "clip_norm": 0.7}
    one, other = (Bench(NETWORKS[name], rates=rates) for _ in range(2))
    assert one.train(0, 6) == 6
    for first, last in ((0, 1), (1, 4), (4, 4), (4, 6)):
        assert other.train(first, last) == last
    assert_same(one.state(), other.state())
    assert np.isfinite(one.parts["gradient"]).all(), "some weight has no gradient"


@pytest.mark.parametrize("name", NETWORKS)
def test_lanes_of_one_call_are_lanes_of_their_own(name: str) -> None:
    """Though they share arena, gradient and order."""
    alone, shared = ([Bench(NETWORKS[name], seed=seed) for seed in range(3)] for _ in range(2))
    for bench in alone:
        bench.train(0, bench.steps)
    at, size, rate = (np.stack([getattr(bench, part) for bench in shared]) for part in ("at", "size", "rate"))
    for place in ("arena", "gradient", "scratch", "order"):
        at[:, fields.PLACES.index(place)] = shared[0].parts[place].ctypes.data
    losses, reached = np.zeros(3), np.full(3, -1)
    machine.train_epochs(shared[0].table, at, size, rate, losses, reached, 0, 3)
    assert reached.tolist() == [6, 6, 6]
    for bench, twin, loss in zip(shared, alone, losses, strict=True):
        assert_same(bench.state()[:3], twin.state()[:3])
        assert loss == twin.total[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_predictions_do_not_depend_on_how_rows_are_cut(name: str) -> None:
    """30 validation rows in pieces of 64, 8 and 30, to the last bit."""
    benches = [Bench(NETWORKS[name], rows=rows) for rows in (64, 8, 30)]
    first, *others = [bench.evaluate() for bench in benches]
    assert np.isfinite(first).all()
    np.testing.assert_allclose(np.exp(first.astype(float)).sum(1), 1, rtol=1e-5)
    for other in others:
        np.testing.assert_array_equal(other, first)


def calls(node: ast.AST, loss: int, under: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """(conditions around it, leaf) of each call for lanes with a loss; leaves are names with a line in front."""
    rest, inside = list(ast.iter_child_nodes(node)), under
    if isinstance(node, ast.If):
        test, rest = ast.unparse(node.test), node.orelse
        if not test.startswith("kind "):
            inside = (*under, *test.split(" and "))
        if not test.startswith("kind ") or eval(test, {"kind": loss, "losses": losses}):  # noqa: S307
            yield from (found for line in node.body for found in calls(line, loss, inside))
            rest = rest if inside != under else []
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.startswith("_"):
        yield under, node.func.id[1:]
    yield from (found for part in rest for found in calls(part, loss, under))


def names(some: leaves.Leaves) -> set[str]:
    return {leaf.__name__ for leaf in some}


def granted(condition: str) -> set[str]:
    """Names of the leaves that are loaded for lanes of which a condition of the machine is true."""
    match condition.replace("[", " ").replace("]", "").split():
        case ["code", "==", operation]:
            return names(leaves.OF_OPERATIONS.get(getattr(program, operation), ()))
        case ["rate", name, ">", "0.0"]:
            return names(leaves.OF_RATES[getattr(fields, name)])
        case ["size", name, ">=", "0"]:
            return names(leaves.OF_SLOTS[getattr(fields, name)])
        case ["at", "PACE"]:
            return names(leaves.PACED)
        case _:
            return set()


@pytest.mark.parametrize("loss", losses.NAMES)
def test_every_leaf_that_is_called_is_loaded(loss: str) -> None:
    """And none is loaded for lanes that do not call it."""
    code = losses.NAMES.index(loss)
    common, called, conditions = names(leaves.COMMON), defaultdict(set), set()
    for under, leaf in calls(ast.parse(inspect.getsource(machine)), code):
        conditions |= set(under)
        granting = [condition for condition in under if leaf in granted(condition)]
        for home in granting or ["every lane" if leaf in common else "the loss"]:
            called[home].add(leaf)
    assert called["every lane"] == common
    assert called["the loss"] == names(leaves.OF_LOSSES[code])
    for condition in conditions:
        assert called[condition] == granted(condition), condition
    assert len([1 for condition in conditions if granted(condition)]) == 19


def test_leaves_are_called_by_their_names() -> None:
    for leaf in leaves.LEAVES:
        assert getattr(machine, f"_{leaf.__name__}").__name__ == leaf.__name__


def test_only_what_lanes_need_is_loaded() -> None:
    bench = Bench(NETWORKS["plain"], rates={"l1": 0.1}, optimizer="sgd")
    size, rate = bench.size[None], bench.rate[None]
    made = NETWORKS["plain"].program(Layout.of(NETWORKS["plain"].weights()), Layout.of(()), 8)
    own = names(needed(made, size, rate, paced=False))
    assert own == names(leaves.COMMON) | {"cross_entropy", "log_probabilities", "add_l1"}
    size[:, fields.SUM], size[:, fields.OPTIMIZER] = 0, updates.NAMES.index("lion")
    more = names(needed(made, size, rate, paced=True))
    assert more - own == {"add_part", "take_sum", "still", "at_pace", "descend"}


def test_a_leaf_that_is_not_loaded_is_named() -> None:
    """The process ends, but it says why."""
    code = """if True:
        import numpy as np
        from cotune.kernels import fields, machine
        machine.shuffle(np.zeros(len(fields.PLACES), np.int64), np.zeros(len(fields.SIZES), np.int64))
    """
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert process.returncode == -signal.SIGABRT
    assert process.stderr.startswith("cotune_orders_shuffle is called, but it has not been loaded")
