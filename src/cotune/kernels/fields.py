"""What the machine is told of a lane: addresses, whole numbers and real numbers, each by its column.

| symbol | meaning                                        | shape   |
|--------|------------------------------------------------|---------|
| at     | addresses, by the names in PLACES              | place   |
| size   | whole numbers, by the names in SIZES           | size    |
| rate   | real numbers, by the names in RATES            | rate    |
| extras | real numbers of a step, see EXTRA_COLUMNS      | 5       |
"""

PLACES = ("weights", "gradient", "memory", "statistics", "arena", "scratch", "order", "starts",
          "numeric", "codes", "truth", "class_weights", "coefficients", "train", "validation", "found",
          "extras", "pace", "matrices", "kept", "corners")  # fmt: skip
"""Of float32, but for starts, codes, order, train, validation and matrices (int64), truth (int64 classes or float32
values) and scratch (bytes). Gradient, arena, scratch, order and kept belong to the thread. `pace` may be 0: none.
`corners`: 1 where a weight is no padding."""
(WEIGHTS, GRADIENT, MEMORY, STATISTICS, ARENA, SCRATCH, ORDER, STARTS,
 NUMERIC, CODES, TRUTH, CLASS_WEIGHTS, COEFFICIENTS, TRAIN, VALIDATION, FOUND,
 EXTRAS, PACE, MATRICES, KEPT, CORNERS) = range(len(PLACES))  # fmt: skip

SIZES = ("activation", "loss", "optimizer", "real", "classes", "batch", "steps", "weights", "decayed", "features",
         "known", "train", "validation", "input", "input_pitch", "logits", "head", "d_logits", "spare", "rows",
         "outputs", "drop_seed", "order_seed", "epoch", "taken", "noise_seed", "statistics", "matrices",
         "sum", "slow", "average", "own_slots")  # fmt: skip
"""`real`: the lane's own hidden width; `known`, `train`, `validation`: rows of the data; `rows`: those the arena has
room for; `input`, `logits`, `d_logits`, `spare`: offsets in the arena; `epoch`, `taken`: epochs and steps before this
epoch; `matrices`: how many there are; `sum`, `slow`, `average`: slots of the memory, −1 for none; `own_slots`: slots
before the optimizer's."""
(ACTIVATION, LOSS, OPTIMIZER, REAL, CLASSES, BATCH, STEPS, SIZE, DECAYED, FEATURES,
 KNOWN, TRAIN_ROWS, VALIDATION_ROWS, INPUT, INPUT_PITCH, LOGITS, HEAD, D_LOGITS, SPARE, ROWS,
 OUTPUTS, DROP_SEED, ORDER_SEED, EPOCH, TAKEN, NOISE_SEED, STATISTICS_SIZE, MATRICES_COUNT,
 SUM, SLOW, AVERAGE, OWN_SLOTS) = range(len(SIZES))  # fmt: skip

RATES = (
    "dropout",
    "label_smoothing",
    "l1",
    "clip_norm",
    "l2",
    "clip_value",
    "gradient_noise",
    "max_norm",
    "sam_rho",
    "quantile",
    "focal_gamma",
    "variation",
)
(DROPOUT, SMOOTHING, L1, CLIP, L2, CLIP_VALUE, NOISE, MAX_NORM, SAM_RHO, QUANTILE, GAMMA,
 VARIATION) = range(len(RATES))  # fmt: skip

EXTRA_COLUMNS = 5
PART, DUE, AHEAD, AVERAGE_SHARE, NOISE_SIZE = range(EXTRA_COLUMNS)
"""What else differs from step to step; `cotune.engine.rates.EXTRAS` has the names."""
