"""The names that recipes know: of activations, losses, optimizers and the like. The engine's registries agree."""

from collections.abc import Mapping
from typing import Literal, get_args

ACTIVATIONS = ("identity", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "softplus", "mish",
               "hardsigmoid", "hardswish", "hardtanh", "prelu")  # fmt: skip
NORMS = ("none", "batch", "layer", "group", "instance", "rms", "weight", "spectral")
DROPOUTS = ("unit", "alpha", "spatial", "connect", "depth")
OPTIMIZERS = (
    "sgd",
    "nesterov",
    "adam",
    "adamw",
    "adagrad",
    "adadelta",
    "rmsprop",
    "adamax",
    "nadam",
    "radam",
    "amsgrad",
    "lion",
    "muon",
    "schedule_free",
)
WITH_MOMENTUM = ("sgd", "nesterov", "muon")
WITH_MEAN = ("adam", "adamw", "adamax", "nadam", "radam", "amsgrad", "lion", "muon", "schedule_free")
WITH_SQUARES = (*WITH_MEAN, "adadelta", "rmsprop")
SCHEDULED = tuple(name for name in OPTIMIZERS if name != "schedule_free")
"""Optimizers by the numbers, and the schedule, that mean something to them."""
SCHEDULES = (
    "constant", "linear", "cosine", "polynomial", "exponential", "inverse_time", "inverse_sqrt", "step", "multistep",
    "wsd", "flat_cosine", "cosine_restarts", "one_cycle", "cyclic", "coslog4", "reduce_on_plateau",
)  # fmt: skip
RISING_SCHEDULES = ("one_cycle", "cyclic", "coslog4")
"""They begin low, and have no warmup."""
ENDLESS_SCHEDULES = ("constant", "inverse_sqrt", "step", "multistep", "coslog4")
"""Where they end is not for `final_lr` to say."""
AVERAGES = ("none", "ema", "swa")
INITS = (
    "he", "glorot", "lecun", "he_uniform", "glorot_uniform", "lecun_uniform", "orthogonal", "lsuv", "normal", "uniform",
    "truncated_normal", "zeros",
)  # fmt: skip
EMBEDDING_LOSSES = ("contrastive", "triplet", "supervised_contrastive")
LOSSES = ("cross_entropy", "mse", "mae", "huber", "log_cosh", "quantile", "poisson", "gaussian",
          "binary_cross_entropy", "focal", "hinge", *EMBEDDING_LOSSES)  # fmt: skip
CONTEST_LOSSES = ("cross_entropy", "least_squares", "wasserstein", "hinge")
ANCHORS = ("none", "last", "mean", "standard")
NUMBERS = ("plain", "piecewise", "periodic")
COLUMN_KINDS = ("numeric", "categorical", "boolean", "date", "identifier", "constant", "ignore", "image",
                "text")  # fmt: skip
OF_WORDS = ("textcnn", "bag")
"""Families that read words and nothing else."""
WINDOWS = ("3-4-5", "2-3-4", "2-3-4-5", "1-2-3", "5-6-7")
"""Words that the windows of a TextCNN span."""
RECURRENT = ("gru", "rnn", "lstm")
SEQUENTIAL = (*RECURRENT, "tcn", "transformer")
"""Families that read rows in the order of time."""
POOLINGS = ("last", "mean", "max", "attention")
NORMS_OF: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(RECURRENT, ("none",)),
    "tcn": tuple(norm for norm in NORMS if norm != "instance"),
    "transformer": ("layer", "rms"),
}
"""Norms of such a family; the first stands in where the recipe says none."""
DROPOUTS_OF = ("unit", "spatial")
"""Kinds of dropout that such families know."""
READS: Mapping[str, tuple[str, ...]] = {
    "mlp": ("table", "image", "forecast"),
    "cnn": ("image",),
    **dict.fromkeys(SEQUENTIAL, ("series", "forecast", "text")),
    **dict.fromkeys(OF_WORDS, ("text",)),
    "gcn": ("graph",),
    "sage": ("graph",),
    "gat": ("graph",),
    "gin": ("graph",),
    "resnet": ("image",),
    "gan": ("table", "image"),
    "module": ("table", "image", "series", "forecast", "tensors"),
}
"""Family → kinds of data that it learns from. Of a table one of `SEQUENTIAL` reads the columns as a series."""
FAMILIES = tuple(READS)
GRAPHS = tuple(name for name, kinds in READS.items() if "graph" in kinds)
"""Families that learn from graphs."""
GRAPH_NORMS = ("none", "batch", "layer", "group", "rms")
"""Norms of theirs: of units of single nodes."""
AUTO: Mapping[str, str] = {
    "table": "mlp",
    "series": "tcn",
    "image": "cnn",
    "forecast": "mlp",
    "graph": "gcn",
    "text": "textcnn",
    "tensors": "module",
}
"""Kind of data → its family where the recipe leaves that open."""
KINDS = ("table", "series", "image", "forecast", "graph", "text", "tensors")
"""Kinds of data that studies can be made of."""
CONVOLVING = ("cnn", "resnet")
"""Families of feature maps."""
BLOCKS = ("basic", "bottleneck", "separable")
MAP_POOLINGS = ("flatten", "average", "max")

MetricName = Literal[
    "accuracy", "balanced_accuracy", "precision_macro", "precision_micro", "precision_weighted", "recall_macro",
    "recall_micro", "recall_weighted", "f1_macro", "f1_micro", "f1_weighted", "mcc", "roc_auc", "pr_auc", "log_loss",
    "brier", "calibration_error", "r2", "rmse", "mse", "mae", "mape", "frechet", "kernel_distance", "coverage", "loss",
]  # fmt: skip
METRICS: tuple[str, ...] = get_args(MetricName)
CostName = Literal["size", "multiplications", "latency", "latency_single"]
COSTS: tuple[str, ...] = get_args(CostName)
"""What is known of a network before it is trained; less is better."""
