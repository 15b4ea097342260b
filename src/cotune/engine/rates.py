"""The optimizers' coefficients of a whole epoch at once, every lane at its own step of its own schedule."""

from collections.abc import Sequence

import torch
from torch import Tensor

from cotune.engine import averages
from cotune.engine.accumulate import rhythm
from cotune.engine.lanes import NUMBERS, Lane
from cotune.engine.optim import OPTIMIZERS, Rates
from cotune.engine.schedules import factors
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
    rows = [[lane.number(name) for name in NUMBERS] for lane in lanes]
    columns = torch.tensor(rows, dtype=torch.float32).t().contiguous()
    return dict(zip(NUMBERS, columns, strict=True))


RATED = ("lr", "weight_decay", "momentum", "beta1", "beta2", "warmup", "accumulate")
"""The numbers that coefficients are made of."""


def coefficients(
    lanes: Sequence[Lane], numbers: dict[str, Tensor], begun: Tensor, factor: Tensor
) -> list[tuple[str, slice, tuple[Tensor, ...]]]:
    """(optimizer, its lanes, its coefficients) for every segment of lanes with one optimizer.

    Args:
        lanes: of one structure.
        numbers: see `numbers_of`.
        begun: steps each lane had taken when the epoch began [lane].
        factor: by which its rate was reduced so far, see `State` [lane].

    Returns:
        coefficients in float64 [lane step].
    """
    steps = lanes[0].structure.steps
    taken = begun.unsqueeze(1) + torch.arange(steps)
    total = torch.tensor([lane.epochs * steps for lane in lanes])
    shares = factors([lane.schedule for lane in lanes], taken, total=total, numbers=numbers)
    shares = shares * factor.unsqueeze(1)
    found = []
    for name, start, stop in segments([lane.optimizer for lane in lanes]):
        rows = slice(start, stop)
        own = {name: numbers[name][rows].double().unsqueeze(1) for name in RATED}
        rates = Rates(
            lr=shares[rows] * own["lr"],
            taken=_stepped(lanes[rows], taken[rows]).double(),
            warmup=(own["warmup"] * total[rows].unsqueeze(1) / own["accumulate"].clamp(min=1)).round(),
            **{name: own[name] for name in ("weight_decay", "momentum", "beta1", "beta2")},
        )
        found.append((name, rows, OPTIMIZERS[name].coefficients(rates)))
    return found


def _stepped(lanes: Sequence[Lane], taken: Tensor) -> Tensor:
    """Steps of the optimizer, that of the batch included [lane step]; `taken` counts the batches before."""
    if not lanes[0].structure.method.accumulates:
        return taken + 1
    steps = lanes[0].structure.steps
    found = [rhythm(lane, int(own[0]) // steps)[2] for lane, own in zip(lanes, taken, strict=True)]
    return torch.stack(found).clamp(min=1)


EXTRAS = ("part", "due", "ahead", "average", "noise")
"""What else differs from step to step, see `extras`."""

PLAIN = (1.0, 1.0, 0.0, 1.0, 0.0)
"""What they are where nothing does."""

NOISE_FALLS = 0.275
"""Gradient noise has a variance that falls as (1 + t)^-0.55 (Neelakantan et al. 2015)."""


def extras(lanes: Sequence[Lane], numbers: dict[str, Tensor], begun: Tensor) -> Tensor:
    """Of every step of an epoch: a batch's part in the gradient, whether the optimizer steps, the share of the fast
    weights that lookahead's slow ones take, that of the newest weights in their average, the size of gradient noise.

    Args:
        lanes, numbers, begun: as for `coefficients`.

    Returns:
        float64 [lane step extra], in the order of `EXTRAS`.
    """
    method, steps = lanes[0].structure.method, lanes[0].structure.steps
    if not (method.accumulates or method.averages or method.looks_ahead or numbers["gradient_noise"].any()):
        return torch.tensor(PLAIN, dtype=torch.float64).expand(len(lanes), steps, len(PLAIN))
    taken = begun.unsqueeze(1) + torch.arange(steps)
    own = {name: values.double().unsqueeze(1) for name, values in numbers.items()}
    part, due, stepped = torch.ones(taken.shape).double(), torch.ones(taken.shape).double(), taken + 1
    if method.accumulates:
        rhythms = [rhythm(lane, int(first) // steps) for lane, first in zip(lanes, begun, strict=True)]
        part, due, stepped = (torch.stack(column) for column in zip(*rhythms, strict=True))
    ahead = torch.where(stepped % own["lookahead"].clamp(min=1) == 0, own["lookahead_share"], 0.0)
    ahead = torch.where(own["lookahead"] > 0, ahead * due, 0.0)
    total = torch.tensor([[lane.epochs * steps] for lane in lanes]).double()
    average = averages.shares(taken, total, own["ema_decay"], own["swa_start"])
    noise = own["gradient_noise"] / (1 + taken.double()) ** NOISE_FALLS
    return torch.stack([part, due, ahead, average, noise], dim=2)
