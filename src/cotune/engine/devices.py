"""Where lanes are computed, how exactly, and whether to the same bits each time.

| precision | products of matrices on a GPU                              | weights, optimizer, validation |
|-----------|------------------------------------------------------------|--------------------------------|
| float32   | float32; TF32 is switched off                              | float32                        |
| tf32      | factors rounded to 10 bits after the point, float32 sums   | float32                        |
| bf16      | bfloat16 factors and results (autocast), float32 sums      | float32                        |

The switches are PyTorch's and hold for the whole process; they are set while lanes train and put back afterwards.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from cotune.engine.memory import free_bytes as free_host_bytes
from cotune.errors import DeviceError, RecipeError

Precision = Literal["float32", "tf32", "bf16"]

HOST = torch.device("cpu")
NEEDS = (8, 0)
"""Compute capability from which on a GPU has TF32 and bfloat16 units (Ampere, 2020)."""


@dataclass(frozen=True)
class Compute:
    """Where and how exactly lanes are computed.

    Args:
        device: that holds weights, optimizer memory and rows.
        precision: of the products, see above.
        deterministic: whether only kernels that give the same bits each time may be used on a GPU.
    """

    device: torch.device = HOST
    precision: Precision = "float32"
    deterministic: bool = False

    @property
    def on_host(self) -> bool:
        """Whether a look at a number costs no wait."""
        return self.device.type == "cpu"

    @property
    def exact(self) -> "Compute":
        """The same in float32: for validation."""
        return replace(self, precision="float32")

    def autocast(self) -> AbstractContextManager[object]:
        """For a forward pass and its loss."""
        if self.precision != "bf16":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    @contextmanager
    def switched(self) -> Iterator[None]:
        """While it lasts, PyTorch's switches are as this says. On a CPU there is nothing to switch."""
        if self.on_host:
            yield
            return
        with _tf32(self.precision == "tf32"), _same_bits(self.deterministic):
            yield

    def free_bytes(self) -> int:
        """Bytes that may still be taken on the device; what PyTorch holds in reserve counts as free."""
        if self.device.type != "cuda":
            return free_host_bytes()
        reserve = torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
        return int(torch.cuda.mem_get_info(self.device)[0]) + reserve

    def words(self) -> str:
        """One line for a person."""
        name = (
            "CPU"
            if self.device.type == "cpu"
            else f"{torch.cuda.get_device_name(self.device)} ({self.device})"
        )
        return f"{name}, {self.precision}" + (", deterministic" if self.deterministic else "")


ON_HOST = Compute()
"""This machine's processor, float32; its kernels give the same bits each time without being asked."""


def named(device: str) -> str:
    """What `auto` means on this machine."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def compute_of(device: str, precision: Precision, *, deterministic: bool) -> Compute:
    """What a recipe's keys mean on this machine.

    Args:
        device: "auto", "cpu", "cuda" or "cuda:N".

    Raises:
        DeviceError: the GPU is not there, or cannot do it.
        RecipeError: a precision that only GPUs have was asked of the CPU.
    """
    name = named(device)
    if name == "cpu":
        if precision != "float32":
            said = f"training.precision {precision} needs a GPU, but training.device is {device}"
            here = " and this machine has no CUDA device" if device == "auto" else ""
            raise RecipeError(f"{said}{here}; set precision: float32, or train on a machine with a GPU")
        return Compute(deterministic=deterministic)
    return Compute(_gpu(name, precision), precision, deterministic)


def _gpu(name: str, precision: Precision) -> torch.device:
    remedy = "set training.device: auto or cpu"
    if not torch.cuda.is_available():
        why = "is built without CUDA" if torch.version.cuda is None else "finds no CUDA device"
        law = f"training.device {name} needs a GPU, but this PyTorch ({torch.__version__}) {why}"
        raise DeviceError(f"{law}; {remedy}, or go where the study began if it is being resumed")
    found, index = torch.cuda.device_count(), int(name.partition(":")[2] or 0)
    if index >= found:
        raise DeviceError(f"training.device {name} must be below cuda:{found}, the devices here; {remedy}")
    has = torch.cuda.get_device_capability(index)
    if precision != "float32" and has < NEEDS:
        law = f"training.precision {precision} needs compute capability {NEEDS[0]}.{NEEDS[1]}"
        raise DeviceError(f"{law}, but cuda:{index} has {has[0]}.{has[1]}; set precision: float32")
    return torch.device("cuda", index)


@contextmanager
def _tf32(allowed: bool) -> Iterator[None]:
    """PyTorch lets convolutions use TF32 unless told otherwise; products of matrices it does not."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    if hasattr(cudnn, "conv"):  # since 2.9; there the older switches may not be mixed with these
        places = [(part, "fp32_precision") for part in (matmul, cudnn.conv, cudnn.rnn)]
        value: object = "tf32" if allowed else "ieee"
    else:
        places = [(part, "allow_tf32") for part in (matmul, cudnn)]
        value = allowed
    before = [getattr(*place) for place in places]
    try:
        for place in places:
            setattr(*place, value)
        yield
    finally:
        for place, old in zip(places, before, strict=True):
            setattr(*place, old)


@contextmanager
def _same_bits(asked: bool) -> Iterator[None]:
    """An operation without a kernel that gives the same bits each time raises an error meanwhile."""
    if not asked:
        yield
        return
    # cuBLAS reads it when it is first used in a process; with it, it sums in the same order each time.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    cudnn: Any = torch.backends.cudnn
    filling: Any = torch.utils.deterministic
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    flags = cudnn.deterministic, cudnn.benchmark, filling.fill_uninitialized_memory
    try:
        torch.use_deterministic_algorithms(True)
        cudnn.deterministic, cudnn.benchmark = True, False
        filling.fill_uninitialized_memory = False  # a pass over memory for each new tensor; all are written
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        cudnn.deterministic, cudnn.benchmark, filling.fill_uninitialized_memory = flags
