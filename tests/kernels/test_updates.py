"""Optimizers' steps against PyTorch's optimizers; what is done to gradients before them."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from cotune.engine.optim import OPTIMIZERS, Rates
from cotune.engine.plain import optim as plain_optim
from cotune.kernels.updates import COEFFICIENTS, NAMES
from kernels.calling import call, normal

LR, DECAY, MOMENTUM, BETAS, WARMUP = 0.03, 0.1, 0.8, (0.8, 0.97), 3

TWINS: dict[str, Callable[[Sequence[Any]], torch.optim.Optimizer]] = {
    "sgd": lambda w: torch.optim.SGD(w, LR, momentum=MOMENTUM),
    "nesterov": lambda w: torch.optim.SGD(w, LR, momentum=MOMENTUM, nesterov=True),
    "adam": lambda w: torch.optim.Adam(w, LR, betas=BETAS),
    "adamw": lambda w: torch.optim.AdamW(w, LR, betas=BETAS),
    "adagrad": lambda w: torch.optim.Adagrad(w, LR),
    "adadelta": lambda w: torch.optim.Adadelta(w, LR, rho=BETAS[1]),
    "rmsprop": lambda w: torch.optim.RMSprop(w, LR, alpha=BETAS[1]),
    "adamax": lambda w: torch.optim.Adamax(w, LR, betas=BETAS),
    "nadam": lambda w: torch.optim.NAdam(w, LR, betas=BETAS),
    "radam": lambda w: torch.optim.RAdam(w, LR, betas=BETAS),
    "amsgrad": lambda w: torch.optim.Adam(w, LR, betas=BETAS, amsgrad=True),
    "lion": lambda w: plain_optim.lion(w, lr=LR, betas=BETAS),
    "schedule_free": lambda w: plain_optim.schedule_free(w, lr=LR, betas=BETAS, warmup=WARMUP),
}


def coefficients(name: str, step: int) -> np.ndarray:
    """Those that the engine computes for a step, the first of which is 1."""

    def one(x: float) -> Tensor:
        return torch.tensor([[x]], dtype=torch.float64)

    beta1, beta2 = BETAS
    rates = Rates(
        lr=one(LR), taken=one(step), weight_decay=one(DECAY), momentum=one(MOMENTUM), beta1=one(beta1),
        beta2=one(beta2), warmup=one(WARMUP),
    )  # fmt: skip
    found = np.full(COEFFICIENTS, np.nan, np.float32)
    for place, value in enumerate(OPTIMIZERS[name].coefficients(rates)):
        found[place] = value.item()
    return found


def test_every_optimizer_has_a_twin() -> None:
    assert set(TWINS) == set(NAMES)
    assert [name for name, optimizer in OPTIMIZERS.items() if optimizer.compiled] == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("size", "decayed"), [(1, 1), (5, 0), (67, 40), (1000, 1000), (3000, 2100)])
def test_steps(name: str, size: int, decayed: int) -> None:
    """Seven of them; the memory behind the optimizer's own stays as it is."""
    w, own = normal(size), OPTIMIZERS[name].slots * size
    memory, guard = np.zeros(own + size, np.float32), normal(size, seed=5)
    memory[own:] = guard
    for slot in OPTIMIZERS[name].starts_from_weights:
        memory[slot * size : (slot + 1) * size] = w
    parts = [torch.from_numpy(part.astype(float)).requires_grad_() for part in (w[:decayed], w[decayed:])]
    twin = TWINS[name](
        [{"params": parts[:1], "weight_decay": DECAY}, {"params": parts[1:], "weight_decay": 0.0}]
    )
    for step in range(1, 8):
        g = normal(size, seed=step + 10)
        for part, gradient in zip(parts, (g[:decayed], g[decayed:]), strict=True):
            part.grad = torch.from_numpy(gradient.astype(float))
        twin.step()
        call("update", NAMES.index(name), w, g, memory, coefficients(name, step), size, decayed)
        np.testing.assert_allclose(w, torch.cat(parts).detach().numpy(), rtol=2e-5, atol=2e-6)
    np.testing.assert_array_equal(memory[own:], guard)
    judged = OPTIMIZERS[name].judged
    if judged is not None:
        means = torch.cat([twin.state[part]["x"] for part in parts])
        np.testing.assert_allclose(memory[judged * size : (judged + 1) * size], means, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_both_forms_agree(name: str) -> None:
    """The compiled step and the one in batches, hundreds of steps long: weights and all memory."""
    size, decayed, optimizer = 96, 64, OPTIMIZERS[name]
    w, memory = normal(size), np.zeros((3, size), np.float32)
    for slot in optimizer.starts_from_weights:
        memory[slot] = w
    rows, slots = torch.from_numpy(w.copy())[None], [torch.from_numpy(m.copy())[None] for m in memory]
    for step in range(1, 301):
        g, c = normal(size, seed=step), coefficients(name, step)
        now = [torch.full((1, 1), float(x)) for x in c]
        scratch, own = torch.empty_like(rows), slots[: optimizer.slots]
        optimizer.update(rows, torch.from_numpy(g.copy())[None], own, scratch, now, decayed)
        call("update", NAMES.index(name), w, g, memory, c, size, decayed)
    np.testing.assert_allclose(w, rows[0], rtol=2e-4, atol=2e-5)
    for slot in range(3):
        np.testing.assert_allclose(memory[slot], slots[slot][0], rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", [3, 50])
def test_a_gradient_that_is_not_a_number_shows_in_its_weight(name: str, place: int) -> None:
    """Else the lane would stand still, and nobody would notice."""
    w, g, memory = normal(67), normal(67, seed=1), normal(3, 67, seed=2) ** 2
    g[place] = np.nan
    call("update", NAMES.index(name), w, g, memory, coefficients(name, 3), 67, 40)
    assert np.flatnonzero(np.isnan(w)).tolist() == [place]


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_depends_on_no_other(name: str) -> None:
    """To the last bit, wherever it lies."""
    c = coefficients(name, 3)
    w, g, memory = normal(67), normal(67, seed=1), normal(3, 67, seed=2) ** 2
    parts = [array[..., 20:41].copy() for array in (w, g, memory)]
    call("update", NAMES.index(name), w, g, memory, c, 67, 67)
    call("update", NAMES.index(name), *parts, c, 21, 21)
    np.testing.assert_array_equal(parts[0], w[20:41])


def test_l1_pulls_towards_zero() -> None:
    w, g = normal(37), normal(37, seed=1)
    w[5] = 0
    expected = g.copy()
    expected[:30] += np.float32(0.25) * np.sign(w[:30])
    call("add_l1", w, g, 30, 0.25)
    np.testing.assert_array_equal(g, expected)


@pytest.mark.parametrize("n", [1, 9, 1000])
@pytest.mark.parametrize("limit", [0.5, 1e6])
def test_clipping(n: int, limit: float) -> None:
    g = normal(n) * 3
    twin = torch.nn.Parameter(torch.zeros(n, dtype=torch.float64))
    twin.grad = torch.from_numpy(g.astype(float))
    torch.nn.utils.clip_grad_norm_([twin], limit)
    call("clip_norm", g, n, limit)
    np.testing.assert_allclose(g, twin.grad.numpy(), rtol=1e-5, atol=1e-9)


def test_a_short_gradient_is_not_touched() -> None:
    g = normal(100)
    before = g.copy()
    call("clip_norm", g, 100, float(np.linalg.norm(g)) * 1.001)
    np.testing.assert_array_equal(g, before)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_gradient_that_is_not_finite_stays_noticed(bad: float) -> None:
    """Clipping may not hide it: infinity over its own norm would be a tame number."""
    g = normal(20)
    g[7] = bad
    call("clip_norm", g, 20, 1.0)
    assert not np.isfinite(g[7])
