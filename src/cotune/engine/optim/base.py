"""What an optimizer is: a name, how many rows of memory it keeps, its coefficients, and one update.

| symbol | meaning                                             | shape       |
|--------|-----------------------------------------------------|-------------|
| w      | weights; the first `decayed` numbers of a row decay | lane weight |
| g      | gradients                                           | lane weight |
| memory | `slots` tensors, zero at a lane's start             | lane weight |
| s      | scratch, overwritten                                | lane weight |
| c      | coefficients of one step                            | lane 1 each |
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from cotune.kernels import updates


@dataclass(frozen=True)
class Rates:
    """Every lane's own numbers for the steps of an epoch, all float64.

    Args:
        lr, taken: learning rate, and step counter from 1 on [lane step].
        weight_decay, momentum, beta1, beta2: [lane 1].
        warmup: steps in which the rate rises to its peak [lane 1].
    """

    lr: Tensor
    taken: Tensor
    weight_decay: Tensor
    momentum: Tensor
    beta1: Tensor
    beta2: Tensor
    warmup: Tensor

    def each_step(self, *numbers: Tensor) -> tuple[Tensor, ...]:
        """Numbers of a lane [lane 1], the same for each of its steps [lane step]."""
        return tuple(number.expand_as(self.lr) for number in numbers)


@dataclass(frozen=True, eq=False)
class Matrix:
    """A hidden matrix, the same stretch of every row of weights.

    Args:
        start: where it begins.
        shape: inputs and units, with padding.
        stretch: numbers to the next weight of the row; behind the matrix they are zero.
        longer: root of each lane's longer side, without padding [lane 1 1].
    """

    start: int
    shape: tuple[int, int]
    stretch: int
    longer: Tensor

    @property
    def span(self) -> slice:
        """Its place in a row."""
        return slice(self.start, self.start + self.stretch)


@dataclass(frozen=True)
class Optimizer:
    """An update rule. What can be worked out for a whole epoch at once is kept out of the step.

    Args:
        name: as recipes have it.
        slots: tensors of memory.
        coefficients: rates → tensors [lane step], in float64; an update gets one column of each, as float32.
        update: (w, g, memory, s, c, decayed) changes w and memory in place; g may be overwritten.
        source: where the rule was published.
        matrices: whether `update` takes the keyword `matrices` besides: the hidden ones, a sequence of `Matrix`.
        starts_from_weights: slots that hold a copy of the first weights at a lane's start, not zeros.
        judged: the slot whose weights are to be evaluated and kept; those trained if `None`.
    """

    name: str
    slots: int
    coefficients: Callable[[Rates], tuple[Tensor, ...]]
    update: Callable[..., None]
    source: str
    matrices: bool = False
    starts_from_weights: tuple[int, ...] = ()
    judged: int | None = None

    @property
    def compiled(self) -> bool:
        """Whether compiled loops know it; lanes of the others step in batches."""
        return self.name in updates.NAMES


def add_decay(w: Tensor, g: Tensor, s: Tensor, penalty: Tensor, decayed: int) -> None:
    """Coupled weight decay: g ← g + λ w on the weights that decay."""
    torch.mul(w[:, :decayed], penalty, out=s[:, :decayed])
    g[:, :decayed] += s[:, :decayed]
