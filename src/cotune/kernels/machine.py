"""Runs a program for one lane: batches forwards, backwards and through the optimizer, without a word of Python.

Everything is reached by address; whoever calls keeps the arrays alive and answers for the row numbers.

| symbol | meaning                                                        | shape         |
|--------|----------------------------------------------------------------|---------------|
| table  | the program, see `cotune.kernels.program`                      | operation, 16 |
| at     | addresses, by the names in PLACES                              |               |
| size   | whole numbers of the lane, by the names in SIZES               |               |
| rate   | real numbers of the lane, by the names in RATES                |               |
"""

import math

import numpy as np

from cotune.kernels import losses, updates
from cotune.kernels.arrays import Doubles, Integers, floats
from cotune.kernels.compiling import compiled, external, part

from cotune.kernels.fields import (  # isort: skip
    ACTIVATION, AHEAD, ARENA, AVERAGE, AVERAGE_SHARE, BATCH, CLASSES, CLASS_WEIGHTS, CLIP,
    CLIP_VALUE, CODES, COEFFICIENTS, CORNERS, DECAYED, DROPOUT, DROP_SEED, DUE, D_LOGITS, EPOCH,
    EXTRAS, EXTRA_COLUMNS, FEATURES, FOUND, GAMMA, GRADIENT, HEAD, INPUT, INPUT_PITCH, KEPT, KNOWN,
    L1, L2, LOGITS, LOSS, MATRICES, MATRICES_COUNT, MAX_NORM, MEMORY, NOISE, NOISE_SEED, NOISE_SIZE,
    NUMERIC, OPTIMIZER, ORDER, ORDER_SEED, OUTPUTS, OWN_SLOTS, PACE, PART, QUANTILE, REAL, ROWS,
    SAM_RHO, SCRATCH, SIZE, SLOW, SMOOTHING, SPARE, STARTS, STATISTICS, STATISTICS_SIZE, STEPS, SUM,
    TAKEN, TRAIN, TRAIN_ROWS, TRUTH, VALIDATION, VALIDATION_ROWS, VARIATION, WEIGHTS,
)  # fmt: skip
from cotune.kernels.leaves import LEAVES
from cotune.kernels.program import (
    ACTIVATE,
    ADDS,
    BATCH_NORM,
    CODE,
    CONVOLVE,
    DX,
    DY,
    EMBED,
    EXTRA,
    EXTRA1,
    EXTRA2,
    EXTRA3,
    GRU,
    INPUTS,
    LAYER_NORM,
    LINEAR,
    PERIODIC,
    POOL,
    TIMES,
    UNITS,
    X_PITCH,
    Y_PITCH,
    B,
    W,
    X,
    Y,
)

(
    _matmul, _transpose, _activate, _update, _gather, _column_sums, _multiply, _add, _copy, _shuffle,
    _embed, _embed_backward, _batch_norm, _batch_norm_backward, _layer_norm, _layer_norm_backward,
    _convolve, _convolve_backward, _max_pool, _max_pool_backward, _gru, _gru_backward,
    _periodic, _periodic_backward,
    _cross_entropy, _log_probabilities, _regression, _take_columns, _likelihood, _rate_values,
    _classification, _log_sigmoids,
    _drop, _add_l1, _add_l2, _clip_norm, _clip_value, _add_noise, _max_norm, _uphill,
    _add_part, _take_sum, _move_towards, _still, _at_pace,
) = (external(leaf) for leaf in LEAVES)  # fmt: skip

FLOAT = 4
INT = 8
ZERO, ONE = np.int64(0), np.int64(1)
"""To Numba the plain numbers are types of their own: a function called with them is compiled once more."""


