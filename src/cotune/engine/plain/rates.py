"""The plain twin's learning rates: torch's own schedulers where torch has one, the published formula where not.

It shares no line with `cotune.engine.schedules`.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import lr_scheduler

from cotune.engine.lanes import NEUTRAL, Lane

Scheduler = Callable[[torch.optim.Optimizer], lr_scheduler.LRScheduler]
Numbers = Mapping[str, float]


def rate(lane: Lane, step: int) -> float:
    """The learning rate of step 0, 1, … of a lane, but for what `Plateau` takes away."""
    shares = _shares(
        lane.schedule, lane.epochs * lane.structure.steps, tuple(sorted({**NEUTRAL, **lane.numbers}.items()))
    )
    return lane.number("lr") * shares[min(step, len(shares) - 1)]


@cache
def _shares(schedule: str, total: int, numbers: tuple[tuple[str, float], ...]) -> tuple[float, ...]:
    """Fractions of the peak at steps 0 … total."""
    known = dict(numbers)
    warmup = 0 if schedule in ("one_cycle", "cyclic", "coslog4") else round(known["warmup"] * total)
    rest = max(1, total - warmup)
    climb = [(step + 1) / warmup for step in range(warmup)]
    if schedule in FORMULAS:
        return *climb, *(
            FORMULAS[schedule](step, rest, {**known, "steps": warmup}) for step in range(rest + 1)
        )
    if schedule in SCHEDULERS:
        return *climb, *_stepped(SCHEDULERS[schedule](rest, known), rest)
    raise ValueError(
        f"the plain twin knows no schedule {schedule!r}; give it one in SCHEDULERS or FORMULAS of plain/rates.py"
    )


def _stepped(scheduler: Scheduler, steps: int) -> list[float]:
    """Rates of an optimizer of rate 1 under a scheduler of torch's, before each step and after the last."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    made, found = scheduler(optimizer), []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        made.step()
    return [*found, optimizer.param_groups[0]["lr"]]


def _one_cycle(rest: int, n: Numbers) -> Scheduler:
    # torch counts steps 0 … total_steps − 1, and has the peak at pct_start · total_steps − 1.
    return lambda o: lr_scheduler.OneCycleLR(
        o,
        max_lr=1.0,
        total_steps=rest + 1,
        pct_start=(0.3 * rest + 1) / (rest + 1),
        div_factor=25,
        final_div_factor=1 / (25 * n["final_lr"]) if n["final_lr"] else math.inf,
        cycle_momentum=False,
    )


def _milestones(rest: int, n: Numbers, part: Callable[[int], tuple[int, int]]) -> Scheduler:
    """Drops at the first step that is not before the part (a, b), meaning a/b, of the steps."""
    parts = [part(k) for k in range(1, round(n["drops"]) + 1)]
    return lambda o: lr_scheduler.MultiStepLR(o, [-(-rest * a // b) for a, b in parts], n["decay_factor"])


SCHEDULERS: dict[str, Callable[[int, Numbers], Scheduler]] = {
    "linear": lambda rest, n: lambda o: lr_scheduler.LinearLR(o, 1.0, n["final_lr"], rest),
    "cosine": lambda rest, n: lambda o: lr_scheduler.CosineAnnealingLR(o, rest, n["final_lr"]),
    "exponential": lambda rest, n: lambda o: lr_scheduler.ExponentialLR(o, n["final_lr"] ** (1 / rest)),
    "step": lambda rest, n: _milestones(rest, n, lambda k: (k, round(n["drops"]) + 1)),
    "multistep": lambda rest, n: _milestones(rest, n, lambda k: (2**k - 1, 2**k)),
    "one_cycle": _one_cycle,
    "inverse_time": lambda rest, n: (
        lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + (1 / n["final_lr"] - 1) * t / rest))
    ),
}
"""torch's own. Those that take whole numbers of steps only, as StepLR does, are in the tests."""


def _restarted(t: int, rest: int, n: Numbers) -> float:
    cycles = round(n["cycles"])
    over = 1.0 if t == rest else (t * cycles % rest) / rest
    return n["final_lr"] + (1 - n["final_lr"]) * (1 + math.cos(math.pi * over)) / 2


def _triangle(t: int, rest: int, n: Numbers) -> float:
    half = rest / (2 * n["cycles"])
    whole, over = divmod(t / half, 1)
    return n["final_lr"] + (1 - n["final_lr"]) * (1 - over if round(whole) % 2 else over)


def _flat(t: int, rest: int, n: Numbers, fall: Callable[[float], float]) -> float:
    begins = (1 - n["decay_share"]) * rest
    return 1.0 if t <= begins else n["final_lr"] + (1 - n["final_lr"]) * fall((t - begins) / (rest - begins))


FORMULAS: dict[str, Callable[[int, int, Numbers], float]] = {
    "constant": lambda t, rest, n: 1.0,  # noqa: ARG005
    "reduce_on_plateau": lambda t, rest, n: 1.0,  # noqa: ARG005
    "polynomial": lambda t, rest, n: n["final_lr"] + (1 - n["final_lr"]) * (1 - t / rest) ** n["decay_power"],
    "inverse_sqrt": lambda t, rest, n: math.sqrt(max(1, n["steps"]) / (max(1, n["steps"]) + t)),  # noqa: ARG005
    "cosine_restarts": _restarted,
    "cyclic": _triangle,
    "wsd": lambda t, rest, n: _flat(t, rest, n, lambda v: 1 - v),
    "flat_cosine": lambda t, rest, n: _flat(t, rest, n, lambda v: (1 + math.cos(math.pi * v)) / 2),
    "coslog4": lambda t, rest, n: (1 - math.cos(2 * math.pi * math.log2(1 + 15 * t / rest))) / 2,  # noqa: ARG005
}
"""Fraction of the peak at step t of `rest`; `steps` is the length of the warmup."""


class Plateau:
    """torch's ReduceLROnPlateau over the validation loss, for lanes with that schedule; else 1 for ever.

    Args:
        lane: whose validation rows are looked at.
    """

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        self._scheduler = lr_scheduler.ReduceLROnPlateau(
            self._optimizer,
            factor=lane.number("decay_factor"),
            patience=round(lane.number("plateau_patience")) - 1,  # torch counts the epochs that it lets pass
            threshold=0.0,
            min_lr=lane.number("final_lr"),
            eps=0.0,
        )

    @property
    def factor(self) -> float:
        """What is left of the rate."""
        return float(self._optimizer.param_groups[0]["lr"])

    @torch.no_grad()
    def after_epoch(self, network: nn.Module) -> None:
        """Look at the validation rows."""
        if self._lane.schedule != "reduce_on_plateau":
            return
        rows, variant = self._lane.validation, self._lane.variant
        logits = network.eval()(variant.numeric[rows], variant.codes[rows])
        network.train()
        y = variant.target[rows]
        values = logits.reshape(y.numel(), -1)[:, 0]
        loss = F.mse_loss(values, y.flatten()) if y.is_floating_point() else F.cross_entropy(logits, y)
        self._scheduler.step(loss.item())
