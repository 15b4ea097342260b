"""Schedules at published values, and against the plain twin's rate at every step."""

import pytest
import torch

from cotune.engine.reference import rate
from cotune.engine.schedule import SCHEDULES, factors
from engine.lanes import lane

PUBLISHED = {  # fraction of the peak at 0, 1/4, 1/2, 3/4 and the end, with a tenth left
    "constant": [1.0, 1.0, 1.0, 1.0, 1.0],
    "linear": [1.0, 0.775, 0.55, 0.325, 0.1],
    "cosine": [1.0, 0.1 + 0.45 * (1 + 0.5**0.5), 0.55, 0.1 + 0.45 * (1 - 0.5**0.5), 0.1],
}


def test_every_schedule_has_published_values() -> None:
    assert PUBLISHED.keys() == SCHEDULES.keys()


def curve(name: str, *, total: int, warmup: float, final: float, steps: int | None = None) -> torch.Tensor:
    t = torch.arange(steps or total + 1).unsqueeze(0)
    return factors(
        (name,),
        t,
        total=torch.tensor([total]),
        warmup=torch.tensor([warmup]),
        final=torch.tensor([final]),
    )[0]


@pytest.mark.parametrize("name", SCHEDULES)
def test_published_values(name: str) -> None:
    found = curve(name, total=80, warmup=0.0, final=0.1)[::20]
    torch.testing.assert_close(found, torch.tensor(PUBLISHED[name], dtype=torch.float64), atol=1e-7, rtol=0)


@pytest.mark.parametrize("name", SCHEDULES)
def test_it_rises_linearly_in_warmup_then_never_again_and_stays_at_the_end(name: str) -> None:
    found = curve(name, total=100, warmup=0.2, final=0.05, steps=130)
    torch.testing.assert_close(found[:20], torch.arange(1, 21).double() / 20)
    assert (found[20:].diff() <= 0).all()
    assert found[20] == 1.0
    assert (found[100:] == found[100]).all()


@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.25, 0.99])
@pytest.mark.parametrize("name", SCHEDULES)
def test_the_twin_agrees_at_every_step(name: str, warmup: float) -> None:
    one = lane(schedule=name, warmup=warmup, final_lr=0.125, epochs=5)
    total = 5 * one.structure.steps
    found = one.numbers["lr"] * curve(name, total=total, warmup=warmup, final=0.125, steps=total)
    expected = torch.tensor([rate(one, step) for step in range(total)], dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=0)


def test_lanes_stand_at_steps_of_their_own() -> None:
    t = torch.tensor([[0, 1], [40, 41], [7, 8]])
    numbers = {"warmup": torch.tensor([0.0, 0.5, 0.0]), "final": torch.tensor([0.0, 0.0, 0.5])}
    together = factors(("cosine", "linear", "constant"), t, total=torch.tensor([10, 80, 9]), **numbers)
    for i, name in enumerate(("cosine", "linear", "constant")):
        one = factors(
            (name,),
            t[i : i + 1],
            total=torch.tensor([[10, 80, 9][i]]),
            **{k: v[i : i + 1] for k, v in numbers.items()},
        )
        assert torch.equal(together[i], one[0])
