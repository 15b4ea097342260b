"""Initialisation: where weights begin, and which of them move."""

from cotune.catalogue.base import Technique
from cotune.catalogue.derive import PREDICTING, stand_in, technique
from cotune.nets.initialisers import INITIALISERS
from cotune.recipe.names import GRAPHS
from cotune.types import Value

KIND = "initialisation"

FORMULAS = {
    "he": "normal, variance 2 / fan_in",
    "glorot": "normal, variance 2 / (fan_in + fan_out)",
    "lecun": "normal, variance 1 / fan_in",
    "he_uniform": "uniform, variance 2 / fan_in",
    "glorot_uniform": "uniform, variance 2 / (fan_in + fan_out)",
    "lecun_uniform": "uniform, variance 1 / fan_in",
    "orthogonal": "columns, or rows where there are fewer, are orthonormal",
    "lsuv": "orthogonal, then each layer is rescaled until its outputs have variance 1",
    "normal": "normal, standard deviation `init_std`",
    "uniform": "uniform, standard deviation `init_std`",
    "truncated_normal": "normal without what is beyond two standard deviations, of `init_std`",
    "zeros": "all weights 0: for linear models, as hidden units would stay equal",
}

BESIDE: dict[str, dict[str, Value]] = {"zeros": {"depth": 0}}
"""What some of them are of no use without."""

NO_GRAPHS = tuple(family for family in PREDICTING if family not in GRAPHS)


def _row(name: str) -> Technique:
    return technique(
        KIND, name, {"init": name, **BESIDE.get(name, {})}, {"init": stand_in("init", name)},
        reference=INITIALISERS[name].source, summary=FORMULAS[name],
        families=NO_GRAPHS if INITIALISERS[name].measures else PREDICTING,
    )  # fmt: skip


PRETRAINED = technique(
    KIND, "pretrained", {}, {"pretrained": None}, asks=("pretrained",), parameters=["freeze", "unfreeze", "layer_lr"],
    reference="Erhan et al. 2010; Yosinski et al. 2014",
    summary="weights begin as those of an earlier study, or of a file, layer by layer where shapes fit",
)  # fmt: skip

FROZEN = technique(
    KIND, "frozen_layers", {"freeze": 1}, {"freeze": 0}, parameters=["freeze"],
    reference="Yosinski et al. 2014", summary="the first layers keep their first weights",
)  # fmt: skip

UNFREEZING = technique(
    KIND, "gradual_unfreezing", {"freeze": 1, "unfreeze": 1}, {"freeze": 0, "unfreeze": 0},
    parameters=["freeze", "unfreeze"], reference="Howard & Ruder 2018",
    summary="frozen layers begin to learn one after the other, the last first",
)  # fmt: skip

LAYER_RATES = technique(
    KIND, "layer_lr", {"layer_lr": 0.8}, {"layer_lr": 1.0}, parameters=["layer_lr"],
    reference="Howard & Ruder 2018", summary="a layer's rate is a fraction of the next layer's, towards the head",
)  # fmt: skip

INITIALISATION_ROWS = (*map(_row, INITIALISERS), PRETRAINED, FROZEN, UNFREEZING, LAYER_RATES)
