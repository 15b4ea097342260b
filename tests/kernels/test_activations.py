"""Activations and their derivatives against PyTorch's, in float64."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from cotune.kernels.activations import NAMES
from kernels.calling import call, normal

TWINS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x * 1,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": F.softplus,
    "mish": F.mish,
    "hardsigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "hardtanh": F.hardtanh,
}

LARGE = [10.0, 20.0, 60.0, 87.2, 87.4, 88.8, 104.0, 1e3, 1e10, 3e38]
WHOLE_RANGE = np.array(
    [*np.linspace(-12, 12, 4001), 0.0, -0.0, 1e-30, -1e-30, 1e-45, *LARGE, *(-x for x in LARGE)], np.float32
)


def activate(
    name: str, x: np.ndarray, *, rows: int = 1, real: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """y and the derivative."""
    z, y = x.astype(np.float32), np.full(x.shape, 7, np.float32)
    units = x.size // rows
    call("activate", NAMES.index(name), z, y, rows, units, units if real is None else real)
    return y, z


def twin(name: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same from PyTorch, float64."""
    inputs = torch.from_numpy(x.astype(float)).requires_grad_()
    y = TWINS[name](inputs)
    y.sum().backward()
    return y.detach().numpy(), inputs.grad.numpy()


def test_every_activation_has_a_twin() -> None:
    assert set(TWINS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_values_and_derivatives_over_the_whole_range(name: str) -> None:
    (y, d), (y_twin, d_twin) = activate(name, WHOLE_RANGE), twin(name, WHOLE_RANGE)
    np.testing.assert_allclose(y, y_twin, rtol=2e-6, atol=4e-7)
    np.testing.assert_allclose(d, d_twin, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_nan_stays_nan(name: str) -> None:
    """Among finite numbers, at every place of a vector."""
    for place in range(19):
        x = normal(19)
        x[place] = math.nan
        y, _ = activate(name, x)
        np.testing.assert_array_equal(np.isnan(y), np.isnan(x))


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("relu", 0.0, math.inf), ("leaky_relu", -math.inf, math.inf), ("elu", -1.0, math.inf),
        ("tanh", -1.0, 1.0), ("sigmoid", 0.0, 1.0), ("identity", -math.inf, math.inf),
        ("softplus", 0.0, math.inf), ("hardsigmoid", 0.0, 1.0),
        ("hardswish", 0.0, math.inf), ("hardtanh", -1.0, 1.0),
    ],
)  # fmt: skip
def test_limits_at_infinity(name: str, low: float, high: float) -> None:
    y, _ = activate(name, np.array([-math.inf, math.inf]))
    assert y.tolist() == [low, high]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("rows", "units", "real"), [(5, 16, 11), (1, 8, 1), (3, 32, 31)])
def test_padding_becomes_zero_and_touches_nothing(name: str, rows: int, units: int, real: int) -> None:
    x = normal(rows, units)
    x[:, real:] = math.nan
    y, d = activate(name, x, rows=rows, real=real)
    y_twin, d_twin = twin(name, x[:, :real])
    assert not y[:, real:].any()
    assert not d[:, real:].any()
    np.testing.assert_allclose(y[:, :real], y_twin, rtol=2e-6, atol=4e-7)
    np.testing.assert_allclose(d[:, :real], d_twin, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_number_does_not_depend_on_its_neighbours(name: str) -> None:
    """Neither on how many there are nor on its place among them, to the last bit."""
    x = normal(67) * 3
    y, d = activate(name, x)
    for start, stop in ((0, 1), (3, 20), (40, 67), (66, 67)):
        for whole, some in zip((y, d), activate(name, x[start:stop]), strict=True):
            np.testing.assert_array_equal(some, whole[start:stop])
