"""Schedules at published values, by their laws, against torch's schedulers and the plain twin's rate at every step."""

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch.optim import SGD, lr_scheduler

from cotune.engine.plain.rates import rate
from cotune.engine.schedules import SCHEDULES, factors, plateau
from engine.lanes import NUMBERS, lane

PLACES = ["compiled"]  # nothing is trained here
ROOT = 0.5**0.5
PUBLISHED = {  # fraction of the peak at 0, 1/4, 1/2, 3/4 and the end of 80 steps, with a tenth left
    "constant": [1.0, 1.0, 1.0, 1.0, 1.0],
    "linear": [1.0, 0.775, 0.55, 0.325, 0.1],
    "cosine": [1.0, 0.1 + 0.45 * (1 + ROOT), 0.55, 0.1 + 0.45 * (1 - ROOT), 0.1],
    "polynomial": [1.0, 0.1 + 0.9 * 0.5625, 0.1 + 0.9 * 0.25, 0.1 + 0.9 * 0.0625, 0.1],
    "exponential": [1.0, 0.1**0.25, 0.1**0.5, 0.1**0.75, 0.1],
    "inverse_time": [1.0, 1 / 3.25, 1 / 5.5, 1 / 7.75, 0.1],
    "inverse_sqrt": [1.0, 21**-0.5, 41**-0.5, 61**-0.5, 81**-0.5],
    "step": [1.0, 1.0, 0.5, 0.25, 0.25],
    "multistep": [1.0, 1.0, 0.5, 0.25, 0.25],
    "wsd": [1.0, 1.0, 1.0, 0.55, 0.1],
    "flat_cosine": [1.0, 1.0, 1.0, 0.55, 0.1],
    "cosine_restarts": [1.0, 0.55, 1.0, 0.55, 0.1],
    "one_cycle": [
        0.04,
        0.04 + 0.48 * (1 - math.cos(math.pi * 25 / 30)),
        0.1 + 0.45 * (1 + math.cos(math.pi * 20 / 70)),
        0.1 + 0.45 * (1 + math.cos(math.pi * 45 / 70)),
        0.1,
    ],
    "cyclic": [0.1, 1.0, 0.1, 1.0, 0.1],
    "coslog4": [
        0.0,
        *((1 - math.cos(2 * math.pi * math.log2(1 + 15 * u))) / 2 for u in (0.25, 0.5, 0.75)),
        0.0,
    ],
    "reduce_on_plateau": [1.0, 1.0, 1.0, 1.0, 1.0],
}


def test_every_schedule_has_published_values_and_a_source() -> None:
    assert PUBLISHED.keys() == SCHEDULES.keys()
    assert all(schedule.source for schedule in SCHEDULES.values())


def curve(name: str, *, total: int, steps: int | None = None, **numbers: float) -> torch.Tensor:
    """Fractions of the peak at steps 0 … total of one lane."""
    assert set(numbers) <= set(NUMBERS)
    t = torch.arange(steps or total + 1).unsqueeze(0)
    own = {key: torch.tensor([value]) for key, value in {**NUMBERS, **numbers}.items()}
    return factors([name], t, total=torch.tensor([total]), numbers=own)[0]


@pytest.mark.parametrize("name", SCHEDULES)
def test_published_values(name: str) -> None:
    found = curve(name, total=80, final_lr=0.1)[::20]
    torch.testing.assert_close(found, torch.tensor(PUBLISHED[name], dtype=torch.float64), atol=1e-7, rtol=0)


def test_two_drops_are_those_of_residual_networks() -> None:
    """He et al. 2016: 64,000 steps, a tenth of the rate from 32,000 on, a hundredth from 48,000 on."""
    found = curve("multistep", total=64_000, drops=2, decay_factor=0.1)
    expected = torch.tensor([1.0, 0.1, 0.1, 0.01, 0.01]).double()
    torch.testing.assert_close(found[[31_999, 32_000, 47_999, 48_000, 64_000]], expected, rtol=1e-6, atol=0)


