"""What a schedule is: the fraction of the peak rate, as a function of the progress.

| symbol  | meaning                                          | shape      |
|---------|--------------------------------------------------|------------|
| u       | fraction of the steps after warmup, in [0, 1]    | lane step  |
| numbers | a lane's fusable numbers by name, float64        | lane 1     |
| final   | the number `final_lr`: fraction of the peak left | lane 1     |
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

Numbers = Mapping[str, Tensor]

RISE = "rise"
"""Beside the recipe's numbers: steps of the warmup, one at least, in units of the steps after it."""

ROUNDING = 1e-9
"""Added before a floor: far less than a step, more than the error of u. What is due at a step comes at that step."""


@dataclass(frozen=True)
class Schedule:
    """A course of the learning rate.

    Args:
        share: (u, numbers) → fraction of the peak rate, in [0, 1].
        reads: the numbers it has a use for. Without `warmup` among them it brings a rise of its own, and has no warmup.
        source: where it was published.
        falls: whether it never rises after the warmup.
    """

    share: Callable[[Tensor, Numbers], Tensor]
    reads: tuple[str, ...]
    source: str
    falls: bool = True
