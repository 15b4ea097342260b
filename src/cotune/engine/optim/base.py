"""What an optimizer is: a name, how many rows of memory it keeps, its coefficients, and one update.

| symbol | meaning                                             | shape       |
|--------|-----------------------------------------------------|-------------|
| w      | weights; the first `decayed` numbers of a row decay | lane weight |
| g      | gradients                                           | lane weight |
| memory | `slots` tensors, zero at a lane's start             | lane weight |
| s      | scratch, overwritten                                | lane weight |
| c      | coefficients of one step                            | lane 1 each |
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Rates:
    """Every lane's own numbers for the steps of an epoch, all float64.

    Args:
        lr, taken: learning rate, and step counter from 1 on [lane step].
        weight_decay, momentum, beta1, beta2: [lane 1].
    """

    lr: Tensor
    taken: Tensor
    weight_decay: Tensor
    momentum: Tensor
    beta1: Tensor
    beta2: Tensor


@dataclass(frozen=True)
class Optimizer:
    """An update rule. What can be worked out for a whole epoch at once is kept out of the step.

    Args:
        name: as recipes have it.
        slots: tensors of memory.
        coefficients: rates → tensors [lane step], in float64; an update gets one column of each, as float32.
        update: (w, g, memory, s, c, decayed) changes w and memory in place; g may be overwritten.
        judged: the slot with the weights to be judged; `None` for those that are trained.
        starts_from_weights: slots that begin as the first weights, not as zeros.
    """

    name: str
    slots: int
    coefficients: Callable[[Rates], tuple[Tensor, ...]]
    update: Callable[[Tensor, Tensor, Sequence[Tensor], Tensor, Sequence[Tensor], int], None]
    judged: int | None = None
    starts_from_weights: tuple[int, ...] = ()
