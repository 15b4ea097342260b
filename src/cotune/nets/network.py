"""What the engine asks of an architecture."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from cotune.kernels.program import Program
from cotune.nets.context import Context
from cotune.nets.layout import Layout, Weight


class Network(Protocol):
    """The shape of a network: hashable, so that lanes can be grouped by it; it holds no weights."""

    @property
    def kind(self) -> str:
        """What sort of network this is, in a few words."""

    @property
    def features(self) -> int:
        """Numeric inputs of a row."""

    @property
    def example(self) -> tuple[int, ...]:
        """The shape of what it takes a row of features for."""

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Entries of each embedded column."""

    @property
    def outputs(self) -> int:
        """Logits."""

    @property
    def head(self) -> int:
        """Logits with padding."""

    @property
    def width(self) -> int:
        """Units of the widest hidden layer, with padding."""

    @property
    def slopes(self) -> bool:
        """Whether its activation learns a slope for each unit."""

    def draws(self, rows: int) -> int:
        """Numbers that dropout draws in a step of so many rows."""

    @property
    def compiles(self) -> bool:
        """Whether `program` can write all of it down."""

    @property
    def whole(self) -> bool:
        """Whether a forward pass costs the same for one row as for all, which are then asked for at once."""

    @property
    def products(self) -> int:
        """Multiplications of one row's forward pass."""

    @property
    def values(self) -> int:
        """Numbers that one row's forward pass leaves behind."""

    def weights(self) -> tuple[Weight, ...]:
        """Learned weights in order of use."""

    def statistics(self) -> tuple[Weight, ...]:
        """Running statistics, not learned."""

    def real_shape(self, weight: Weight, width: int) -> tuple[int, ...]:
        """The part of a weight that a network of hidden width `width` uses."""

    def forward(
        self,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        numeric: Tensor,
        codes: Tensor,
        context: Context,
    ) -> Tensor:
        """Logits [lane batch head] by PyTorch, of lanes side by side."""

    def program(self, layout: Layout, statistics: Layout, rows: int) -> Program:
        """The same for one lane, as a table for compiled loops."""
