"""Where to search for graphs."""

from cotune.recipe.presets.base import CLASSES, Row
from cotune.recipe.settings import Choice, Range

KIPF, VELICKOVIC = "Kipf & Welling 2017", "Veličković et al. 2018"
GRAPH = (
    Row("optimizer", "adam", KIPF),
    Row("init", "glorot_uniform", KIPF),
    Row("schedule", "constant", KIPF),
    Row("warmup", 0.0, KIPF),
    Row("weight_decay", 0.0, "l2 takes its place, as in Kipf & Welling 2017"),
    Row("label_smoothing", 0.0, KIPF, CLASSES),
    Row("patience", 100, VELICKOVIC),
    Row("first_rung", 20, "an epoch is one step where all nodes are trained on together"),
)
"""What all presets for graphs have in common."""
SHARES = (
    Row("activation", Choice(("relu", "elu")), "Kipf & Welling 2017; Veličković et al. 2018"),
    Row("dropout", Range(0.3, 0.8), "Kipf & Welling 2017: 0.5; Veličković et al. 2018: 0.6"),
    Row("input_dropout", Range(0.3, 0.8), "Kipf & Welling 2017: 0.5; Veličković et al. 2018: 0.6"),
    Row("attention_dropout", Range(0.2, 0.7), "Veličković et al. 2018: 0.6"),
    Row("lr", Range(3e-3, 3e-2, log=True), "Kipf & Welling 2017: 0.01; Veličković et al. 2018: 0.005"),
    Row("l2", Range(1e-4, 5e-3, log=True), "Kipf & Welling 2017: 5e-4"),
)
FAST_GRAPH = (
    *GRAPH,
    Row("depth", 2, KIPF),
    Row("width", 64, "one structure: all trials train together"),
    Row("activation", "elu", VELICKOVIC),
    Row("dropout", Range(0.4, 0.7), "Kipf & Welling 2017: 0.5; Veličković et al. 2018: 0.6"),
    Row("input_dropout", Range(0.4, 0.7), "Kipf & Welling 2017: 0.5; Veličković et al. 2018: 0.6"),
    Row("attention_dropout", Range(0.3, 0.6), "Veličković et al. 2018: 0.6"),
    Row("lr", Range(5e-3, 2e-2, log=True), "Kipf & Welling 2017: 0.01; Veličković et al. 2018: 0.005"),
    Row("l2", Range(2e-4, 2e-3, log=True), "Kipf & Welling 2017: 5e-4"),
    Row("members", 8, "less to predict with"),
)
BALANCED_GRAPH = (
    *GRAPH,
    *SHARES,
    Row("depth", 2, KIPF),
    Row("width", Choice((16, 64)), "Kipf & Welling 2017: 16; Veličković et al. 2018: 64"),
)
BEST_GRAPH = (
    *GRAPH,
    *SHARES,
    Row("depth", Choice((2, 3)), KIPF),
    Row("width", Choice((16, 32, 64, 128)), "Kipf & Welling 2017: 16; Veličković et al. 2018: 64"),
    Row("edge_drop", Range(0.0, 0.5), "Rong et al. 2020"),
    Row("members", 32, "Lakshminarayanan et al. 2017"),
)
