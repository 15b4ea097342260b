"""How the first weights of a matrix are drawn, by name.

| symbol  | meaning                                                         |
|---------|-----------------------------------------------------------------|
| fan_in  | inputs of a unit; of a filter, its places times channels        |
| fan_out | units an input reaches; of a filter, its places times filters   |
| std     | the number `init_std`, for those that look at no fan            |
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

TRUNCATED = 0.8796256610342398
"""Standard deviation of a standard normal that is cut off at ±2."""


@dataclass(frozen=True)
class Matrix:
    """What is to be drawn.

    Args:
        shape: input unit.
        fan_out: see above; fan_in is the first axis.
        std: see above.
    """

    shape: tuple[int, ...]
    fan_out: int
    std: float

    @property
    def fan_in(self) -> int:
        """Inputs of a unit."""
        return self.shape[0]


@dataclass(frozen=True)
class Initialiser:
    """How weights are drawn.

    Args:
        draw: (matrix, generator) → weights.
        source: where it was published.
        head: name of the one that draws the head. It feeds no activation: half of He's variance keeps first logits near
            unit size. Empty where the head is drawn like other layers.
        measures: whether layers are rescaled by their outputs afterwards, see `cotune.nets.lsuv`.
    """

    draw: Callable[[Matrix, Generator], Tensor]
    source: str
    head: str = ""
    measures: bool = False


Variance = Callable[[Matrix], float]


def _he(matrix: Matrix) -> float:
    return 2.0 / matrix.fan_in


def _glorot(matrix: Matrix) -> float:
    return 2.0 / (matrix.fan_in + matrix.fan_out)


def _lecun(matrix: Matrix) -> float:
    return 1.0 / matrix.fan_in


def _given(matrix: Matrix) -> float:
    return matrix.std**2


def _normal(variance: Variance) -> Callable[[Matrix, Generator], Tensor]:
    def draw(matrix: Matrix, generator: Generator) -> Tensor:
        return torch.randn(matrix.shape, generator=generator) * math.sqrt(variance(matrix))

    return draw


def _uniform(variance: Variance) -> Callable[[Matrix, Generator], Tensor]:
    def draw(matrix: Matrix, generator: Generator) -> Tensor:
        half = math.sqrt(3 * variance(matrix))
        return (2 * torch.rand(matrix.shape, generator=generator) - 1) * half

    return draw


def _truncated(matrix: Matrix, generator: Generator) -> Tensor:
    """A normal that is cut off at two standard deviations, and widened so that `std` is what is left."""
    drawn = nn.init.trunc_normal_(torch.empty(matrix.shape), a=-2.0, b=2.0, generator=generator)
    return drawn * (matrix.std / TRUNCATED)


def _orthogonal(matrix: Matrix, generator: Generator) -> Tensor:
    """Uniform among matrices whose columns, or rows where there are fewer, are orthonormal."""
    return nn.init.orthogonal_(torch.empty(matrix.shape), generator=generator)


def _zeros(matrix: Matrix, _: Generator) -> Tensor:
    """All units of a layer are equal and stay so: of use for linear models only."""
    return torch.zeros(matrix.shape)


HE, GLOROT = "He et al. 2015, eq. 10", "Glorot & Bengio 2010, eq. 16"
LECUN, MISHKIN = "LeCun et al., Efficient BackProp, 1998, eq. 16", "Mishkin & Matas 2016"

INITIALISERS: dict[str, Initialiser] = {
    "he": Initialiser(_normal(_he), HE, "lecun"),
    "glorot": Initialiser(_normal(_glorot), GLOROT, "lecun"),
    "lecun": Initialiser(_normal(_lecun), LECUN, "lecun"),
    "he_uniform": Initialiser(_uniform(_he), HE, "lecun_uniform"),
    "glorot_uniform": Initialiser(_uniform(_glorot), GLOROT, "lecun_uniform"),
    "lecun_uniform": Initialiser(_uniform(_lecun), LECUN, "lecun_uniform"),
    "orthogonal": Initialiser(_orthogonal, "Saxe et al. 2014"),
    "lsuv": Initialiser(_orthogonal, MISHKIN, measures=True),
    "normal": Initialiser(_normal(_given), "Krizhevsky et al. 2012, with 0.01"),
    "uniform": Initialiser(_uniform(_given), "Rumelhart et al. 1986"),
    "truncated_normal": Initialiser(_truncated, "Devlin et al., BERT, 2019, with 0.02"),
    "zeros": Initialiser(_zeros, "for linear models: hidden units would stay equal"),
}
"""By the name that recipes use."""
