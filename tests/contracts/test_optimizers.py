"""Laws of every optimizer: it reaches a minimum, decays only what is to decay, and treats lanes alone."""

import pytest
import torch
from torch import Tensor

from cotune.engine.optim import OPTIMIZERS, Rates

SIZE, DECAYED, LANES = 64, 32, 3
LR = {"sgd": 0.05, "nesterov": 0.05}


def minimise(name: str, goal: Tensor, *, steps: int, weight_decay: float = 0.0) -> Tensor:
    """Descend ½ Σ (w − goal)² from zero with rates falling linearly; returns w [lane weight]."""
    optimizer = OPTIMIZERS[name]
    lanes, size = goal.shape
    w, s = torch.zeros_like(goal), torch.empty_like(goal)
    memory = [torch.zeros(lanes, size) for _ in range(optimizer.slots)]
    t = torch.arange(steps, dtype=torch.float64).expand(lanes, steps)

    def number(value: float) -> Tensor:
        return torch.full((lanes, 1), value, dtype=torch.float64)

    rates = Rates(
        lr=LR.get(name, 0.1) * (1 - t / steps),
        taken=t + 1,
        weight_decay=number(weight_decay),
        momentum=number(0.9),
        beta1=number(0.9),
        beta2=number(0.99),
    )
    columns = [c.float() for c in optimizer.coefficients(rates)]
    for step in range(steps):
        now = [c[:, step : step + 1].contiguous() for c in columns]
        optimizer.update(w, w - goal, memory, s, now, DECAYED)
    return w


@pytest.fixture
def goal() -> Tensor:
    return torch.randn(LANES, SIZE, generator=torch.Generator().manual_seed(1)) + 2


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_reaches_the_minimum_of_a_quadratic(name: str, goal: Tensor) -> None:
    torch.testing.assert_close(minimise(name, goal, steps=400), goal, atol=1e-2, rtol=0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_shrinks_the_decayed_weights_only(name: str, goal: Tensor) -> None:
    plain = minimise(name, goal, steps=300)
    shrunk = minimise(name, goal, steps=300, weight_decay=0.5)
    assert torch.equal(plain[:, DECAYED:], shrunk[:, DECAYED:])
    large = goal[:, :DECAYED].abs() > 0.2
    assert (shrunk[:, :DECAYED].abs() < plain[:, :DECAYED].abs())[large].all()


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