@part
def forward(
    table: Integers,
    at: Integers,
    size: Integers,
    rate: Doubles,
    chosen: int,
    count: int,
    training: int | np.int64,
    step: int | np.int64,
) -> None:
    """From the chosen rows (the address of `count` numbers) to the logits."""
    arena, w, moments = at[ARENA], at[WEIGHTS], at[STATISTICS]
    _gather(
        at[NUMERIC],
        size[KNOWN],
        size[FEATURES],
        chosen,
        count,
        arena + FLOAT * size[INPUT],
        size[INPUT_PITCH],
    )
    for n in range(len(table)):
        op = table[n]
        code, units, lines = op[CODE], op[UNITS], count * op[TIMES]
        x, y = arena + FLOAT * op[X], arena + FLOAT * op[Y]
        scale, shift = w + FLOAT * op[W], w + FLOAT * op[B]
        if code == LINEAR:
            start = 2 if op[B] >= 0 else 0
            _matmul(
                x, op[X_PITCH], 1, scale, units, y, op[Y_PITCH], count, units, op[INPUTS], start, shift, 0, 0
            )
        elif code == ACTIVATE:
            _activate(size[ACTIVATION], x, y, lines, units, min(units, size[REAL]))
            if training and rate[DROPOUT] > 0.0:
                first = op[EXTRA3] * size[BATCH]
                _drop(size[DROP_SEED], step, rate[DROPOUT], first, at[SCRATCH], y, x, lines * units)
            if op[EXTRA] >= 0:
                _add(y, arena + FLOAT * op[EXTRA], lines * units)
        elif code == EMBED:
            _embed(
                scale, at[STARTS], op[EXTRA], units, at[CODES], size[KNOWN], chosen, count, y, op[Y_PITCH], op[EXTRA1]
            )  # fmt: skip
        elif code == PERIODIC:
            _periodic(
                x, op[X_PITCH], count, op[INPUTS], op[EXTRA2], units, scale, shift, w + FLOAT * op[EXTRA],
                w + FLOAT * op[EXTRA1], op[EXTRA3], arena + FLOAT * size[SPARE],
            )  # fmt: skip
        elif code == BATCH_NORM:
            _batch_norm(
                x, y, scale, shift, moments + FLOAT * op[EXTRA], moments + FLOAT * op[EXTRA1],
                arena + FLOAT * op[EXTRA2], arena + FLOAT * size[SPARE], lines, units, training,
            )  # fmt: skip
        elif code == LAYER_NORM:
            _layer_norm(x, y, scale, shift, arena + FLOAT * op[EXTRA2], lines, units, min(units, size[REAL]))
        elif code == CONVOLVE:
            _convolve(
                x, scale, shift, y, count, op[EXTRA], op[EXTRA1], op[INPUTS], units, op[EXTRA2],
                arena + FLOAT * size[SPARE],
            )  # fmt: skip
        elif code == POOL:
            _max_pool(x, y, count, op[EXTRA], op[EXTRA1], units)
        elif code == GRU:
            _gru(
                x, scale, w + FLOAT * op[EXTRA], shift, w + FLOAT * op[EXTRA1], y, count, op[EXTRA2], op[INPUTS], units,
                arena + FLOAT * op[EXTRA3],
            )  # fmt: skip


@part
def backward(table: Integers, at: Integers, size: Integers, chosen: int, count: int) -> None:
    """From the gradient of the logits to those of all weights."""
    arena, w, g = at[ARENA], at[WEIGHTS], at[GRADIENT]
    for n in range(len(table) - 1, -1, -1):
        op = table[n]
        code, units, lines = op[CODE], op[UNITS], count * op[TIMES]
        x, dx, dy = arena + FLOAT * op[X], arena + FLOAT * op[DX], arena + FLOAT * op[DY]
        scale, d_scale, d_shift = w + FLOAT * op[W], g + FLOAT * op[W], g + FLOAT * op[B]
        if code == LINEAR:
            inputs, pitch = op[INPUTS], op[X_PITCH]
            _matmul(x, 1, pitch, dy, op[Y_PITCH], d_scale, units, inputs, units, count, 0, 0, 0, 0)
            if op[B] >= 0:
                _column_sums(dy, count, units, d_shift)
            if op[DX] >= 0:
                turned = arena + FLOAT * size[SPARE]
                _transpose(scale, units, turned, pitch, inputs, units)
                _matmul(dy, op[Y_PITCH], 1, turned, pitch, dx, pitch, count, pitch, units, op[ADDS], 0, 0, 0)
        elif code == ACTIVATE:
            if op[EXTRA] >= 0:
                before = arena + FLOAT * op[EXTRA1]
                if op[EXTRA2]:
                    _add(before, dy, lines * units)
                else:
                    _copy(before, dy, lines * units)
            _multiply(dy, x, lines * units)
        elif code == EMBED:
            _embed_backward(
                d_scale, at[STARTS], op[EXTRA], units, at[CODES], size[KNOWN], chosen, count, dy, op[Y_PITCH],
                op[EXTRA1],
            )  # fmt: skip
        elif code == PERIODIC:
            _periodic_backward(
                x, dy, op[X_PITCH], count, op[INPUTS], op[EXTRA2], units, scale, w + FLOAT * op[B],
                w + FLOAT * op[EXTRA], d_scale, d_shift, g + FLOAT * op[EXTRA], g + FLOAT * op[EXTRA1], op[EXTRA3],
                arena + FLOAT * size[SPARE],
            )  # fmt: skip
        elif code == BATCH_NORM:
            _batch_norm_backward(x, dy, scale, arena + FLOAT * op[EXTRA2], d_scale, d_shift, lines, units)
        elif code == LAYER_NORM:
            real = min(units, size[REAL])
            _layer_norm_backward(
                x, dy, scale, arena + FLOAT * op[EXTRA2], d_scale, d_shift, lines, units, real
            )
        elif code == CONVOLVE:
            _convolve_backward(
                x, scale, dy, d_scale, dx if op[DX] >= 0 else 0, count, op[EXTRA], op[EXTRA1], op[INPUTS], units,
                op[EXTRA2], arena + FLOAT * size[SPARE],
            )  # fmt: skip
            _column_sums(dy, lines, units, d_shift)
        elif code == POOL:
            _max_pool_backward(x, arena + FLOAT * op[Y], dx, dy, count, op[EXTRA], op[EXTRA1], units)
        elif code == GRU:
            _gru_backward(
                w + FLOAT * op[EXTRA], dy, d_scale, g + FLOAT * op[EXTRA], d_shift, g + FLOAT * op[EXTRA1], count,
                op[EXTRA2], op[INPUTS], units, arena + FLOAT * op[EXTRA3],
            )  # fmt: skip


