"""Devices: no step looks at their numbers or mixes them, no fault is lost in a window, no switch is left turned."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cotune.engine import course, plan
from cotune.engine.bank import Stack
from cotune.engine.course import Course
from cotune.engine.devices import Compute, compute_of
from cotune.engine.lanes import Lane
from cotune.engine.population import Population
from cotune.errors import DeviceError, RecipeError
from cotune.nets.image.cnn import CNN
from cotune.nets.image.resnet import ResNet
from cotune.nets.rnn import RNN
from engine import places
from engine.lanes import lane, metric_of, table
from engine.places import AsGpu

PLACES = ["batched"]  # the tests say themselves where they train
SWITCHES = ("matmul", "cudnn.conv", "cudnn.rnn")
EMBEDDED = table(cardinalities=(4, 3))
EVERYTHING = {
    "plain": {},
    "dropout": {"dropout": 0.3},
    "batch norm": {"norm": "batch", "residual": True},
    "layer norm, padded": {"norm": "layer", "width": 8, "padded": 16},
    "embedded": {"variant": EMBEDDED},
    "class weights, smoothing": {"variant": table(weighted=True), "label_smoothing": 0.1},
    "l1, clip": {"l1": 1e-3, "clip_norm": 0.5},
    "regression": {"variant": table(classes=0)},
    "convolutions": {"variant": table(features=128), "network": CNN(8, 8, 2, (8, 16), 3, 3), "dropout": 0.2},
    "residual": {
        "variant": table(features=128),
        "network": ResNet(8, 8, 2, 8, 2, 1, 3, 3, experts=3, excitation=True, supervision=0.3),
        "dropout": 0.2,
    },
    "recurrent": {"variant": table(features=12), "network": RNN(4, 3, 8, 3)},
}


def at(compute: Compute, lanes: list[Lane], *, chunk: int = 64) -> Population:
    made = Population(
        lanes[0].structure,
        Stack(compute.device),
        metric=metric_of(lanes[0]),
        chunk=chunk,
        way="batched",
        compute=compute,
    )
    made.join(lanes)
    return made


class OneDevice(TorchDispatchMode):
    """Raises where an operation takes tensors of several devices; copies between them are told apart by their names."""

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = set()
        torch.utils._pytree.tree_map_only(
            torch.Tensor, lambda t: found.add(t.device.type), (args, kwargs or {})
        )
        if len(found) > 1:
            raise AssertionError(f"{func} takes tensors of {sorted(found)}")
        return func(*args, **(kwargs or {}))


@pytest.fixture
def ready(request: pytest.FixtureRequest) -> Any:
    """A run of three lanes with all optimizers on PyTorch's `meta` device, which has no numbers to look at."""
    options = request.param
    names = ("sgd", "adamw", "nesterov")
    lanes = [
        lane(i, optimizer=name, activation=("relu", "gelu")[i % 2], **options) for i, name in enumerate(names)
    ]
    made = at(Compute(torch.device("meta")), lanes)
    made.training(len(lanes), lambda: False)
    return made._course(0, len(lanes), 0)


@pytest.mark.parametrize("ready", EVERYTHING.values(), ids=EVERYTHING.keys(), indirect=True)
def test_a_step_looks_at_no_number_and_mixes_no_devices(ready: Course) -> None:
    with OneDevice():
        for t in range(2):
            ready._run.gradients(t, look=False)
            ready._run.update(t)


@pytest.mark.parametrize("options", EVERYTHING.values(), ids=EVERYTHING.keys())
def test_judging_mixes_no_devices(options: Mapping[str, Any]) -> None:
    made = at(Compute(torch.device("meta")), [lane(i, **options) for i in range(3)])
    validation = made.lanes[0].validation
    made._stack.inputs(made.lanes[0].variant, validation)  # copied to the device once
    with OneDevice():
        found = made._judging(0, 3).predicted([0, 2])
    assert found.device.type == "meta"
    assert found.shape[:2] == (2, len(validation))


@pytest.mark.parametrize("ready", [{}], indirect=True)
def test_a_look_at_a_number_is_noticed(ready: Course) -> None:
    with pytest.raises(RuntimeError, match="meta"):
        ready._run.gradients(0)
    with pytest.raises(AssertionError, match="takes tensors of"), OneDevice():
        _ = torch.zeros(3, device="meta").index_select(0, torch.zeros(1, dtype=torch.int64))


