"""What a lane begins with: a function of the lane alone."""

from torch import Tensor

from cotune.engine import rng
from cotune.engine.lanes import Lane
from cotune.engine.parallel import one_thread_a_kernel
from cotune.engine.start import with_start
from cotune.nets.initialise import initialise
from cotune.nets.initialisers import INITIALISERS
from cotune.nets.layout import Layout
from cotune.nets.lsuv import lsuv


def first_rows(lane: Lane, layouts: tuple[Layout, Layout]) -> tuple[Tensor, Tensor]:
    """First weights and running statistics, a row each.

    Args:
        layouts: of the weights and of the statistics of the lane's structure.
    """
    network, std = lane.structure.network, lane.number("init_std")
    with one_thread_a_kernel():  # bits of decompositions and sums depend on the count of threads
        weights, statistics = (
            initialise(
                network,
                layout,
                width=lane.width,
                init=lane.init,
                seed=rng.seed_of(lane.seed, purpose),
                frequency_scale=lane.number("frequency_scale"),
                std=std,
            )
            for layout, purpose in zip(layouts, ("weights", "statistics"), strict=True)
        )
        weights = with_start(lane, layouts[0], _measured(lane, layouts[0], weights))
        return weights, with_start(lane, layouts[1], statistics)


def _measured(lane: Lane, layout: Layout, row: Tensor) -> Tensor:
    """Rescaled on the lane's first batch, where its initialiser does so."""
    if not INITIALISERS[lane.init].measures:
        return row
    rows = lane.train[rng.permutation(lane.seed, 0, len(lane.train))[: lane.structure.batch_size]]
    return lsuv(
        lane.structure.network,
        layout,
        row,
        width=lane.width,
        activation=lane.activation,
        numeric=lane.variant.numeric[rows],
        codes=lane.variant.codes[rows],
    )
