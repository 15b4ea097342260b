"""How networks are trained, and what is done to rows on their way in: the two largest sections of a recipe."""

from typing import Annotated, Literal

from pydantic import Field

from cotune.recipe.names import (
    AVERAGES,
    EMBEDDING_LOSSES,
    ENDLESS_SCHEDULES,
    LOSSES,
    OPTIMIZERS,
    RISING_SCHEDULES,
    SCHEDULED,
    SCHEDULES,
    WITH_MEAN,
    WITH_MOMENTUM,
    WITH_SQUARES,
)
from cotune.recipe.section import Section
from cotune.recipe.settings import Domain, Range, Setting
from cotune.recipe.units import Device


def _strength(highest: float, source: str) -> Domain:
    return Domain("float", low=0, high=highest, fusable=True, source=source)


class AugmentSection(Section):
    """What is done to training rows on their way into a network, anew in every step. 0 is off everywhere."""

    augment_probability: Annotated[
        Setting,
        Domain("float", low=0, high=1, fusable=True),
    ] = 1.0
    input_noise: Annotated[Setting, _strength(3, "Bishop 1995")] = 0.0
    feature_mask: Annotated[Setting, _strength(0.95, "Zhu et al. 2020")] = 0.0
    edge_drop: Annotated[Setting, _strength(0.95, "Rong et al. 2020")] = 0.0
    mixup: Annotated[Setting, _strength(8, "Zhang et al. 2018")] = 0.0
    cutmix: Annotated[Setting, _strength(8, "Yun et al. 2019")] = 0.0
    flip: Annotated[Setting, _strength(1, "Krizhevsky et al. 2012")] = 0.0
    rotate: Annotated[Setting, _strength(180, "Simard et al. 2003")] = 0.0
    translate: Annotated[Setting, _strength(1, "Simard et al. 2003")] = 0.0
    zoom: Annotated[Setting, _strength(0.9, "Simonyan & Zisserman 2015")] = 0.0
    shear: Annotated[Setting, _strength(0.9, "Cubuk et al. 2019")] = 0.0
    crop: Annotated[Setting, _strength(64, "He et al. 2016")] = 0.0
    brightness: Annotated[Setting, _strength(3, "Howard 2013")] = 0.0
    contrast: Annotated[Setting, _strength(1, "Howard 2013")] = 0.0
    erase: Annotated[Setting, _strength(1, "Zhong et al. 2020")] = 0.0
    time_warp: Annotated[Setting, _strength(0.9, "Um et al. 2017")] = 0.0
    window: Annotated[Setting, _strength(0.9, "Le Guennec et al. 2016")] = 0.0
    amplitude: Annotated[Setting, _strength(1, "Um et al. 2017")] = 0.0
    jitter: Annotated[Setting, _strength(1, "Um et al. 2017")] = 0.0
    word_swap: Annotated[Setting, _strength(1, "Wei & Zou 2019")] = 0.0
    word_dropout: Annotated[Setting, _strength(0.9, "Iyyer et al. 2015")] = 0.0


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
    l2: Annotated[Setting, Domain("float", low=0, fusable=True, source="Hoerl & Kennard 1970")] = 0.0
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
    clip_norm: Annotated[Setting, Domain("float", low=0, fusable=True, source="Pascanu et al. 2013")] = 0.0
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
            source="Goyal et al. 2017",
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
    clip_value: Annotated[Setting, Domain("float", low=0, fusable=True, source="Mikolov 2012")] = 0.0
    gradient_noise: Annotated[
        Setting, Domain("float", low=0, fusable=True, source="Neelakantan et al. 2015")
    ] = 0.0
    max_norm: Annotated[Setting, Domain("float", low=0, fusable=True, source="Srivastava et al. 2014")] = 0.0
    sam_rho: Annotated[Setting, Domain("float", low=0, fusable=True, source="Foret et al. 2021")] = 0.0
    lookahead: Annotated[Setting, Domain("int", low=0, fusable=True, source="Zhang et al. 2019")] = 0
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
    accumulate: Annotated[Setting, Domain("int", low=1, fusable=True)] = 1
    batch_growth: Annotated[
        Setting,
        Domain("float", low=1, high=1024, fusable=True, source="Smith et al. 2018"),
    ] = 1.0
    freeze: Annotated[Setting, Domain("int", low=0, fusable=True)] = 0
    unfreeze: Annotated[Setting, Domain("int", low=0, fusable=True, source="Howard & Ruder 2018")] = 0
    layer_lr: Annotated[
        Setting,
        Domain(
            "float",
            low=0.01,
            high=1,
            fusable=True,
            source="Howard & Ruder 2018",
        ),
    ] = 1.0
    pretrain: Annotated[
        Setting,
        Domain(
            "name",
            options=("none", "masked", "dgi"),
            fusable=True,
            source="Hou et al. 2022; Veličković et al. 2019",
        ),
    ] = "none"
    pretrain_epochs: Annotated[
        Setting, Domain("int", low=1, high=100_000, fusable=True, when=("pretrain", ("masked", "dgi")))
    ] = 200
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
