"""Where to search for images.

Sources: Simard, Steinkraus & Platt, ICDAR 2003; Ioffe & Szegedy, ICML 2015.
"""

from cotune.recipe.presets.base import CLASSES, Row, Where
from cotune.recipe.settings import Choice, Range

FAST_IMAGE = (
    Row("filters", 8, "one structure: all trials train together"),
    Row("activation", "relu", "He et al. 2015"),
    Row("dropout", Range(0.0, 0.3), "Srivastava et al. 2014"),
    Row("lr", Range(1e-3, 1e-2, log=True), "Kingma & Ba 2015: 1e-3"),
    Row("weight_decay", Range(1e-4, 0.1, log=True), "Loshchilov & Hutter 2019"),
    Row("members", 8, "less to predict with"),
)

BALANCED_IMAGE = (
    Row("activation", Choice(("relu", "silu")), "He et al. 2015; Elfwing et al. 2018"),
    Row("dropout", Range(0.0, 0.4), "Srivastava et al. 2014"),
    Row("lr", Range(5e-4, 2e-2, log=True), "Kingma & Ba 2015: 1e-3"),
)

BEST_IMAGE = (
    Row("kernel", Choice((3, 5)), "LeCun et al. 1998: 5; Simonyan & Zisserman 2015: 3"),
    Row("activation", Choice(("relu", "silu", "gelu")), "He et al. 2015; Elfwing et al. 2018"),
    Row("norm", Choice(("none", "batch")), "Ioffe & Szegedy 2015"),
    Row("dropout", Range(0.0, 0.5), "Srivastava et al. 2014"),
    Row("translate", Range(0.0, 0.12), "Simard et al. 2003"),
    Row("rotate", Range(0.0, 12.0), "Simard et al. 2003; more turns a 6 into a 9"),
    Row("zoom", Range(0.0, 0.12), "Simonyan & Zisserman 2015"),
    Row("lr", Range(5e-4, 2e-2, log=True), "Kingma & Ba 2015: 1e-3"),
    Row("weight_decay", Range(1e-5, 1.0, log=True), "Loshchilov & Hutter 2019"),
    Row("label_smoothing", Range(0.0, 0.15), "Szegedy et al. 2016", CLASSES),
    Row("schedule", Choice(("cosine", "one_cycle")), "Loshchilov & Hutter 2017; Smith & Topin 2019"),
    Row("members", 32, "Lakshminarayanan et al. 2017"),
)  # no flip: letters and digits have a left and a right
RESNET, COLOUR = Where(families=("resnet",)), Where(families=("resnet",), colour=True)

OF_RESNETS = (
    Row("norm", "batch", "Ioffe & Szegedy 2015", RESNET),
    Row("activation", "relu", "He et al. 2016", RESNET),
    Row("dropout", 0.0, "He et al. 2016: none beside batch norm", RESNET),
    Row("schedule", "one_cycle", "Smith & Topin 2019", RESNET),
    Row("lr", Range(3e-3, 1e-2, log=True), "measured", RESNET),
    Row("weight_decay", Range(0.01, 0.2, log=True), "measured", RESNET),
    Row("batch_size", 64, "measured: maps of so many images stay in the caches", RESNET),
    Row("kernel", 3, "Simonyan & Zisserman 2015", RESNET),
    Row("crop", 3.0, "He et al. 2016: 4 of 32 pixels", COLOUR),
    Row("flip", 0.5, "Krizhevsky et al. 2012; most photographs have no left and right", COLOUR),
    Row("translate", 0.07, "Simard et al. 2003; 2 of 28 pixels", RESNET),
)
"""For residual networks, in every preset: few numbers are searched, as a training takes minutes."""
