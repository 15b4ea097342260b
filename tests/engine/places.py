"""Where tests train lanes: each way on the CPU, the CPU treated as a GPU is, and a GPU where there is one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import torch

from cotune.engine.devices import ON_HOST, Compute
from cotune.engine.outcome import Way
from engine import lanes


@dataclass(frozen=True)
class AsGpu(Compute):
    """The CPU, used as if it were a GPU: losses are looked at by windows, chunks are swept, one core does it all."""

    @property
    def on_host(self) -> bool:
        return False


# Snapshots must hold bit for bit on a GPU too, which its faster kernels do not promise.
CUDA = Compute(torch.device("cuda", 0), deterministic=True)
PLACES: dict[str, tuple[Way, Compute]] = {
    "compiled": ("compiled", ON_HOST),
    "batched": ("batched", ON_HOST),
    "as-gpu": ("batched", AsGpu()),
    "cuda": ("batched", CUDA),
}
"""By name: how lanes step, and where."""

WHY_NOT = f"needs a GPU: PyTorch {torch.__version__} finds no CUDA device"
needs_gpu = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason=WHY_NOT)]


def on_gpu(test: Callable[..., None]) -> Callable[..., None]:
    """Decorator: the test needs a GPU."""
    for mark in needs_gpu:
        test = mark(test)
    return test


EVERYWHERE = ["compiled", "batched", "as-gpu", pytest.param("cuda", marks=needs_gpu)]
"""What a module sets its `PLACES` to when its tests hold on a GPU."""

ON_CPU = ["compiled", "batched"]

WITH_GPU = [*ON_CPU, pytest.param("cuda", marks=needs_gpu)]
"""For tests of what a step does: what windows of steps do is a matter of other tests."""


@contextmanager
def at(name: str) -> Iterator[Way]:
    """While it lasts, `engine.lanes` trains at the place of this name."""
    before = lanes.WAY, lanes.COMPUTE
    lanes.WAY, lanes.COMPUTE = PLACES[name]
    try:
        yield lanes.WAY
    finally:
        lanes.WAY, lanes.COMPUTE = before


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test at each of its module's `PLACES`."""
    places = getattr(metafunc.module, "PLACES", ON_CPU)
    metafunc.parametrize("place", places, indirect=True, scope="module")


@pytest.fixture(autouse=True, scope="module")
def place(request: pytest.FixtureRequest) -> Iterator[str]:
    """Name of the place where `engine.lanes` trains while a module's tests run."""
    with at(request.param):
        yield request.param


@pytest.fixture(scope="module")
def way(place: str) -> Way:
    """How lanes step there."""
    return PLACES[place][0]
