"""The optimizers' coefficients of a whole epoch at once, every lane at its own step of its own schedule."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine.lanes import NUMBERS, Lane
from cotune.engine.optim import OPTIMIZERS, Rates
from cotune.engine.schedule import factors
from cotune.nets.context import Segment


def segments(names: Sequence[str]) -> tuple[Segment, ...]:
    """Runs of equal names: (name, start, stop)."""
    found: list[Segment] = []
    for place, name in enumerate(names):
        if found and found[-1][0] == name:
            found[-1] = (name, found[-1][1], place + 1)
        else:
            found.append((name, place, place + 1))
    return tuple(found)


def numbers_of(lanes: Sequence[Lane]) -> dict[str, Tensor]:
    """The fusable numbers, float32 [lane] each."""
    return {n: torch.tensor([lane.numbers[n] for lane in lanes], dtype=torch.float32) for n in NUMBERS}


def coefficients(
    lanes: Sequence[Lane], numbers: dict[str, Tensor], begun: Tensor
) -> list[tuple[str, slice, tuple[Tensor, ...]]]:
    """(optimizer, its lanes, its coefficients) for every segment of lanes with one optimizer.

    Args:
        lanes: of one structure.
        numbers: see `numbers_of`.
        begun: steps each lane had taken when the epoch began [lane].

    Returns:
        coefficients in float64 [lane step].
    """
    steps = lanes[0].structure.steps
    taken = begun.unsqueeze(1) + torch.arange(steps)
    total = torch.tensor([lane.epochs * steps for lane in lanes])
    shares = factors(
        tuple(lane.schedule for lane in lanes),
        taken,
        total=total,
        warmup=numbers["warmup"],
        final=numbers["final_lr"],
    )
    found = []
    for name, start, stop in segments([lane.optimizer for lane in lanes]):
        rows = slice(start, stop)
        own = {n: values[rows].double().unsqueeze(1) for n, values in numbers.items()}
        rates = Rates(
            lr=shares[rows] * own["lr"],
            taken=(taken[rows] + 1).double(),
            **{n: own[n] for n in ("weight_decay", "momentum", "beta1", "beta2")},
        )
        found.append((name, rows, OPTIMIZERS[name].coefficients(rates)))
    return found
