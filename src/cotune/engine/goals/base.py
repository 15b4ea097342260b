"""What lanes learn where that is no loss of outputs against targets: a contest of two networks, a user's own step.

| symbol  | meaning                                      | shape       |
|---------|----------------------------------------------|-------------|
| weights | of each layer by name                        | lane *shape |
| keys    | of each lane's step, see `cotune.engine.rng` | lane        |
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from cotune.nets.context import Context
from cotune.nets.layout import Layout

if TYPE_CHECKING:
    from cotune.engine.lanes import Lane
    from cotune.engine.perturb import Batch


class Goal(Protocol):
    """A structure's own goal. It is hashable, as it is part of the structure, and holds no tensors of lanes.

    Its network's weights have `accumulates` true: autograd adds up what several uses of a weight give.
    """

    def losses(
        self,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        batch: "Batch",
        context: Context,
        keys: Tensor,
    ) -> Tensor:
        """The loss of each lane on its batch [lane]; the gradient of their sum is what lanes learn from.

        A lane's loss depends on its own weights, batch and key alone. Where it is not finite the lane has diverged.
        """

    def figures(
        self,
        lanes: "Sequence[Lane]",
        metrics: Sequence[str],
        weights: Tensor,
        statistics: Tensor,
        layouts: tuple[Layout, Layout],
    ) -> dict[str, Tensor]:
        """The metrics, and "loss", of each lane on its own validation rows, float64 [lane] each, on the host.

        Args:
            weights, statistics: those to be judged, a row a lane.
        """
