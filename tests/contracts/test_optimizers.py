"""Laws of every optimizer: it reaches a minimum, decays only what is to decay, and treats lanes alone."""

import math
import re
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from cotune.engine.optim import OPTIMIZERS, Matrix, Rates
from cotune.engine.optim.muon import orthogonal
from cotune.engine.parallel import one_thread_a_kernel
from cotune.engine.plain import optim as plain_optim

SIZE, DECAYED, LANES = 64, 32, 3
INPUTS, UNITS = 4, 8
"""The first numbers of a row, as a hidden matrix for optimizers that want one."""

PLACES = ["batched"]
"""Updates alone; test_twin.py and tests/kernels have the other places."""

LR = {"sgd": 0.05, "nesterov": 0.05, "adagrad": 1.0, "adadelta": 30.0, "muon": 0.5, "schedule_free": 0.5}
"""Of a well-shaped quadratic; 0.1 for the others."""

DECOUPLED = ("adamw", "lion", "muon", "schedule_free")
"""Their weight decay is beside the gradient: wᵢ ← (1 − lr λ) wᵢ in the first step, whatever the gradient."""

Gradient = Callable[[Tensor], Tensor]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    with one_thread_a_kernel():
        yield


def descend(
    name: str,
    gradient: Gradient,
    first: Tensor,
    *,
    lr: float,
    steps: int,
    weight_decay: float = 0.0,
    decayed: int = DECAYED,
) -> Tensor:
    """Descend from `first` with rates falling linearly; returns the weights that are to be judged [lane weight]."""
    optimizer = OPTIMIZERS[name]
    w, s = first.clone(), torch.empty_like(first)
    lanes = len(first)
    memory = [w.clone() if i in optimizer.starts_from_weights else w * 0 for i in range(optimizer.slots)]
    t = torch.arange(steps, dtype=torch.float64).expand(lanes, steps)

    def number(value: float) -> Tensor:
        return torch.full((lanes, 1), value, dtype=torch.float64)

    rates = Rates(
        lr=lr * (1 - t / steps),
        taken=t + 1,
        weight_decay=number(weight_decay),
        momentum=number(0.9),
        beta1=number(0.9),
        beta2=number(0.99),
        warmup=number(0.0),
    )
    columns = [c.float() for c in optimizer.coefficients(rates)]
    longer = torch.full((lanes, 1, 1), math.sqrt(max(INPUTS, UNITS)))
    extra = {"matrices": [Matrix(0, (INPUTS, UNITS), INPUTS * UNITS, longer)]} if optimizer.matrices else {}
    for step in range(steps):
        now = [c[:, step : step + 1].contiguous() for c in columns]
        optimizer.update(w, gradient(w), memory, s, now, decayed, **extra)
    return w if optimizer.judged is None else memory[optimizer.judged]


def minimise(name: str, goal: Tensor, *, steps: int, weight_decay: float = 0.0) -> Tensor:
    """Descend ½ Σ (w − goal)² from zero."""
    first, lr = torch.zeros_like(goal), LR.get(name, 0.1)
    return descend(name, lambda w: w - goal, first, lr=lr, steps=steps, weight_decay=weight_decay)


@pytest.fixture
def goal() -> Tensor:
    return torch.randn(LANES, SIZE, generator=torch.Generator().manual_seed(1)) + 2


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_reaches_the_minimum_of_a_quadratic(name: str, goal: Tensor) -> None:
    torch.testing.assert_close(minimise(name, goal, steps=400), goal, atol=1e-2, rtol=0)


STEEP = {"sgd": 0.02, "nesterov": 0.02, "adagrad": 1.0, "adadelta": 20.0, "schedule_free": 0.3}
"""Rates where curvatures differ by a hundred; 0.1 for the others."""


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_reaches_the_minimum_of_an_ill_conditioned_quadratic(name: str, goal: Tensor) -> None:
    """½ (w − goal)ᵀ H (w − goal), with curvatures from 0.5 to 50 along directions that are no axes."""
    axes = torch.linalg.qr(torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(2))).Q
    curvature = axes @ torch.diag(torch.logspace(math.log10(0.5), math.log10(50), SIZE)) @ axes.T
    first, lr = torch.zeros_like(goal), STEEP.get(name, 0.1)
    found = descend(name, lambda w: (w - goal) @ curvature, first, lr=lr, steps=2000)
    assert (found - goal).norm() < 0.02 * goal.norm()


BENT = {
    "sgd": 3e-4,
    "nesterov": 3e-4,
    "adagrad": 1.0,
    "adadelta": 3.0,
    "rmsprop": 0.01,
    "amsgrad": 0.2,
    "lion": 0.01,
    "schedule_free": 0.1,
}
"""Rates for Rosenbrock's valley; 0.03 for the others."""

