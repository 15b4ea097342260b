"""What shapes of networks have in common for which no compiled loops are written, and whose heads alone are padded."""

from typing import NoReturn

from cotune.nets.layout import Layout, Weight
from cotune.nets.mlp import HEAD_MULTIPLE


class Batched:
    """The members of `cotune.nets.network.Network` that follow from it."""

    outputs: int
    """Logits."""

    @property
    def head(self) -> int:
        """Logits with padding."""
        return -(-self.outputs // HEAD_MULTIPLE) * HEAD_MULTIPLE

    @property
    def compiles(self) -> bool:
        """Compiled loops do not know it: its lanes step as batches."""
        return False

    @property
    def whole(self) -> bool:
        """Rows have nothing to do with each other."""
        return False

    def real_shape(self, weight: Weight, width: int) -> tuple[int, ...]:  # noqa: ARG002
        """All of it but the head's padding."""
        return (*weight.shape[:-1], self.outputs) if weight.name.startswith("head.") else weight.shape

    def program(self, layout: Layout, statistics: Layout, rows: int) -> NoReturn:
        """There is none; nobody asks, see `compiles`."""
        raise NotImplementedError(f"there are no compiled loops for {type(self).__name__}")
