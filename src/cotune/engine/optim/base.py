"""What an optimizer is: a name, how many rows of memory it keeps, and one update.

| symbol | meaning                                            | shape       |
|--------|----------------------------------------------------|-------------|
| w      | weights; the first `decayed` numbers of a row decay | lane weight |
| g      | gradients                                          | lane weight |
| memory | `slots` tensors, zero at a lane's start            | lane weight |
| s      | scratch, overwritten                               | lane weight |
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Hyper:
    """Every lane's own numbers for one step, each [lane, 1]. `step` counts from 1."""

    lr: Tensor
    weight_decay: Tensor
    momentum: Tensor
    beta1: Tensor
    beta2: Tensor
    step: Tensor
    decayed: int


Update = Callable[[Tensor, Tensor, Sequence[Tensor], Tensor, Hyper], None]


@dataclass(frozen=True)
class Optimizer:
    """`update(w, g, memory, s, hyper)` changes w and memory in place; g may be overwritten."""

    name: str
    slots: int
    update: Update
