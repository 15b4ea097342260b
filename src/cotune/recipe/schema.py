"""The schema of a request. Every key here is reachable from YAML, command line (`--set`) and Python."""

import re
from pathlib import PurePath
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from cotune.recipe.settings import Choice, Domain, Range, Setting

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
STRATEGIES = ("auto", "grid", "random", "quasi-random", "tpe", "gp")
NUMBERS = ("plain", "piecewise", "periodic")
COLUMN_KINDS = ("numeric", "categorical", "boolean", "date", "identifier", "constant", "ignore", "image")
FAMILIES = ("mlp", "cnn", "gru")
PRESETS = ("fast", "balanced", "best")

MetricName = Literal[
    "accuracy", "balanced_accuracy", "precision_macro", "precision_micro", "precision_weighted", "recall_macro",
    "recall_micro", "recall_weighted", "f1_macro", "f1_micro", "f1_weighted", "mcc", "roc_auc", "pr_auc", "log_loss",
    "brier", "calibration_error", "r2", "rmse", "mse", "mae", "mape",
]  # fmt: skip
METRICS: tuple[str, ...] = get_args(MetricName)

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}


def _seconds(raw: object) -> object:
    if isinstance(raw, str):
        digits = raw.strip().rstrip("dhimns")
        unit = raw.strip()[len(digits) :]
        try:
            return float(digits) * _UNITS[unit]
        except (ValueError, KeyError):
            law = f"must be seconds or a number with a unit (90, 90s, 5m, 2h), but got {raw!r}"
            raise PydanticCustomError("duration", "{law}", {"law": law}) from None
    return raw


Seconds = Annotated[
    float, BeforeValidator(_seconds, json_schema_input_type=float | str), Field(gt=0, allow_inf_nan=False)
]
Fraction = Annotated[float, Field(gt=0, lt=1)]


def _size(raw: object) -> object:
    if raw == "auto":
        return raw
    text = str(raw).strip().lower()
    digits = text.rstrip("bgkmt")
    try:
        found = float(digits) * _SIZES[text[len(digits) :]]
        if not isinstance(raw, bool) and 1 <= found < 2**63:
            return int(found)
    except (ValueError, KeyError):
        pass
    law = f"must be auto, or a size above 0 in bytes or with a unit (500MB, 2GB), but got {raw!r}"
    raise PydanticCustomError("setting", "{law}", {"law": law})


Memory = Annotated[
    Literal["auto"] | int, BeforeValidator(_size, json_schema_input_type=Literal["auto"] | int | str)
]


_DEVICE = r"^(auto|cpu|cuda(:\d+)?)$"


def _device(raw: object) -> object:
    if isinstance(raw, str) and re.match(_DEVICE, raw):
        return raw
    law = f"must be auto, cpu, cuda or cuda:N with the number of a GPU, but got {raw!r}"
    raise PydanticCustomError("device", "{law}", {"law": law})


Device = Annotated[
    str, BeforeValidator(_device, json_schema_input_type=Annotated[str, Field(pattern=_DEVICE)])
]


SIDES = (4, 512)
"""Pixels that a side of the images a network reads may have."""


def _image_size(raw: object) -> object:
    if raw == "auto":
        return raw
    sides = [raw, raw] if isinstance(raw, int) else raw
    if isinstance(sides, list | tuple) and len(sides) == 2:
        whole = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
        if whole and all(SIDES[0] <= side <= SIDES[1] for side in sides):
            return tuple(sides)
    law = f"must be auto, a side in pixels, or [height, width], each from {SIDES[0]} to {SIDES[1]}, but got {raw!r}"
    raise PydanticCustomError("setting", "{law}", {"law": law})


Side = Annotated[int, Field(ge=SIDES[0], le=SIDES[1])]
ImageSize = Annotated[
    Literal["auto"] | tuple[Side, Side],
    BeforeValidator(
        _image_size,
        json_schema_input_type=Literal["auto"]
        | Side
        | Annotated[list[Side], Field(min_length=2, max_length=2)],
    ),
]


def _path(raw: object) -> object:
    return str(raw) if isinstance(raw, PurePath) else raw


