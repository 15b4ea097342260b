"""Where to search for forecasts."""

from cotune.recipe.presets.base import Row
from cotune.recipe.settings import Choice, Range

FAST_FORECAST = (
    Row("width", 64, "one width for all"),
    Row("depth", Choice((0, 1)), "Zeng et al. 2023: 0, a linear model"),
    Row("activation", "relu", "one structure"),
    Row("lr", Range(1e-3, 1e-2, log=True), "Kingma & Ba 2015: 1e-3"),
    Row("members", 8, "less to predict with"),
)

BALANCED_FORECAST = (
    Row("width", 128, "few structures: trials train together"),
    Row("depth", Choice((0, 1, 2)), "Zeng et al. 2023: 0, a linear model"),
    Row("activation", Choice(("relu", "gelu")), "Das et al. 2023: relu; Hendrycks & Gimpel 2016"),
    Row("lr", Range(5e-4, 1e-2, log=True), "Kingma & Ba 2015: 1e-3"),
)

BEST_FORECAST = (
    Row("anchor", Choice(("last", "standard")), "Zeng et al. 2023; Kim et al. 2022"),
    Row("width", Choice((64, 128, 256)), "Das et al. 2023: 256"),
    Row("depth", Choice((0, 1, 2, 3)), "Zeng et al. 2023: 0; Das et al. 2023: 1 to 3"),
    Row("activation", Choice(("relu", "gelu", "silu")), "Das et al. 2023: relu; Hendrycks & Gimpel 2016"),
    Row("lr", Range(3e-4, 1e-2, log=True), "Kingma & Ba 2015: 1e-3"),
    Row("weight_decay", Range(1e-5, 1.0, log=True), "Loshchilov & Hutter 2019"),
    Row("schedule", Choice(("cosine", "one_cycle")), "Loshchilov & Hutter 2017; Smith & Topin 2019"),
    Row("members", 32, "Lakshminarayanan et al. 2017"),
)