def test_the_inverse_square_root_is_that_of_transformers() -> None:
    """Vaswani et al. 2017, eq. 3: 4,000 steps of warmup out of 100,000, which they count from 1."""
    step = torch.arange(1, 100_001).double()
    published = torch.minimum(step**-0.5, step * 4000**-1.5) / 4000**-0.5
    found = curve("inverse_sqrt", total=100_000, warmup=0.04)
    torch.testing.assert_close(found[:4000], published[:4000])
    torch.testing.assert_close(found[4001:], published[4000:])  # the peak lasts two steps


def test_the_four_cycles_double() -> None:
    """RealMLP: zero at 0, 1/15, 3/15, 7/15, 1; one at (√2 − 1)/15, (2√2 − 1)/15, …"""
    total = 15 * 10_000
    found = curve("coslog4", total=total)
    zeros = torch.tensor([0, total // 15, 3 * total // 15, 7 * total // 15, total])
    peaks = (torch.tensor([(2.0 ** (k + 0.5) - 1) / 15 for k in range(4)]) * total).round().long()
    torch.testing.assert_close(found[zeros], torch.zeros(5).double(), atol=1e-12, rtol=0)
    torch.testing.assert_close(found[peaks], torch.ones(4).double(), atol=1e-6, rtol=0)


EXTREMES = {
    "as they are": {},
    "no end": {"final_lr": 0.0},
    "nothing to fall": {"final_lr": 1.0},
    "many": {"cycles": 50, "drops": 50, "decay_power": 20.0, "decay_share": 1.0, "decay_factor": 1.0},
    "least": {"cycles": 1, "drops": 1, "decay_power": 0.0, "decay_share": 0.0, "decay_factor": 0.0},
    "not said": dict.fromkeys(("final_lr", "cycles", "drops", "decay_factor", "decay_power"), 0.0),
}


@pytest.mark.parametrize("extreme", EXTREMES)
@pytest.mark.parametrize("name", SCHEDULES)
def test_fractions_are_fractions_and_fall_where_they_say_so(name: str, extreme: str) -> None:
    for total, warmup in itertools.product([1, 2, 3, 7, 100], [0.0, 0.3, 0.99]):
        check_fractions(name, EXTREMES[extreme], total=total, warmup=warmup)


def check_fractions(name: str, numbers: dict[str, float], *, total: int, warmup: float) -> None:
    """Between 0 and 1, at rest after the end, rising in the warmup, and falling from 1 on if that is promised."""
    if numbers is EXTREMES["not said"]:  # a lane's numbers are 0 where they have no meaning
        numbers = {key: value for key, value in numbers.items() if key not in SCHEDULES[name].reads}
    found = curve(name, total=total, warmup=warmup, steps=total + 30, **numbers)
    assert torch.isfinite(found).all()
    assert ((found >= 0) & (found <= 1)).all()
    assert (found[total + 1 :] == found[total + 1]).all()
    rise = round(warmup * total) if "warmup" in SCHEDULES[name].reads else 0
    torch.testing.assert_close(found[:rise], torch.arange(1, rise + 1).double() / max(rise, 1))
    if SCHEDULES[name].falls:
        assert (found[rise:].diff() <= 0).all()
        assert found[rise] == 1.0


@pytest.mark.parametrize("name", [name for name in SCHEDULES if "final_lr" in SCHEDULES[name].reads])
def test_those_with_an_end_come_to_it(name: str) -> None:
    if name != plateau.NAME:
        assert curve(name, total=60, warmup=0.1, final_lr=0.125)[-1] == pytest.approx(0.125)


def torchs(make: Callable[[SGD], lr_scheduler.LRScheduler], steps: int) -> torch.Tensor:
    """Rates of torch's scheduler over an optimizer of rate 1."""
    optimizer, found = SGD([torch.zeros(1, requires_grad=True)], lr=1.0), []
    scheduler = make(optimizer)
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return torch.tensor(found).double()


TORCH = {  # over 120 steps, with an eighth left; numbers as torch has them, where steps come out whole
    "linear": lambda o: lr_scheduler.LinearLR(o, 1.0, 0.125, 120),
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, 120, 0.125),
    "exponential": lambda o: lr_scheduler.ExponentialLR(o, 0.125 ** (1 / 120)),
    "step": lambda o: lr_scheduler.StepLR(o, 40, 0.5),
    "multistep": lambda o: lr_scheduler.MultiStepLR(o, [60, 90], 0.5),
    "cosine_restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 60, eta_min=0.125),
    "cyclic": lambda o: lr_scheduler.CyclicLR(o, 0.125, 1.0, step_size_up=30, cycle_momentum=False),
}


@pytest.mark.parametrize("name", TORCH)
def test_torch_agrees(name: str) -> None:
    found = curve(name, total=120, final_lr=0.125)[:120]
    torch.testing.assert_close(found, torchs(TORCH[name], 120), rtol=1e-6, atol=1e-7)


def test_torch_agrees_on_powers() -> None:
    found = curve("polynomial", total=120, final_lr=0.0, decay_power=1.5)[:120]
    expected = torchs(lambda o: lr_scheduler.PolynomialLR(o, 120, 1.5), 120)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.25, 0.99])