class Section(BaseModel):
    """Base of the recipe's sections: closed and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class DataSection(Section):
    """Which data, and what is to be learned from it."""

    source: str | None = Field(
        None,
        description="Path of a CSV, TSV, Parquet or NumPy file, of a folder with X.npy and y.npy, or of a folder "
        "with a sub-folder of images for each class.",
    )
    target: str | None = Field(None, description="Name of the column to predict.")
    task: Literal["auto", "regression", "binary", "multiclass"] = "auto"
    columns: dict[
        str, Literal["numeric", "categorical", "boolean", "date", "identifier", "constant", "ignore", "image"]
    ] = Field(default_factory=dict, description="Column kinds that override the inferred ones.")
    memory: Memory = Field(
        "auto",
        description="Memory that the rows may take, such as `2GB`; what does not fit lies in files of the "
        "study, and the results are the same. `auto`: half of the free memory.",
    )
    image_size: ImageSize = Field(
        "auto",
        description="Size that images are brought to: the side in pixels, or `[height, width]`. `auto`: their own if "
        "all have one, else the median, even; at most 64.",
    )


class SplitSection(Section):
    """How the rows are divided. The test rows are used once, at the end."""

    method: Literal["holdout", "kfold", "stratified", "leave_one_out", "group", "time"] = "holdout"
    test: Fraction = Field(0.2, description="Fraction of all rows kept aside for the final score.")
    validation: Fraction = Field(0.2, description="Fraction of the other rows that steers a hold-out search.")
    folds: Annotated[int, Field(ge=2)] = Field(5, description="Folds, for every method but holdout.")
    repeats: Annotated[int, Field(ge=1)] = Field(1, description="Times the division is drawn anew.")
    group: str | None = Field(None, description="Column whose equal values must stay on one side.")
    time: str | None = Field(None, description="Column to sort by: training rows come first.")


class PrepareSection(Section):
    """Raw columns to numbers. Everything is fitted on training rows only."""

    missing: Annotated[Setting, Domain("name", options=("mean", "median", "most_frequent", "constant"))] = (
        "median"
    )
    indicators: Annotated[Setting, Domain("bool")] = True
    outliers: Annotated[
        Setting,
        Domain("name", options=("none", "clip", "remove"), source="Tukey 1977: Q1 − 3·IQR, Q3 + 3·IQR"),
    ] = "none"
    scaling: Annotated[
        Setting,
        Domain(
            "name",
            options=("none", "standard", "minmax", "maxabs", "robust", "robust_clip", "quantile"),
            source="robust_clip: Holzmüller et al. 2024",
        ),
    ] = Choice(("standard", "quantile"))
    numbers: Annotated[Setting, Domain("name", options=NUMBERS, source="Gorishniy et al. 2022")] = "plain"
    bins: Annotated[Setting, Domain("int", low=2, high=256, when=("numbers", ("piecewise",)))] = 16
    categories: Annotated[
        Setting, Domain("name", options=("onehot", "embedding"), source="Guo & Berkhahn 2016")
    ] = "onehot"
    select: Annotated[
        Setting,
        Domain(
            "name",
            options=("none", "variance", "mutual_information", "l1", "importance"),
            source="Kraskov et al. 2004; Tibshirani 1996; Geurts et al. 2006",
        ),
    ] = "none"
    keep: Annotated[
        Setting,
        Domain("float", low=0.01, high=1.0, when=("select", ("mutual_information", "l1", "importance"))),
    ] = 0.5
    balance: Annotated[
        Setting,
        Domain(
            "name",
            options=("none", "weights", "oversample", "undersample"),
            source="King & Zeng 2001; He & Garcia 2009",
        ),
    ] = "none"
    pixels: Annotated[Setting, Domain("name", options=("standard", "unit"))] = "standard"


FOR_TABLES = (
    "missing", "indicators", "outliers", "scaling", "numbers", "bins", "categories", "select", "keep",
)  # fmt: skip
"""Keys of `prepare` that mean nothing for images."""

FOR_IMAGES = ("pixels",)
"""Keys of `prepare` that mean nothing for tables."""


class NetworkSection(Section):
    """The architecture."""

    family: Annotated[
        Setting,
        Domain("name", options=FAMILIES, words=("auto",), source="LeCun et al. 1998; Cho et al. 2014"),
    ] = "auto"
    width: Annotated[Setting, Domain("int", low=1, high=8192, when=("family", ("mlp", "gru")))] = Choice(
        (64, 128, 256)
    )
    depth: Annotated[Setting, Domain("int", low=0, high=64, when=("family", ("mlp",)))] = Choice((1, 2, 3))
    filters: Annotated[
        Setting, Domain("int", low=8, high=512, step=8, words=("auto",), when=("family", ("cnn",)))
    ] = "auto"
    convolutions: Annotated[
        Setting, Domain("int", low=1, high=8, words=("auto",), when=("family", ("cnn",)))
    ] = "auto"
    kernel: Annotated[
        Setting, Domain("int", low=1, high=11, step=2, words=("auto",), when=("family", ("cnn",)))
    ] = "auto"
    activation: Annotated[Setting, Domain("name", options=ACTIVATIONS)] = Choice(("relu", "gelu", "silu"))
    norm: Annotated[
        Setting,
        Domain("name", options=NORMS, source="Ioffe & Szegedy 2015; Ba et al. 2016"),
    ] = "none"
    residual: Annotated[Setting, Domain("bool", when=("family", ("mlp",)), source="He et al. 2016")] = False
    dropout: Annotated[
        Setting, Domain("float", low=0, below=1, fusable=True, source="Srivastava et al. 2014")
    ] = Range(0.0, 0.5)
    dropout_kind: Annotated[
        Setting,
        Domain(
            "name",
            options=DROPOUTS,
            source="Klambauer et al. 2017; Tompson et al. 2015; Wan et al. 2013; Huang et al. 2016",
        ),
    ] = "unit"
    embedding_width: Annotated[
        Setting, Domain("int", low=1, high=1024, when=("categories", ("embedding",)))
    ] = 8
    frequency_scale: Annotated[
        Setting,
        Domain(
            "float",
            low=1e-3,
            high=100,
            fusable=True,
            when=("numbers", ("periodic",)),
            source="Gorishniy 2022",
        ),
    ] = 0.1
    init: Annotated[
        Setting,
        Domain(
            "name",
            options=INITS,
            fusable=True,
            source="He 2015; Glorot & Bengio 2010; LeCun 1998; Saxe et al. 2014; Mishkin & Matas 2016",
        ),
    ] = "he"
    init_std: Annotated[
        Setting,
        Domain(
            "float",
            low=0,
            high=100,
            fusable=True,
            when=("init", ("normal", "uniform", "truncated_normal")),
            source="Devlin et al. 2019",
        ),
    ] = 0.02
    pretrained: Annotated[str, BeforeValidator(_path, json_schema_input_type=str)] | None = Field(
        None,
        description="Directory of an earlier study, or a .safetensors file, whose weights networks begin with: "
        "layers whose names and shapes fit, the others by `init`. `freeze`, `unfreeze` and `layer_lr` say how "
        "they learn on.",
    )


def _strength(highest: float, source: str) -> Domain:
    return Domain("float", low=0, high=highest, fusable=True, source=source)


class AugmentSection(Section):
    """What is done to training rows on their way into a network, anew in every step. 0 is off everywhere."""

    augment_probability: Annotated[
        Setting,
        Domain("float", low=0, high=1, fusable=True, source="chance of each technique for an example"),
    ] = 1.0
    input_noise: Annotated[Setting, _strength(3, "Bishop 1995; standard deviations")] = 0.0
    feature_mask: Annotated[Setting, _strength(0.95, "Zhu et al. 2020; share of the features")] = 0.0
    mixup: Annotated[Setting, _strength(8, "Zhang et al. 2018; α of Beta(α, α)")] = 0.0
    cutmix: Annotated[Setting, _strength(8, "Yun et al. 2019; α of Beta(α, α)")] = 0.0
    flip: Annotated[Setting, _strength(1, "Krizhevsky et al. 2012; chance")] = 0.0
    rotate: Annotated[Setting, _strength(180, "Simard et al. 2003; degrees")] = 0.0
    translate: Annotated[Setting, _strength(1, "Simard et al. 2003; share of the side")] = 0.0
    zoom: Annotated[Setting, _strength(0.9, "Simonyan & Zisserman 2015; share")] = 0.0
    shear: Annotated[Setting, _strength(0.9, "Cubuk et al. 2019")] = 0.0
    crop: Annotated[Setting, _strength(64, "He et al. 2016; pixels of border")] = 0.0
    brightness: Annotated[Setting, _strength(3, "Howard 2013; standard deviations")] = 0.0
    contrast: Annotated[Setting, _strength(1, "Howard 2013")] = 0.0
    erase: Annotated[Setting, _strength(1, "Zhong et al. 2020; share of the area")] = 0.0
    time_warp: Annotated[Setting, _strength(0.9, "Um et al. 2017")] = 0.0
    window: Annotated[Setting, _strength(0.9, "Le Guennec et al. 2016; share cut off")] = 0.0
    amplitude: Annotated[Setting, _strength(1, "Um et al. 2017")] = 0.0
    jitter: Annotated[Setting, _strength(1, "Um et al. 2017; standard deviations")] = 0.0


class TrainingSection(Section):
    """How each network is trained."""

    epochs: Literal["auto"] | Annotated[int, Field(ge=1)] = Field(
        "auto", description="Epochs a trial may take."
    )
    batch_size: Annotated[Setting, Domain("int", low=1, words=("auto", "full"))] = "auto"
    loss: Annotated[Setting, Domain("name", options=("auto", *LOSSES))] = "auto"
    optimizer: Annotated[
        Setting,
        Domain(
            "name",
            options=OPTIMIZERS,
            source="Polyak 1964; Nesterov 1983; Duchi et al. 2011; Zeiler 2012; Tieleman & Hinton 2012; Kingma & Ba "
            "2015; Dozat 2016; Reddi et al. 2018; Loshchilov & Hutter 2019; Liu et al. 2020; Chen et al. 2023; Jordan "
            "et al. 2024; Defazio et al. 2024",
        ),
    ] = "adamw"
    lr: Annotated[Setting, Domain("float", low=0, fusable=True)] = Range(3e-4, 3e-2, log=True)
    weight_decay: Annotated[Setting, Domain("float", low=0, fusable=True)] = Range(1e-5, 1.0, log=True)
    momentum: Annotated[
        Setting, Domain("float", low=0, below=1, fusable=True, when=("optimizer", WITH_MOMENTUM))
    ] = 0.9
    beta1: Annotated[
        Setting, Domain("float", low=0, below=1, fusable=True, when=("optimizer", WITH_MEAN))
    ] = 0.9
    beta2: Annotated[
        Setting, Domain("float", low=0, below=1, fusable=True, when=("optimizer", WITH_SQUARES))
    ] = 0.999
    l1: Annotated[Setting, Domain("float", low=0, fusable=True, source="Tibshirani 1996")] = 0.0
    l2: Annotated[
        Setting, Domain("float", low=0, fusable=True, source="Hoerl & Kennard 1970; with l1 elastic net")
    ] = 0.0
    label_smoothing: Annotated[
        Setting,
        Domain(
            "float",
            low=0,
            below=1,
            fusable=True,
            when=("loss", ("cross_entropy", "binary_cross_entropy")),
            source="Szegedy et al. 2016",
        ),
    ] = Range(0.0, 0.1)
    quantile: Annotated[
        Setting,
        Domain(
            "float",
            low=1e-3,
            high=1 - 1e-3,
            fusable=True,
            when=("loss", ("quantile",)),
            source="Koenker & Bassett 1978",
        ),
    ] = 0.5
    focal_gamma: Annotated[
        Setting,
        Domain("float", low=0, fusable=True, when=("loss", ("focal",)), source="Lin et al. 2017"),
    ] = 2.0
    embedding_size: Annotated[
        Setting, Domain("int", low=1, high=1024, when=("loss", EMBEDDING_LOSSES), source="Khosla et al. 2020")
    ] = 32
    margin: Annotated[
        Setting,
        Domain(
            "float",
            low=1e-3,
            fusable=True,
            when=("loss", ("contrastive", "triplet")),
            source="Hadsell et al. 2006; Hermans et al. 2017",
        ),
    ] = 1.0
    contrast_temperature: Annotated[
        Setting,
        Domain(
            "float",
            low=1e-3,
            fusable=True,
            when=("loss", ("supervised_contrastive",)),
            source="Khosla et al. 2020",
        ),
    ] = 0.1
    clip_norm: Annotated[
        Setting, Domain("float", low=0, fusable=True, source="Pascanu et al. 2013; 0 is off")
    ] = 0.0
    schedule: Annotated[
        Setting,
        Domain(
            "name",
            options=SCHEDULES,
            fusable=True,
            when=("optimizer", SCHEDULED),
            source="Loshchilov & Hutter 2017; Smith 2017",
        ),
    ] = "cosine"
    warmup: Annotated[
        Setting,
        Domain(
            "float",
            low=0,
            below=1,
            fusable=True,
            when=("schedule", tuple(name for name in SCHEDULES if name not in RISING_SCHEDULES)),
            source="Goyal et al. 2017; fraction of the steps",
        ),
    ] = 0.05
    final_lr: Annotated[
        Setting,
        Domain(
            "float",
            low=0,
            high=1,
            fusable=True,
            when=("schedule", tuple(name for name in SCHEDULES if name not in ENDLESS_SCHEDULES)),
        ),
    ] = 0.01
    cycles: Annotated[
        Setting,
        Domain("int", low=1, high=1000, fusable=True, when=("schedule", ("cosine_restarts", "cyclic"))),
    ] = 3
    drops: Annotated[
        Setting, Domain("int", low=1, high=50, fusable=True, when=("schedule", ("step", "multistep")))
    ] = 2
    decay_factor: Annotated[
        Setting,
        Domain(
            "float",
            low=0,
            high=1,
            fusable=True,
            when=("schedule", ("step", "multistep", "reduce_on_plateau")),
        ),
    ] = 0.1
    decay_power: Annotated[
        Setting, Domain("float", low=0, high=20, fusable=True, when=("schedule", ("polynomial",)))
    ] = 2.0
    decay_share: Annotated[
        Setting, Domain("float", low=0, high=1, fusable=True, when=("schedule", ("wsd", "flat_cosine")))
    ] = 0.2
    plateau_patience: Annotated[
        Setting, Domain("int", low=1, fusable=True, when=("schedule", ("reduce_on_plateau",)))
    ] = 5
    clip_value: Annotated[Setting, Domain("float", low=0, fusable=True, source="Mikolov 2012; 0 is off")] = (
        0.0
    )
    gradient_noise: Annotated[
        Setting, Domain("float", low=0, fusable=True, source="Neelakantan et al. 2015")
    ] = 0.0
    max_norm: Annotated[
        Setting, Domain("float", low=0, fusable=True, source="Srivastava et al. 2014; 0 is off")
    ] = 0.0
    sam_rho: Annotated[
        Setting, Domain("float", low=0, fusable=True, source="Foret et al. 2021 (sharpness-aware); 0 is off")
    ] = 0.0
    lookahead: Annotated[
        Setting, Domain("int", low=0, fusable=True, source="Zhang et al. 2019; steps between, 0 is off")
    ] = 0
    lookahead_share: Annotated[
        Setting, Domain("float", low=0, high=1, fusable=True, source="Zhang et al. 2019")
    ] = 0.5
    averaging: Annotated[
        Setting, Domain("name", options=AVERAGES, source="Polyak & Juditsky 1992; Izmailov et al. 2018")
    ] = "none"
    ema_decay: Annotated[
        Setting, Domain("float", low=0.5, below=1, fusable=True, when=("averaging", ("ema",)))
    ] = 0.998
    swa_start: Annotated[
        Setting, Domain("float", low=0.05, below=1, fusable=True, when=("averaging", ("swa",)))
    ] = 0.75
    accumulate: Annotated[
        Setting, Domain("int", low=1, fusable=True, source="batches to a step of the optimizer")
    ] = 1
    batch_growth: Annotated[
        Setting,
        Domain(
            "float", low=1, high=1024, fusable=True, source="Smith et al. 2018; 8: the batch doubles 3 times"
        ),
    ] = 1.0
    freeze: Annotated[
        Setting, Domain("int", low=0, fusable=True, source="layers from the input that do not learn")
    ] = 0
    unfreeze: Annotated[
        Setting, Domain("int", low=0, fusable=True, source="Howard & Ruder 2018; epochs until the next thaws")
    ] = 0
    layer_lr: Annotated[
        Setting,
        Domain(
            "float",
            low=0.01,
            high=1,
            fusable=True,
            source="Howard & Ruder 2018; a layer's rate to the next's",
        ),
    ] = 1.0
    label_noise: Annotated[
        Setting, Domain("float", low=0, high=0.95, fusable=True, source="Xie et al. 2016 (DisturbLabel)")
    ] = 0.0
    patience: Annotated[int, Field(ge=0)] = Field(
        20, description="Epochs without a gain before a trial ends; 0 is never."
    )
    device: Device = Field(
        "auto",
        description="Where networks train: `cpu`, `cuda`, or `cuda:1` for the second GPU. `auto`: a GPU where PyTorch "
        "finds one; see [devices](devices.md).",
    )
    precision: Literal["float32", "tf32", "bf16"] = Field(
        "float32",
        description="Of the products of matrices on a GPU. `float32` uses no TF32; `bf16` is autocast. Weights, "
        "optimizer and validation are float32 always.",
    )
    deterministic: bool = Field(
        False,
        description="On a GPU, use only kernels that give the same bits each time; slower. A CPU always does.",
    )


class SearchSection(Section):
    """How the space is searched, and when to stop. Whichever limit is met first ends the study."""

    preset: Literal["fast", "balanced", "best"] = Field(
        "balanced",
        description="Where keys that the recipe does not set are searched, by kind and size of the data: `fast` for a "
        "first answer, `best` for accuracy; see [presets](presets.md).",
    )
    strategy: Literal["auto", "grid", "random", "quasi-random", "tpe", "gp"] = "auto"
    metric: Literal["auto", MetricName] = "auto"
    also: tuple[MetricName, ...] = Field(
        (), description="Further metrics to record on the validation rows at every epoch. They steer nothing."
    )
    trials: Annotated[int, Field(ge=1)] | None = Field(None, description="Trials to start, at most.")
    time_limit: Seconds | None = Field(None, description="Wall-clock seconds, or 90s, 5m, 2h.")
    lane_epochs: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Epochs to train, summed over lanes."
    )
    lanes: Literal["auto"] | Annotated[int, Field(ge=1)] = Field(
        "auto", description="Lanes in training at once."
    )
    seeds: Annotated[int, Field(ge=1)] = Field(
        1, description="Networks per trial and fold, started differently."
    )
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    rungs: bool = Field(True, description="Stop weak trials early (successive halving).")
    reduction: Annotated[int, Field(ge=2)] = Field(3, description="One in so many goes on from a rung.")
    first_rung: Annotated[int, Field(ge=1)] = Field(3, description="Epoch of the first rung.")


class AfterSection(Section):
    """What is made of the trained networks, by what they say of validation rows. It costs no further training."""

    ensemble: Literal["none", "average", "weighted", "greedy", "stacking", "soup", "snapshot"] = Field(
        "greedy",
        description="The model: the best trial, or several. `greedy` adds trials while that helps on the validation "
        "rows; `average`: all the same; `weighted`: by their loss; `stacking`: a linear model finds the weights; "
        "`snapshot`: the best trial at several epochs; `soup`: weights of networks are averaged into one network. "
        "See [after](after.md).",
    )
    members: Annotated[int, Field(ge=1, le=256)] = Field(
        16, description="Trials, the best ones, that an ensemble may have."
    )
    calibration: Literal["none", "temperature"] = Field(
        "temperature",
        description="Of probabilities. `temperature`: one number makes them as bold as they are right; labels stay "
        "the same. *Guo et al. 2017*",
    )
    threshold: Literal["none", "tune"] = Field(
        "none",
        description="`tune`, with two classes: the probability from which on a row is called positive is the one "
        "that is best for the metric.",
    )

    @property
    def one_trial(self) -> bool:
        """Whether the model is made of the best trial alone."""
        return self.ensemble in ("none", "snapshot")

    @property
    def epochs_matter(self) -> bool:
        """Whether trials are wanted at several epochs."""
        return self.ensemble in ("soup", "snapshot")


class Recipe(Section):
    """A whole request."""

    data: DataSection = DataSection()
    split: SplitSection = SplitSection()
    prepare: PrepareSection = PrepareSection()
    network: NetworkSection = NetworkSection()
    augment: AugmentSection = AugmentSection()
    training: TrainingSection = TrainingSection()
    search: SearchSection = SearchSection()
    after: AfterSection = AfterSection()


def leaves() -> dict[str, tuple[str, Any]]:
    """Every key of the recipe: leaf name → (section, pydantic field). Leaf names are unique."""
    found: dict[str, tuple[str, Any]] = {}
    for section, info in Recipe.model_fields.items():
        kind = info.annotation
        assert isinstance(kind, type)
        assert issubclass(kind, BaseModel)
        for name, field in kind.model_fields.items():
            assert name not in found, f"recipe key {name} stands in two sections"
            found[name] = (section, field)
    return found


def domains() -> dict[str, tuple[str, Domain]]:
    """Every tunable key: leaf name → (section, its domain)."""
    found: dict[str, tuple[str, Domain]] = {}
    for name, (section, field) in leaves().items():
        for extra in field.metadata:
            if isinstance(extra, Domain):
                found[name] = (section, extra)
    return found
