"""Where to search for texts."""

from cotune.recipe.presets.base import Row
from cotune.recipe.settings import Choice, Range

OF_TEXT = (
    Row("epochs", 8, "measured: from then on training rows are known by heart"),
    Row("batch_size", 64, "Kim 2014: 50"),
    Row("init", "glorot", "measured"),
)
"""What all presets have for texts."""

FAST_TEXT = (
    *OF_TEXT,
    Row("family", "bag", "Joulin et al. 2017"),
    Row("dropout", Range(0.2, 0.7), "Kim 2014: 0.5"),
    Row("lr", Range(3e-3, 2e-2, log=True), "measured"),
    Row("weight_decay", Range(1e-3, 1.0, log=True), "measured"),
    Row("members", 8, "less to predict with"),
)

BALANCED_TEXT = (
    *OF_TEXT,
    Row("dropout", Range(0.3, 0.8), "Kim 2014: 0.5"),
    Row("word_dropout", Range(0.0, 0.3), "Iyyer et al. 2015: 0.3"),
    Row("lr", Range(1e-3, 8e-3, log=True), "measured"),
    Row("weight_decay", Range(1e-3, 1.0, log=True), "measured"),
)

BEST_TEXT = (
    *OF_TEXT,
    Row("family", Choice(("textcnn", "bag")), "networks that err differently are worth more together"),
    Row("windows", Choice(("3-4-5", "2-3-4")), "Kim 2014; Zhang & Wallace 2017"),
    Row("dropout", Range(0.3, 0.8), "Kim 2014: 0.5"),
    Row("word_dropout", Range(0.0, 0.3), "Iyyer et al. 2015: 0.3"),
    Row("lr", Range(1e-3, 1e-2, log=True), "measured"),
    Row("weight_decay", Range(1e-3, 1.0, log=True), "measured"),
    Row("members", 32, "Lakshminarayanan et al. 2017"),
)