@compiled
def shuffle(at: Integers, size: Integers) -> None:
    """Draw the order of a lane's rows in its present epoch."""
    need = size[STEPS] * size[BATCH]
    _shuffle(at[TRAIN], size[TRAIN_ROWS], need, size[ORDER_SEED], size[EPOCH], at[ORDER])


@part
def loss_of(at: Integers, size: Integers, rate: Doubles, chosen: int) -> float:
    """The loss of a batch; its gradient in the logits is written, the logits are lost."""
    z, g = at[ARENA] + FLOAT * size[LOGITS], at[ARENA] + FLOAT * size[D_LOGITS]
    count, head, known, classes = size[BATCH], size[HEAD], size[KNOWN], size[CLASSES]
    kind, truth, weights = size[LOSS], at[TRUTH], at[CLASS_WEIGHTS]
    found: float
    if kind == losses.CROSS_ENTROPY:
        found = _cross_entropy(z, g, count, head, truth, known, chosen, classes, rate[SMOOTHING], weights)
    elif kind <= losses.HUBER:
        found = _regression(kind, z, g, count, head, truth, known, chosen)
    elif kind <= losses.GAUSSIAN:
        number = rate[QUANTILE] if kind == losses.QUANTILE else rate[VARIATION]
        found = _likelihood(kind, z, g, count, head, truth, known, chosen, number)
    else:
        number = rate[GAMMA] if kind == losses.FOCAL else rate[SMOOTHING]
        found = _classification(kind, z, g, count, head, truth, known, chosen, classes, number, weights)
    return found


@part
def update(at: Integers, size: Integers, rate: Doubles, t: int) -> None:
    """Regularise the gradient and take the optimizer's step t of the epoch, if it is due."""
    w, g, n, decayed = at[WEIGHTS], at[GRADIENT], size[SIZE], size[DECAYED]
    slot = FLOAT * n
    extras = floats(at[EXTRAS] + FLOAT * EXTRA_COLUMNS * t, EXTRA_COLUMNS)
    if rate[L1] > 0.0:
        _add_l1(w, g, decayed, rate[L1])
    if rate[L2] > 0.0:
        _add_l2(w, g, decayed, rate[L2])
    if at[PACE]:
        _still(g, at[PACE], n)
    if size[SUM] >= 0:
        _add_part(at[MEMORY] + slot * size[SUM], g, n, float(extras[PART]))
    if extras[DUE] > 0:
        if size[SUM] >= 0:
            _take_sum(at[MEMORY] + slot * size[SUM], g, n)
        if rate[CLIP_VALUE] > 0.0:
            _clip_value(g, n, rate[CLIP_VALUE])
        if rate[CLIP] > 0.0:
            _clip_norm(g, n, rate[CLIP])
        if rate[NOISE] > 0.0:
            _add_noise(g, at[CORNERS], n, size[NOISE_SEED], size[TAKEN] + t, float(extras[NOISE_SIZE]))
        if at[PACE]:
            _copy(at[KEPT], w, n)
        coefficients = at[COEFFICIENTS] + FLOAT * updates.COEFFICIENTS * t
        _update(size[OPTIMIZER], w, g, at[MEMORY] + slot * size[OWN_SLOTS], coefficients, n, decayed)
        if at[PACE]:
            _at_pace(w, at[KEPT], at[PACE], n)
        if rate[MAX_NORM] > 0.0:
            _max_norm(w, at[MATRICES], size[MATRICES_COUNT], rate[MAX_NORM])
        if size[SLOW] >= 0 and extras[AHEAD] > 0:
            slow = at[MEMORY] + slot * size[SLOW]
            _move_towards(slow, w, n, float(extras[AHEAD]))
            _copy(w, slow, n)
    if size[AVERAGE] >= 0:
        _move_towards(at[MEMORY] + slot * size[AVERAGE], w, n, float(extras[AVERAGE_SHARE]))