def test_rows_that_do_not_fit_on_the_device_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    stack = Stack(torch.device("meta"))
    stack.start_of(table())
    assert len(stack.target) == len(table().target)
    start = stack.start_of(table(seed=1))
    monkeypatch.setattr(torch, "cat", full)
    with pytest.raises(
        DeviceError, match=r"fit into the memory of meta.*0\.00 GB more; set training\.device: cpu"
    ):
        _ = stack.target
    monkeypatch.undo()
    assert len(stack.target) == start + len(table(seed=1).target)


# ------------------------------------------------------------------ windows


@pytest.fixture(params=[2, 3, 64])
def window(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Steps between two looks: fewer than an epoch's, no divisor of them, and more."""
    from cotune.engine import population

    monkeypatch.setattr(population, "WINDOW", request.param)
    return int(request.param)


@pytest.mark.parametrize("lr", [1e30, 30.0])
@pytest.mark.usefixtures("window")
def test_a_fault_in_a_window_is_told_as_without(lr: float) -> None:
    """One lane diverges at once or late, one trains on a row that is NaN; all else is as if each step was looked at."""
    numeric = table().numeric.clone()
    numeric[5] = torch.nan
    bad = table().__class__(numeric, table().codes, table().target, ())
    lanes = [lane(0, batch_size=11), lane(1, batch_size=11, lr=lr, optimizer="sgd", activation="elu")]
    lanes += [lane(2, batch_size=11, variant=bad), lane(3, batch_size=11, norm="none", dropout=0.2)]
    looked, windowed = at(Compute(), lanes), at(AsGpu(), lanes)
    for _ in range(3):
        one, two = looked.train_epoch(), windowed.train_epoch()
        assert one.divergences == two.divergences
        assert [(r.lane, r.train_loss, r.metrics) for r in one.records] == [
            (r.lane, r.train_loss, r.metrics) for r in two.records
        ]
        for name, tensor in looked.state.tensors().items():
            assert torch.equal(tensor.nan_to_num(), windowed.state.tensors()[name].nan_to_num()), name
    assert one.divergences or lr < 1e30


class Counting:
    """In place of a run: it can be taken back, runs out of memory once, and counts what it is asked."""

    def __init__(self, *, fails_at: int) -> None:
        self.taken, self.kept, self.fails_at = 0, 0, fails_at

    def keep(self) -> int:
        return self.taken

    def put_back(self, kept: int) -> None:
        self.taken = kept

    def not_finite(self) -> set[int]:
        return set()

    def gradients(self, t: int, *, look: bool = True) -> list[Any]:
        assert not look
        if t == self.fails_at:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return []

    def update(self, t: int) -> None:
        assert t == self.taken
        self.taken += 1


def test_memory_that_runs_out_in_a_window_takes_it_back_whole() -> None:
    """What was taken without a look may hold faults that nobody has seen."""
    run = Counting(fails_at=6)
    going = Course(run, 0, window=4)  # type: ignore[arg-type]
    with pytest.raises(torch.OutOfMemoryError):
        going.go(20, lambda: False)
    assert going.rewind() == 4
    assert run.taken == 4


def test_a_halt_in_a_window_ends_it_there() -> None:
    run = Counting(fails_at=99)
    going = Course(run, 0, window=4)  # type: ignore[arg-type]
    asked: Iterator[bool] = iter([False] * 6 + [True])
    assert not going.go(20, lambda: next(asked))
    assert going.at == run.taken == 6
    assert course.WINDOW > 1


# ------------------------------------------------------------------ the plan


def test_a_sweep_takes_the_cheapest_count(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def microseconds(lanes: list[Lane], *_: object) -> float:
        asked.append(len(lanes))
        return abs(len(lanes) - 100.0)

    monkeypatch.setattr(plan, "_microseconds", microseconds)
    found = plan.choose([lane()], chunk=300, metric="log_loss", ways=("batched",), compute=AsGpu())
    assert asked == [16, 32, 64, 128, 256]
    assert (found.way, found.alone, found.chunk) == ("batched", False, 128)
    assert found.seconds == found.microseconds["batched, 128 together"] / 1e6
    small = plan.choose([lane()], chunk=5, metric="log_loss", ways=("batched",), compute=AsGpu())
    assert small.chunk == 5


def test_a_sweep_measures() -> None:
    found = plan.choose([lane()], chunk=32, metric="log_loss", ways=("batched",), compute=AsGpu())
    assert found.chunk in (16, 32)
    assert min(found.microseconds.values()) == found.microseconds["batched"] > 0


# ------------------------------------------------------------------ precision and switches


def trained(precision: Any) -> tuple[list[float], Mapping[str, torch.Tensor]]:
    lanes = [lane(0, lr=0.01, norm="batch"), lane(1, lr=0.01, norm="batch", activation="gelu")]
    made = at(Compute(precision=precision), lanes)
    losses = [record.train_loss for _ in range(4) for record in made.train_epoch().records]
    return losses, made.state.tensors()


def test_bf16_rounds_products_and_keeps_float32_weights() -> None:
    """Autocast has the same rules on a CPU."""
    (exact, _), (rounded, state) = trained("float32"), trained("bf16")
    assert rounded != exact
    assert rounded == pytest.approx(exact, rel=0.03)
    assert {state[name].dtype for name in ("weights", "memory", "statistics")} == {torch.float32}
    # Weights that had been rounded to bfloat16 would be unchanged by rounding.
    used = state["weights"][state["weights"] != 0]
    assert (used != used.bfloat16().float()).double().mean() > 0.8


def switches() -> list[object]:
    cudnn: Any = torch.backends.cudnn
    names = ("fp32_precision",) if hasattr(cudnn, "conv") else ("allow_tf32",)
    parts = [torch.backends.cuda.matmul, *((cudnn.conv, cudnn.rnn) if hasattr(cudnn, "conv") else (cudnn,))]
    found: list[object] = [getattr(part, name) for part in parts for name in names]
    return [*found, torch.are_deterministic_algorithms_enabled(), cudnn.deterministic, cudnn.benchmark]


@pytest.mark.parametrize("precision", ["float32", "tf32", "bf16"])
@pytest.mark.parametrize("deterministic", [False, True])
def test_switches_are_set_and_put_back(
    precision: Any, deterministic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    before = switches()
    with AsGpu(precision=precision, deterministic=deterministic).switched():
        during = switches()
        assert set(during[:-3]) == ({"tf32", True} if precision == "tf32" else {"ieee", False}) & set(
            during[:-3]
        )
        assert during[-3:-1] == [deterministic, deterministic]
        with AsGpu(precision=precision).exact.switched():
            assert not {"tf32", True} & set(switches()[:-3])
    assert switches() == before
    with Compute(precision=precision, deterministic=deterministic).switched():
        assert switches() == before


@pytest.mark.parametrize("device", ["cpu", "auto"])
@pytest.mark.parametrize("precision", ["bf16", "tf32"])
def test_a_precision_of_gpus_is_refused_on_a_cpu(
    device: str, precision: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        RecipeError, match=rf"training\.precision {precision} needs a GPU.*precision: float32"
    ):
        compute_of(device, precision, deterministic=False)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_an_error() -> None:
    with pytest.raises(
        DeviceError, match=r"training\.device cuda:1 needs a GPU.*set training\.device: auto or cpu"
    ):
        compute_of("cuda:1", "float32", deterministic=False)


@pytest.mark.parametrize(
    ("name", "precision", "said"),
    [
        ("cuda:2", "float32", r"cuda:2 must be below cuda:2"),
        ("cuda:1", "bf16", r"bf16 needs compute capability 8\.0, but cuda:1 has 7\.5"),
    ],
)
def test_a_gpu_that_cannot_do_it_is_an_error(
    name: str, precision: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (7, 5))
    with pytest.raises(DeviceError, match=said):
        compute_of(name, precision, deterministic=False)
    assert compute_of("cuda", "float32", deterministic=True) == Compute(
        torch.device("cuda", 0), "float32", True
    )


# ------------------------------------------------------------------ on a GPU


@pytest.fixture
def _no_waiting() -> Iterator[None]:
    before = torch.cuda.get_sync_debug_mode()
    yield
    torch.cuda.set_sync_debug_mode(before)


@pytest.mark.parametrize("options", EVERYTHING.values(), ids=EVERYTHING.keys())
@pytest.mark.usefixtures("_no_waiting")
@places.on_gpu
def test_a_step_waits_for_nothing(options: Mapping[str, Any]) -> None:
    lanes = [lane(i, **options) for i in range(3)]
    made = at(Compute(places.CUDA.device), lanes)
    made.train_epoch()
    made.training(len(lanes), lambda: False)
    ready = made._course(0, len(lanes), 0)
    torch.cuda.set_sync_debug_mode("error")
    ready._run.gradients(0, look=False)
    ready._run.update(0)