NEAR = {"sgd": 0.2, "nesterov": 0.2, "adagrad": 0.3, "adadelta": 0.1, "rmsprop": 0.05}
"""How near they come to its end in 3000 steps whose rate falls to zero; the others come within 0.03.

The walls limit the rate of plain descent, the valley's floor needs a larger one. The first steps, down a wall, have
lowered AdaGrad's rates for good. RMSProp and AdaDelta have no momentum, and go from wall to wall."""

FLATTER = {"radam": 1e-3}
"""What the function is multiplied by. RAdam's first steps are as long as the gradient, which is in the hundreds."""


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_follows_rosenbrocks_valley(name: str) -> None:
    """(1 − x)² + 100 (y − x²)² from (−1.2, 1) to (1, 1): down into a bent valley, and along it. Rosenbrock 1960."""

    def gradient(w: Tensor) -> Tensor:
        x, y = w[:, ::2], w[:, 1::2]
        bent = y - x * x
        both = torch.stack([2 * (x - 1) - 400 * x * bent, 200 * bent], dim=2)
        return both.flatten(1) * FLATTER.get(name, 1.0)

    first = torch.tensor([-1.2, 1.0]).repeat(1, SIZE // 2)
    found = descend(name, gradient, first, lr=BENT.get(name, 0.03), steps=3000)
    assert (found - 1).abs().max() < NEAR.get(name, 0.03)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_shrinks_the_decayed_weights_only(name: str, goal: Tensor) -> None:
    plain = minimise(name, goal, steps=300)
    shrunk = minimise(name, goal, steps=300, weight_decay=0.5)
    assert torch.equal(plain[:, DECAYED:], shrunk[:, DECAYED:])
    # Lion's steps and Muon's have one length: what lies nearer to zero than 1/λ, they go to whatever the decay.
    large = goal[:, :DECAYED].abs() > (2 if name == "lion" else 0.2)
    if name != "muon":
        assert (shrunk[:, :DECAYED].abs() < plain[:, :DECAYED].abs())[large].all()
    assert (shrunk[:, :DECAYED].norm(dim=1) < 0.95 * plain[:, :DECAYED].norm(dim=1)).all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_is_in_the_gradient_or_beside_it(name: str, goal: Tensor) -> None:
    """In the first step: as if λ w had been part of the gradient, or as if the weights had been shrunk before."""
    lr, penalty, pull = 0.1, 0.5, torch.ones_like(goal)

    def one_step(gradient: Tensor, weight_decay: float) -> Tensor:
        return descend(name, lambda _: gradient.clone(), goal, lr=lr, steps=1, weight_decay=weight_decay)

    found = one_step(pull, penalty)[:, :DECAYED]
    beside = one_step(pull, 0.0) - lr * penalty * goal
    within = one_step(pull + penalty * goal, 0.0)
    expected, other = (beside, within) if name in DECOUPLED else (within, beside)
    torch.testing.assert_close(found, expected[:, :DECAYED])
    if name not in ("sgd", "nesterov", "radam"):  # whose first step is linear in the gradient
        assert not torch.allclose(found, other[:, :DECAYED], atol=1e-3)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_rate_of_zero_moves_nothing(name: str, goal: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LR, name, 0.0)
    assert not minimise(name, goal, steps=5, weight_decay=0.5).any()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_lane_is_alone(name: str, goal: Tensor) -> None:
    together = minimise(name, goal, steps=20, weight_decay=0.1)
    for place in range(LANES):
        one = minimise(name, goal[place : place + 1].clone(), steps=20, weight_decay=0.1)
        assert torch.equal(together[place], one[0])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_padding_stays_zero(name: str) -> None:
    assert not minimise(name, torch.zeros(LANES, SIZE), steps=20, weight_decay=0.5).any()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_gradient_that_is_not_a_number_shows_in_its_weight(name: str, goal: Tensor) -> None:
    """Else the lane would stand still, and nobody would notice."""
    bad = torch.zeros_like(goal)
    bad[1, [3, DECAYED + 5]] = torch.nan
    found = descend(name, lambda w: w - goal + bad, goal + 1, lr=0.1, steps=2)
    assert found[1, [3, DECAYED + 5]].isnan().all()
    assert found[[0, 2]].isfinite().all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_coefficients_do_not_depend_on_companions_nor_on_where_an_epoch_begins(name: str) -> None:
    """A lane far ahead beside it, or steps computed in two halves: the same numbers to the last bit."""

    def made(begun: list[float], steps: int) -> list[Tensor]:
        lanes = torch.tensor(begun, dtype=torch.float64).unsqueeze(1)
        number = [torch.full_like(lanes, x) for x in (0.1, 0.9, 0.9, 0.99, 20.0)]
        taken = lanes + torch.arange(1, steps + 1)
        return list(OPTIMIZERS[name].coefficients(Rates(0.1 / taken, taken, *number)))

    whole, halves = made([0.0], 64), [made([0.0, 5000.0], 32), made([32.0, 9.0], 32)]
    for place, column in enumerate(whole):
        assert torch.isfinite(column).all()
        assert torch.equal(column[0], torch.cat([half[place][0] for half in halves]))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_says_where_it_was_published(name: str) -> None:
    assert re.search(r"[A-Z]\w+.*(19|20)\d\d", OPTIMIZERS[name].source)


def test_the_mean_of_schedule_free_descent_weighs_by_the_squared_rate() -> None:
    """x = Σ γᵢ² zᵢ / Σ γᵢ² through a warmup of 5 steps and after it; the trained weights lie between x and z."""
    optimizer, steps, warmup = OPTIMIZERS["schedule_free"], 12, 5
    w = torch.linspace(-1, 1, SIZE).unsqueeze(0)
    memory, weighted, weights, total = [w.clone(), w * 0, w.clone()], w * 0, [], 0.0
    taken = torch.arange(1, steps + 1, dtype=torch.float64).unsqueeze(0)
    factor = (taken / warmup).clamp(max=1)
    number = [torch.full((1, 1), x, dtype=torch.float64) for x in (0.0, 0.0, 0.7, 0.99, float(warmup))]
    columns = optimizer.coefficients(Rates(0.1 * factor, taken, *number))
    for step in range(steps):
        g = torch.sin(torch.arange(SIZE) + 1.7 * step).unsqueeze(0)
        now = [c[:, step : step + 1].float() for c in columns]
        optimizer.update(w, g, memory, torch.empty_like(w), now, SIZE)
        weights.append(float(factor[0, step]) ** 2)
        weighted, total = weighted + weights[-1] * memory[0], total + weights[-1]
        torch.testing.assert_close(memory[2], weighted / total, atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(w, 0.3 * memory[0] + 0.7 * memory[2], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("inputs", "units"), [(1, 8), (5, 8), (8, 8), (40, 16), (64, 128)])
def test_orthogonal_steps(inputs: int, units: int) -> None:
    """Singular vectors stay, singular values come near 1: odd polynomials of a matrix do no more."""
    x = torch.randn(2, inputs, units, generator=torch.Generator().manual_seed(3))
    found = orthogonal(x, x.flatten(1))
    left, _, right = torch.linalg.svd(x, full_matrices=False)
    values = left.transpose(1, 2) @ found @ right.transpose(1, 2)
    diagonal = torch.diagonal(values, dim1=1, dim2=2)
    assert ((diagonal > 0.3) & (diagonal < 1.3)).all()
    assert (values - torch.diag_embed(diagonal)).abs().max() < 1e-3
    torch.testing.assert_close(plain_optim.orthogonal(x[1].T).T, found[1], atol=1e-4, rtol=1e-4)


def test_zero_columns_and_rows_change_no_orthogonal_step() -> None:
    """So a lane whose width is padded takes the steps of its true width."""
    small = torch.randn(1, 6, 10, generator=torch.Generator().manual_seed(4))
    padded = torch.zeros(1, 8, 16)
    padded[:, :6, :10] = small
    found, alone = orthogonal(padded, padded.flatten(1)), orthogonal(small, small.flatten(1))
    torch.testing.assert_close(found[:, :6, :10], alone, atol=1e-5, rtol=1e-5)
    assert not found[:, 6:].any()
    assert not found[:, :, 10:].any()


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="PyTorch has Muon from 2.9 on")
@pytest.mark.parametrize("shape", [(16, 6), (6, 16)])
def test_the_twins_muon_is_torchs_but_for_its_half_precision(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(5)
    ours, theirs = (torch.nn.Parameter(torch.ones(shape)) for _ in range(2))
    group = {"params": [ours], "weight_decay": 0.1}
    plain = plain_optim.muon([group], [], lr=0.02, momentum=0.9, betas=(0.9, 0.99))
    other = torch.optim.Muon(
        [theirs], lr=0.02, momentum=0.9, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"
    )
    for _ in range(10):
        ours.grad = torch.randn(shape, generator=generator)
        theirs.grad = ours.grad.clone()
        plain.step()
        other.step()
    moved = (theirs - 1).norm()
    assert (ours - theirs).norm() < 0.02 * moved
