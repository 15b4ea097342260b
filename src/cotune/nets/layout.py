"""Where each weight of a network lies in one flat row of numbers.

| symbol | meaning                                     | shape        |
|--------|---------------------------------------------|--------------|
| flat   | all weights of all lanes, one row a lane    | lane weight  |
| view   | one layer's weights inside `flat`, no copy  | lane *shape  |

Optimizers, snapshots and clones work on whole rows; layers work on views.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

ALIGN = 32
"""Rows and views start at multiples of this many floats.

Elementwise kernels treat the last few numbers of a tensor with scalar instructions whose rounding may differ from
the vector ones. With every row a multiple of two vectors, no number's treatment depends on its neighbours."""


MATRICES = ("fan", "recurrent")
"""How matrices from units to units are drawn."""


@dataclass(frozen=True)
class Weight:
    """One named weight (or running statistic) of a network.

    Args:
        name: dotted, as in a state dict.
        shape: without the lane axis, as stored (padded).
        init: "fan" (random, variance by the chosen initialiser), "normal", "zeros", "ones", "norms" (of the
            columns of the layer's weight), "slope" (prelu's first), "recurrent" (from a state to its gates:
            orthogonal), "forget" (biases of an LSTM's inputs) or "words" (uniform up to 0.25, as Kim 2014).
        accumulates: whether autograd adds its gradient up; a linear layer overwrites its own.
        decay: whether weight decay and L1 act on it (matrices yes; biases and norms no).
        places: of a filter, how often a unit uses an input; 1 for a matrix.
        each: whether each unit has an input of its own, as in a depthwise convolution; (places, unit) is no matrix.
    """

    name: str
    shape: tuple[int, ...]
    init: str = "zeros"
    decay: bool = False
    accumulates: bool = True
    places: int = 1
    each: bool = False

    @property
    def size(self) -> int:
        """Count of numbers."""
        return math.prod(self.shape)

    @property
    def hidden(self) -> bool:
        """Whether it is a matrix from units to units: neither an embedding nor a head."""
        matrix = len(self.shape) == 2 and self.init in MATRICES and not self.each
        return matrix and not self.name.startswith("head")


@dataclass(frozen=True)
class Layout:
    """The weights of a network in one row, those that decay first."""

    weights: tuple[Weight, ...]
    offsets: dict[str, int] = field(hash=False)
    size: int
    decayed: int
    """The first so many numbers of a row are under weight decay."""

    @classmethod
    def of(cls, weights: Iterable[Weight]) -> "Layout":
        """Lay out `weights`, each start aligned."""
        ordered = sorted(weights, key=lambda w: not w.decay)
        offsets: dict[str, int] = {}
        position = decayed = 0
        for weight in ordered:
            offsets[weight.name] = position
            position += -(-weight.size // ALIGN) * ALIGN
            if weight.decay:
                decayed = position
        return cls(tuple(ordered), offsets, position, decayed)

    @property
    def matrices(self) -> tuple[Weight, ...]:
        """The weights that decay and have two axes, inputs and units; tables of embeddings are none."""
        return tuple(w for w in self.weights if w.decay and len(w.shape) == 2 and w.init in MATRICES)

    def corners(self, real: Callable[[Weight], tuple[int, ...]]) -> Tensor:
        """1 where a network of a lane's own width has a weight, 0 in the padding, float32 [weight].

        Args:
            real: the true shape of a weight.
        """
        found = torch.zeros(1, self.size)
        for weight, view in zip(self.weights, self.views(found).values(), strict=True):
            view[0][tuple(slice(n) for n in real(weight))] = 1.0
        return found[0]

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """Each weight as a view of `flat` [lane, size] → [lane, *shape]."""
        return {w.name: self.view(flat, w) for w in self.weights}

    def view(self, flat: Tensor, weight: Weight) -> Tensor:
        """One weight as a view of `flat` [lane, size] → [lane, *shape]."""
        start = self.offsets[weight.name]
        # as_strided, because view() refuses a lane axis of length one over a padded row in older releases
        strides = [math.prod(weight.shape[i + 1 :]) for i in range(len(weight.shape))]
        return torch.as_strided(
            flat, (flat.shape[0], *weight.shape), (flat.stride(0), *strides), flat.storage_offset() + start
        )
