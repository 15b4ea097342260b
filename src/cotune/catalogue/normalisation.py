"""Normalisation: of what a hidden layer yields, or of its weights."""

from cotune.catalogue.derive import NEUTRAL, PREDICTING, options, stand_in, technique
from cotune.recipe.names import CONVOLVING, GRAPH_NORMS, GRAPHS

NO_GRAPHS = tuple(family for family in PREDICTING if family not in GRAPHS)

FACTS = {
    "batch": ("Ioffe & Szegedy 2015", "(x − mean) / √(variance + ε) over the batch, of each unit"),
    "layer": ("Ba et al. 2016", "(x − mean) / √(variance + ε) over the units, of each example"),
    "group": ("Wu & He 2018", "the same over groups of units"),
    "instance": ("Ulyanov et al. 2016", "the same over the pixels of each feature map"),
    "rms": ("Zhang & Sennrich 2019", "x / √(mean x² + ε) over the units"),
    "weight": ("Salimans & Kingma 2016", "w = g v / ‖v‖: length and direction of weights are learned apart"),
    "spectral": ("Miyato et al. 2018", "w / σ(w), σ the largest singular value"),
}
"""Norm → reference, formula."""

OF_PIXELS = ("instance",)
"""Those that a row of a table, which has one position, has no use for."""

LEVELS = {
    "last": (
        "Zeng et al. 2023",
        "a window less its last value, which is added to what is forecast (NLinear)",
    ),
    "mean": ("Zeng et al. 2023", "a window less its mean, which is added to what is forecast"),
    "standard": (
        "Kim et al. 2022",
        "(x − mean) / √(variance + ε) of a window, undone in what is forecast (RevIN)",
    ),
}
"""Level of a window → reference, formula."""

OF_WINDOWS = tuple(
    technique(
        "normalisation", f"window_{name}", {"anchor": name}, {"anchor": stand_in("anchor", name)},
        reference=LEVELS[name][0], summary=LEVELS[name][1], data=("forecast",),
    )
    for name in options("anchor")
    if name not in NEUTRAL
)  # fmt: skip

OF_LAYERS = tuple(
    technique(
        "normalisation", name, {"norm": name}, {"norm": stand_in("norm", name)},
        reference=FACTS[name][0], summary=FACTS[name][1],
        families=CONVOLVING if name in OF_PIXELS else PREDICTING if name in GRAPH_NORMS else NO_GRAPHS,
    )
    for name in options("norm")
    if name not in NEUTRAL
)  # fmt: skip

NORMALISATION_ROWS = (*OF_LAYERS, *OF_WINDOWS)
