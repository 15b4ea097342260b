"""Regularisation: what keeps a network from learning its training rows by heart."""

from cotune.catalogue.base import Technique
from cotune.catalogue.derive import NEUTRAL, PREDICTING, options, technique
from cotune.recipe.names import CONVOLVING, GRAPHS, SEQUENTIAL
from cotune.types import Value

KIND = "regularisation"

NO_GRAPHS = tuple(family for family in PREDICTING if family not in GRAPHS)
"""Networks over graphs leave out units, features, edges and attention."""

PENALTIES = (
    technique(
        KIND, "l1", {"l1": 1e-4}, {"l1": 0.0}, parameters=["l1"],
        reference="Tibshirani 1996", summary="the loss grows by λ Σ |w|",
    ),
    technique(
        KIND, "l2", {"l2": 1e-3}, {"l2": 0.0}, parameters=["l2"],
        reference="Hoerl & Kennard 1970", summary="the loss grows by ½ λ Σ w²",
    ),
    technique(
        KIND, "elastic_net", {"l1": 1e-4, "l2": 1e-3}, {"l1": 0.0, "l2": 0.0}, parameters=["l1", "l2"],
        reference="Zou & Hastie 2005", summary="the loss grows by λ₁ Σ |w| + ½ λ₂ Σ w²",
    ),
    technique(
        KIND, "weight_decay", {"optimizer": "adamw", "weight_decay": 0.01}, {"weight_decay": 0.0},
        parameters=["weight_decay"], reference="Loshchilov & Hutter 2019",
        summary="w ← (1 − lr λ) w, apart from the gradient; by optimizers that do not decouple it, as l2",
    ),
    technique(
        KIND, "max_norm", {"max_norm": 3.0}, {"max_norm": 0.0}, parameters=["max_norm"],
        reference="Srivastava et al. 2014", summary="weights into a unit are scaled back to this length",
    ),
)  # fmt: skip

NOISES = (
    technique(
        KIND, "gradient_noise", {"gradient_noise": 0.01}, {"gradient_noise": 0.0}, parameters=["gradient_noise"],
        reference="Neelakantan et al. 2015", summary="g + η (1 + t)^−0.275 n, n normal",
    ),
    technique(
        KIND, "label_noise", {"label_noise": 0.1}, {"label_noise": 0.0}, parameters=["label_noise"],
        reference="Xie et al. 2016", summary="a label is replaced by one at random; a value gets noise",
    ),
)  # fmt: skip

DROPOUTS = {
    "unit": ("dropout", "Srivastava et al. 2014", "units are left out of a step"),
    "alpha": (
        "alpha_dropout",
        "Klambauer et al. 2017",
        "units are set to −λα, and mean and variance stay: for selu",
    ),
    "spatial": ("spatial_dropout", "Tompson et al. 2015", "whole feature maps are left out of a step"),
    "connect": ("drop_connect", "Wan et al. 2013", "weights are left out of a step"),
    "depth": (
        "stochastic_depth",
        "Huang et al. 2016",
        "what a layer adds to its input is left out of a step",
    ),
}
"""Kind of dropout → technique, reference, summary."""

BESIDE: dict[str, dict[str, Value]] = {"alpha": {"activation": "selu"}, "depth": {"residual": True}}
"""What some of them are of no use without."""

OF_MAPS = ("spatial",)


def _dropout(kind: str) -> Technique:
    name, reference, summary = DROPOUTS[kind]
    return technique(
        KIND, name, {"dropout": 0.2, "dropout_kind": kind, **BESIDE.get(kind, {})}, {"dropout": 0.0},
        parameters=["dropout"], reference=reference, summary=summary,
        families=(*CONVOLVING, *SEQUENTIAL) if kind in OF_MAPS else PREDICTING if kind == "unit" else NO_GRAPHS,
    )  # fmt: skip


AVERAGES = {
    "ema": ("Polyak & Juditsky 1992", "w̄ ← β w̄ + (1 − β) w after each step; w̄ is judged and handed out"),
    "swa": ("Izmailov et al. 2018", "the mean of the weights of the last part of training is handed out"),
}
"""Averaging → reference, summary."""


def _average(name: str) -> Technique:
    reference, summary = AVERAGES[name]
    return technique(
        KIND, name, {"averaging": name}, {"averaging": "none"}, reference=reference, summary=summary
    )


EARLY_STOPPING = technique(
    KIND, "early_stopping", {"patience": 20}, {"patience": 0}, parameters=["patience"],
    reference="Prechelt 1998", summary="training ends after so many epochs without a gain; the best epoch is kept",
)  # fmt: skip

REGULARISATION_ROWS = (
    *PENALTIES,
    *map(_dropout, options("dropout_kind")),
    *NOISES,
    EARLY_STOPPING,
    *(_average(name) for name in options("averaging") if name not in NEUTRAL),
)
