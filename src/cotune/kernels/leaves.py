"""The leaves that the machine calls, and which lanes need which; what a lane needs must be loaded before it runs."""

from collections.abc import Callable
from typing import Any

from cotune.kernels import (
    activations,
    classification,
    convolution,
    draws,
    fields,
    likelihoods,
    losses,
    matmul,
    method,
    norms,
    orders,
    periodic,
    recurrent,
    rows,
    updates,
)
from cotune.kernels.program import BATCH_NORM, CONVOLVE, EMBED, GRU, LAYER_NORM, PERIODIC, POOL

Leaf = Callable[..., Any]
Leaves = tuple[Leaf, ...]

COMMON: Leaves = (
    matmul.matmul, matmul.transpose, activations.activate, updates.update, rows.gather, rows.column_sums,
    rows.multiply, rows.add, rows.copy, orders.shuffle,
)  # fmt: skip
"""For every lane."""

OF_OPERATIONS: dict[int, Leaves] = {
    EMBED: (rows.embed, rows.embed_backward),
    BATCH_NORM: (norms.batch_norm, norms.batch_norm_backward),
    LAYER_NORM: (norms.layer_norm, norms.layer_norm_backward),
    CONVOLVE: (convolution.convolve, convolution.convolve_backward),
    POOL: (convolution.max_pool, convolution.max_pool_backward),
    GRU: (recurrent.gru, recurrent.gru_backward),
    PERIODIC: (periodic.periodic, periodic.periodic_backward),
}
"""For programs with an operation, by its code."""

_OF_CLASSES: Leaves = (classification.classification, losses.log_probabilities)
_OF_VALUES: Leaves = (likelihoods.likelihood, rows.take_columns)
OF_LOSSES: dict[int, Leaves] = {
    losses.CROSS_ENTROPY: (losses.cross_entropy, losses.log_probabilities),
    **dict.fromkeys((losses.MSE, losses.MAE, losses.HUBER), (losses.regression, rows.take_columns)),
    **dict.fromkeys((losses.LOG_COSH, losses.QUANTILE, losses.GAUSSIAN), _OF_VALUES),
    losses.POISSON: (*_OF_VALUES, likelihoods.rate_values),
    losses.BINARY_CROSS_ENTROPY: (*_OF_CLASSES, classification.log_sigmoids),
    **dict.fromkeys((losses.FOCAL, losses.HINGE), _OF_CLASSES),
}
"""For lanes with a loss, by its code."""

OF_RATES: dict[int, Leaves] = {
    fields.DROPOUT: (draws.drop,),
    fields.L1: (updates.add_l1,),
    fields.L2: (method.add_l2,),
    fields.CLIP: (updates.clip_norm,),
    fields.CLIP_VALUE: (method.clip_value,),
    fields.NOISE: (method.add_noise,),
    fields.MAX_NORM: (method.max_norm,),
    fields.SAM_RHO: (method.uphill,),
}
"""For lanes whose number is above 0, by its column of the rates."""

OF_SLOTS: dict[int, Leaves] = {
    fields.SUM: (method.add_part, method.take_sum),
    fields.SLOW: (method.move_towards,),
    fields.AVERAGE: (method.move_towards,),
}
"""For lanes that have a slot of memory, by its column of the sizes."""

PACED: Leaves = (method.still, method.at_pace)
"""For lanes whose layers learn at rates of their own."""

_CONDITIONAL = [*OF_OPERATIONS.values(), *OF_LOSSES.values(), *OF_RATES.values(), *OF_SLOTS.values(), PACED]
LEAVES: Leaves = tuple(dict.fromkeys((*COMMON, *(leaf for some in _CONDITIONAL for leaf in some))))
