"""Where to search for series."""

from cotune.recipe.presets.base import Row, Where
from cotune.recipe.settings import Choice, Range

OF_TCN = Where(families=("tcn",))
TINY_TCN, SMALL_TCN = (Where(families=("tcn",), rows=ends) for ends in ((0, 99), (100, 999)))
FEW_TCN = Where(families=("tcn",), rows=(0, 499))
CONVOLVED = (
    Row("width", 32, "measured: narrow and many, where Wang et al. 2017 have 128", OF_TCN),
    Row("activation", "relu", "Wang et al. 2017", OF_TCN),
    Row("norm", "batch", "Wang et al. 2017", OF_TCN),
    Row("lr", Range(2e-3, 2e-2, log=True), "measured", OF_TCN),
    Row("weight_decay", Range(1e-4, 0.1, log=True), "Loshchilov & Hutter 2019", OF_TCN),
    Row("dropout", 0.0, "Wang et al. 2017: none beside batch norm", OF_TCN),
    Row("epochs", 150, "measured: 750 steps and more", TINY_TCN),
    Row("epochs", 80, "measured", SMALL_TCN),
    Row("batch_size", 8, "few rows give few steps otherwise", TINY_TCN),
    Row("batch_size", 16, "few rows give few steps otherwise", SMALL_TCN),
    Row("ensemble", "average", "few validation rows cannot choose: all of the best trials", FEW_TCN),
    Row("members", 8, "measured", FEW_TCN),
    Row("patience", 0, "few validation rows say little about when to stop", TINY_TCN),
)
"""What suits convolutions over time under every preset."""

FAST_SERIES = (
    Row("time_kernel", 7, "one structure: all trials train together", OF_TCN),
    *CONVOLVED,
    Row("width", 64, "one structure: all trials train together"),
    Row("lr", Range(1e-3, 1e-2, log=True), "Kingma & Ba 2015: 1e-3"),
    Row("members", 8, "less to predict with"),
)

BALANCED_SERIES = (Row("time_kernel", Choice((5, 9)), "Wang et al. 2017: 3 to 8", OF_TCN), *CONVOLVED)

BEST_SERIES = (
    Row("time_kernel", Choice((3, 5, 9)), "Wang et al. 2017: 3 to 8", OF_TCN),
    Row("levels", Choice((3, 4)), "Wang et al. 2017: 3; Bai et al. 2018: more", OF_TCN),
    *CONVOLVED,
    Row("width", Choice((32, 64, 128)), "Cho et al. 2014"),
    Row("lr", Range(5e-4, 2e-2, log=True), "Kingma & Ba 2015: 1e-3"),
    Row("clip_norm", Range(0.3, 10.0, log=True), "Pascanu et al. 2013"),
    Row("schedule", Choice(("cosine", "one_cycle")), "Loshchilov & Hutter 2017; Smith & Topin 2019"),
    Row("members", 32, "Lakshminarayanan et al. 2017"),
)