@pytest.mark.parametrize("name", SCHEDULES)
def test_the_twin_agrees_at_every_step(name: str, warmup: float) -> None:
    for count in (1, 2, 3, 5):
        check_twin(name, warmup, count)


def check_twin(name: str, warmup: float, count: int) -> None:
    """Some 57 steps, which cycles and drops do not always divide."""
    numbers = {"warmup": warmup, "final_lr": 0.125, "cycles": count, "drops": count, "decay_share": 0.375}
    one = lane(schedule=name, epochs=19, **numbers)
    total = 19 * one.structure.steps
    found = one.numbers["lr"] * curve(name, total=total, steps=total, **numbers)
    expected = torch.tensor([rate(one, step) for step in range(total)], dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-12)


def test_lanes_stand_at_steps_of_their_own() -> None:
    names, totals = ["cosine", "step", "one_cycle", "step"], torch.tensor([10, 80, 9, 60])
    t = torch.tensor([[0, 1], [40, 41], [7, 8], [3, 50]])
    numbers = {key: torch.tensor([value] * 4).float() for key, value in NUMBERS.items()}
    numbers["warmup"], numbers["drops"] = (
        torch.tensor([0.0, 0.5, 0.9, 0.1]),
        torch.tensor([0.0, 3.0, 0.0, 7.0]),
    )
    together = factors(names, t, total=totals, numbers=numbers)
    for i, name in enumerate(names):
        row = slice(i, i + 1)
        own = {key: value[row] for key, value in numbers.items()}
        assert torch.equal(together[row], factors([name], t[row], total=totals[row], numbers=own))


HISTORIES = {
    "never better": [1.0] * 9,
    "always better": [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0],
    "now and then": [5.0, 6.0, 4.0, 4.0, 4.0, 3.0, 3.5, 3.1, 3.2, 2.0, 2.0, 2.0],
    "worse and worse": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0],
}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES.keys())
@pytest.mark.parametrize("patience", [1, 2, 3])
def test_the_plateau_is_torchs(history: list[float], patience: int) -> None:
    one = lane(schedule=plateau.NAME, plateau_patience=patience, decay_factor=0.5, final_lr=0.2)
    other = lane(1, schedule="cosine", plateau_patience=patience)
    optimizer = SGD([torch.zeros(1)], lr=1.0)
    theirs = lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=patience - 1, threshold=0.0, min_lr=0.2
    )
    factor, waited, best = torch.ones(2).double(), torch.zeros(2, dtype=torch.int64), math.inf
    for figure in history:
        gained = torch.tensor([figure < best] * 2)
        best = min(best, figure)
        judged = torch.ones(2, dtype=torch.bool)
        before = factor.clone(), waited.clone()
        after = plateau.after_epoch([other, one], factor, waited, gained=gained, judged=judged)
        assert torch.equal(before[0], factor), "the arguments were changed"
        assert torch.equal(before[1], waited), "the arguments were changed"
        factor, waited = after
        theirs.step(figure)
        assert factor.tolist() == [1.0, pytest.approx(optimizer.param_groups[0]["lr"])]
        assert waited[0] == 0


def test_an_epoch_without_a_figure_does_not_count() -> None:
    one = lane(schedule=plateau.NAME, plateau_patience=1)
    factor, waited = torch.ones(1).double(), torch.zeros(1, dtype=torch.int64)
    no = torch.tensor([False])
    assert plateau.after_epoch([one], factor, waited, gained=no, judged=no) == (factor, waited)
    assert plateau.after_epoch([one], factor, waited, gained=no, judged=~no)[0] == 0.5
