"""Convolution and pooling, and their gradients, against PyTorch's."""

import math

import numpy as np
import pytest
import torch

from cotune.kernels import convolution
from kernels.calling import call, normal


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 5), (7, 3), (20, 20)])
@pytest.mark.parametrize(("channels", "units"), [(1, 8), (3, 16), (8, 8), (16, 24)])
def test_convolution_and_its_gradients(
    height: int, width: int, channels: int, units: int, kernel: int
) -> None:
    images = 37
    x, w = normal(images, height, width, channels), normal(kernel, kernel, channels, units)
    b, dy = normal(units), normal(images, height, width, units, seed=2)
    scratch = np.full(convolution.room(height, width, channels, units, kernel), np.nan, np.float32)
    y, dw, dx = np.empty_like(dy), np.empty_like(w), np.empty_like(x)
    shape = (images, height, width, channels, units, kernel, scratch)
    call("convolve", x, w, b, y, *shape)
    scratch[:] = np.nan
    call("convolve_backward", x, w, dy, dw, dx if channels >= 8 else 0, *shape)
    tx, tw = (torch.from_numpy(part).double().requires_grad_() for part in (x, w))
    ty = torch.nn.functional.conv2d(
        tx.permute(0, 3, 1, 2), tw.permute(3, 2, 0, 1), torch.from_numpy(b).double(), padding=kernel // 2
    ).permute(0, 2, 3, 1)
    ty.backward(torch.from_numpy(dy).double())
    near = {"rtol": 1e-4, "atol": 1e-4 * math.sqrt(images * height * width)}
    np.testing.assert_allclose(y, ty.detach().numpy(), **near)
    np.testing.assert_allclose(dw, tw.grad.numpy(), **near)
    if channels >= 8:
        np.testing.assert_allclose(dx, tx.grad.numpy(), **near)


@pytest.mark.parametrize(("height", "width"), [(2, 2), (5, 4), (6, 7)])
def test_pooling_and_its_gradient(height: int, width: int) -> None:
    x = np.maximum(normal(5, height, width, 16), 0)  # ties among zeros
    y = np.empty((5, height // 2, width // 2, 16), np.float32)
    dy, dx = normal(*y.shape, seed=4), np.empty_like(x)
    call("max_pool", x, y, 5, height, width, 16)
    call("max_pool_backward", x, y, dx, dy, 5, height, width, 16)
    tx = torch.from_numpy(x).requires_grad_()
    ty = torch.nn.functional.max_pool2d(tx.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
    ty.backward(torch.from_numpy(dy))
    np.testing.assert_array_equal(y, ty.detach().numpy())
    np.testing.assert_array_equal(dx, tx.grad.numpy())