@compiled
def train(
    table: Integers,
    at: Integers,
    size: Integers,
    rate: Doubles,
    first: int | np.int64,
    last: int,
    loss: Doubles,
) -> int:
    """Train a lane on steps [first, last) of its epoch, in the order that `shuffle` has drawn.

    Args:
        loss: one number, to which each step's loss is added.

    Returns:
        the step it came to; less than `last` when that step's loss was not finite: it has changed no weight then.
    """
    count, w, n = size[BATCH], at[WEIGHTS], size[SIZE]
    moments, moved = at[STATISTICS], at[KEPT] + FLOAT * n
    for t in range(first, last):
        chosen = at[ORDER] + INT * count * t
        forward(table, at, size, rate, chosen, count, ONE, size[TAKEN] + t)
        found = loss_of(at, size, rate, chosen)
        if not math.isfinite(found):
            return t
        backward(table, at, size, chosen, count)
        if rate[SAM_RHO] > 0.0:
            _copy(at[KEPT], w, n)
            _copy(moved, moments, size[STATISTICS_SIZE])
            if at[PACE]:
                _still(at[GRADIENT], at[PACE], n)
            _uphill(w, at[GRADIENT], n, rate[SAM_RHO])
            forward(table, at, size, rate, chosen, count, ONE, size[TAKEN] + t)
            loss_of(at, size, rate, chosen)
            backward(table, at, size, chosen, count)
            _copy(w, at[KEPT], n)
            _copy(moments, moved, size[STATISTICS_SIZE])
        update(at, size, rate, t)
        loss[0] += found
    return last


@compiled
def train_epochs(
    table: Integers, at: Integers, size: Integers, rate: Doubles, loss: Doubles, reached: Integers, begin: int, end: int
) -> None:  # fmt: skip
    """Train lanes [begin, end) for their epoch, one after the other.

    Args:
        at, size, rate, loss: a row a lane.
        reached: set to the step each lane came to, see `train` [lane].
    """
    for k in range(begin, end):
        shuffle(at[k], size[k])
        reached[k] = train(table, at[k], size[k], rate[k], ZERO, size[k, STEPS], loss[k : k + 1])


@compiled
def evaluate(table: Integers, at: Integers, size: Integers, rate: Doubles, begin: int, end: int) -> None:
    """Log-probabilities, or values, of the validation rows of lanes [begin, end): no dropout, running moments."""
    for k in range(begin, end):
        most, count, outputs = size[k, ROWS], size[k, VALIDATION_ROWS], size[k, OUTPUTS]
        for start in range(0, count, most):
            some = min(most, count - start)
            chosen = at[k, VALIDATION] + INT * start
            forward(table, at[k], size[k], rate[k], chosen, some, ZERO, ZERO)
            z = at[k, ARENA] + FLOAT * size[k, LOGITS]
            target = at[k, FOUND] + FLOAT * outputs * start
            kind = size[k, LOSS]
            if kind == losses.BINARY_CROSS_ENTROPY:
                _log_sigmoids(z, some, size[k, HEAD], outputs)
            if kind == losses.CROSS_ENTROPY or kind > losses.GAUSSIAN:
                _log_probabilities(z, some, size[k, HEAD], target, outputs)
            else:
                _take_columns(z, some, size[k, HEAD], target, outputs)
            if kind == losses.POISSON:
                _rate_values(target, some * outputs, rate[k, VARIATION])
