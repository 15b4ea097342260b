"""Where to search, by kind and size of the data: `search.preset` replaces the defaults of keys that nobody set.

A preset is a table of rows. A key that the request sets keeps what it sets; for any other the first row that holds for
the data gives the setting; where none does, the schema's default stays. So a preset never takes a choice away. Nor does
it set what has no meaning beside what the request fixes (filters, where the family is mlp).

| symbol | meaning                                                           |
|--------|-------------------------------------------------------------------|
| rows   | training rows of the smallest fold                                |
| numeric, categorical | columns that are numbers (dates too), and categories |
| colour | whether images have red, green and blue                          |

Structural keys (those that are not `fusable`) multiply the kinds of networks, and each kind is asked a group of trials
before it is judged: so rows keep few choices there, and wide ranges where lanes share a step.

Sources of the ranges for tables: Holzmüller, Grinsztajn & Steinwart, Better by default, NeurIPS 2024 (RealMLP);
Gorishniy, Kotelnikov & Babenko, TabM, ICLR 2025; Gorishniy, Rubachev & Babenko, On embeddings for numerical features,
NeurIPS 2022. Of images: Simard, Steinkraus & Platt, ICDAR 2003; Ioffe & Szegedy, ICML 2015. "measured": on validation
rows, see docs/presets.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cotune.recipe.schema import Recipe, domains, leaves
from cotune.recipe.settings import Choice, Range, Setting

Kind = str
"""As `Dataset.kind`. Series are the columns of a table in their order, for a recurrent network (`family: gru`)."""


@dataclass(frozen=True)
class DataFacts:
    """What a preset asks of the data; the table above says in which units."""

    kind: Kind
    classification: bool
    rows: int
    numeric: int
    categorical: int
    family: str = ""
    """Of networks, "" where several are searched."""
    colour: bool = False


@dataclass(frozen=True)
class Where:
    """The data that a row is for: all that is said must hold. Bounds of counts are closed; `None` is no bound."""

    classification: bool | None = None
    rows: tuple[int, int | None] = (0, None)
    numeric: tuple[int, int | None] = (0, None)
    categorical: tuple[int, int | None] = (0, None)
    families: tuple[str, ...] = ()
    """() for all."""
    colour: bool | None = None

    def holds(self, facts: DataFacts) -> bool:
        """Whether the data are such."""
        if self.classification not in (None, facts.classification) or self.colour not in (None, facts.colour):
            return False
        if self.families and facts.family not in self.families:
            return False
        return all(
            low <= count and (high is None or count <= high)
            for (low, high), count in (
                (self.rows, facts.rows),
                (self.numeric, facts.numeric),
                (self.categorical, facts.categorical),
            )
        )

    def words(self) -> str:
        """The same for readers; empty where nothing is asked."""
        task = {None: (), True: ("classes",), False: ("a regression",)}[self.classification]
        counts = (
            (self.rows, "training rows"),
            (self.numeric, "numeric columns"),
            (self.categorical, "categorical columns"),
        )
        named = (" or ".join(self.families),) if self.families else ()
        colour = {None: (), True: ("colour",), False: ("grey",)}[self.colour]
        return ", ".join(
            (*named, *colour, *task, *(_bounds(ends, noun) for ends, noun in counts if ends != (0, None)))
        )


def _bounds(ends: tuple[int, int | None], noun: str) -> str:
    low, high = ends
    if high is None:
        return f"{low:,} or more {noun}"
    if high == 0:
        return f"no {noun}"
    return f"{low:,} to {high:,} {noun}" if low else f"up to {high:,} {noun}"


@dataclass(frozen=True)
class Row:
    """What a preset makes of one key.

    Args:
        key: leaf name of the recipe.
        setting: what stands in for the schema's default.
        source: paper, or what was measured.
        where: the data it is for.
    """

    key: str
    setting: Setting
    source: str
    where: Where = Where()


@dataclass(frozen=True)
class Effort:
    """How long a trial may be where `training.epochs` is auto.

    Args:
        row_epochs: rows that it may see, all its epochs together.
        epochs: bounds of the epochs that follow from it.
        enough: under a time limit fewer trials train at once, until so many epochs can be had; at least four do.
    """

    row_epochs: int
    epochs: tuple[int, int]
    enough: int


EFFORTS: Mapping[str, Effort] = {
    "fast": Effort(300_000, (10, 40), enough=8),
    "balanced": Effort(1_000_000, (20, 100), enough=8),
    "best": Effort(2_000_000, (30, 200), enough=64),
}
"""By preset. Under a time limit epochs are fewer where the machine is too slow for them."""

WITH_NUMBERS = Where(numeric=(1, None))
FEW_NUMBERS = Where(numeric=(1, 64))
"""Each becomes four inputs, or one for each bin."""
WITHOUT_NUMBERS = Where(numeric=(0, 0))
WITH_CATEGORIES = Where(categorical=(1, None))
CLASSES = Where(classification=True)
SMALL, LARGE = Where(rows=(0, 4_999)), Where(rows=(5_000, None))
LARGE_WITH_NUMBERS = Where(rows=(5_000, None), numeric=(1, 64))

FAST_TABLE = (
    Row("scaling", "quantile", "measured", WITH_NUMBERS),
    Row("scaling", "standard", "nothing to scale", WITHOUT_NUMBERS),
    Row("numbers", "periodic", "Holzmüller et al. 2024 (PBLD); measured", LARGE_WITH_NUMBERS),
    Row("frequency_scale", Range(0.1, 3.0, log=True), "measured", LARGE_WITH_NUMBERS),
    Row("width", 128, "one structure: all trials train together"),
    Row("depth", 2, "one structure"),
    Row("activation", Choice(("gelu", "mish")), "measured"),
    Row("dropout", Range(0.0, 0.3), "Holzmüller et al. 2024: 0.15"),
    Row("lr", Range(3e-3, 2e-2, log=True), "measured"),
    Row("weight_decay", Range(1e-4, 0.1, log=True), "Holzmüller et al. 2024: 0.02"),
    Row("members", 8, "less to predict with"),
)

BALANCED_TABLE = (
    Row("scaling", "standard", "nothing to scale", WITHOUT_NUMBERS),
    Row("numbers", "periodic", "Holzmüller et al. 2024 (PBLD); measured", LARGE_WITH_NUMBERS),
    Row("frequency_scale", Range(0.03, 5.0, log=True), "measured", LARGE_WITH_NUMBERS),
)

BEST_TABLE = (
    Row(
        "scaling",
        Choice(("quantile", "robust_clip")),
        "Gorishniy et al. 2024; Holzmüller et al. 2024",
        WITH_NUMBERS,
    ),
    Row("scaling", "standard", "nothing to scale", WITHOUT_NUMBERS),
    Row(
        "numbers",
        Choice(("periodic", "piecewise")),
        "Gorishniy et al. 2022; Holzmüller et al. 2024 (PBLD); measured",
        LARGE_WITH_NUMBERS,
    ),
    Row("numbers", Choice(("plain", "periodic")), "Holzmüller et al. 2024 (PBLD)", FEW_NUMBERS),
    Row("frequency_scale", Range(0.05, 4.0, log=True), "Gorishniy et al. 2022; measured", FEW_NUMBERS),
    Row("bins", 48, "Gorishniy et al. 2024", LARGE_WITH_NUMBERS),
    Row("categories", "embedding", "Holzmüller et al. 2024; measured", WITH_CATEGORIES),
    Row("embedding_width", 8, "Holzmüller et al. 2024", WITH_CATEGORIES),
    Row(
        "width", Choice((64, 128, 256, 512)), "Holzmüller et al. 2024: 256; Gorishniy et al. 2024: 512", SMALL
    ),
    Row("width", Choice((128, 256)), "Holzmüller et al. 2024: 256; 512 leaves time for few trials", LARGE),
    Row("depth", Choice((1, 2, 3, 4)), "Gorishniy et al. 2024: 1 to 5", SMALL),
    Row("depth", Choice((2, 3)), "Holzmüller et al. 2024: 3", LARGE),
    Row(
        "activation",
        Choice(("mish", "gelu", "silu", "relu")),
        "Holzmüller et al. 2024: mish; selu was measured to do worse",
    ),
    Row("residual", Choice((False, True)), "Gorishniy et al. 2021", SMALL),
    Row("dropout", Range(0.0, 0.3), "Holzmüller et al. 2024: 0.15; Gorishniy et al. 2024: 0.1"),
    Row("lr", Range(1e-3, 2e-2, log=True), "Gorishniy et al. 2024: 2e-3", SMALL),
    Row("lr", Range(2e-3, 3e-2, log=True), "measured", LARGE),
    Row("weight_decay", Range(1e-4, 0.3, log=True), "Holzmüller et al. 2024: 0.02"),
    Row("beta2", Choice((0.95, 0.999)), "Holzmüller et al. 2024: 0.95"),
    Row("schedule", Choice(("cosine", "coslog4")), "Loshchilov & Hutter 2017; Holzmüller et al. 2024"),
    Row("averaging", "ema", "Polyak & Juditsky 1992; measured"),
    Row("label_smoothing", Range(0.0, 0.1), "Holzmüller et al. 2024: 0.1", CLASSES),
    Row("members", 32, "Gorishniy et al. 2024: 32 networks are averaged"),
)

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

CONTEST = (
    Row("optimizer", "adam", "Radford et al. 2016"),
    Row("beta1", 0.5, "Radford et al. 2016"),
    Row("weight_decay", 0.0, "Radford et al. 2016"),
    Row("schedule", "constant", "Radford et al. 2016"),
    Row("warmup", 0.0, "Radford et al. 2016"),
    Row("averaging", "ema", "Yazıcı et al. 2019"),
    Row("ema_decay", 0.995, "Yazıcı et al. 2019; measured for short trainings"),
)
"""What every contest of a generator and a discriminator begins with."""

FAST_CONTEST_OF_IMAGES = (
    *CONTEST,
    Row("lr", Range(3e-4, 1e-3, log=True), "Radford et al. 2016: 2e-4; measured"),
)

BALANCED_CONTEST_OF_IMAGES = (
    *FAST_CONTEST_OF_IMAGES,
    Row("generator_lr", Range(0.5, 2.0, log=True), "Heusel et al. 2017"),
    Row("discriminator_norm", Choice(("none", "spectral")), "Miyato et al. 2018"),
)

BEST_CONTEST_OF_IMAGES = (
    *BALANCED_CONTEST_OF_IMAGES,
    Row("gan_loss", Choice(("cross_entropy", "hinge")), "Goodfellow et al. 2014; Lim & Ye 2017"),
    Row("instance_noise", Range(0.0, 0.2), "Sønderby et al. 2017"),
    Row("real_label", Range(0.85, 1.0), "Salimans et al. 2016"),
    Row("latent", Choice((32, 64, 128)), "Radford et al. 2016: 100"),
)

FAST_CONTEST_OF_ROWS = (
    *CONTEST,
    Row("scaling", "quantile", "numbers of many modes become nearly normal ones"),
    Row("lr", Range(3e-4, 2e-3, log=True), "Xu et al. 2019: 2e-4; measured"),
)

BALANCED_CONTEST_OF_ROWS = (
    *FAST_CONTEST_OF_ROWS,
    Row("generator_lr", Range(0.5, 2.0, log=True), "Heusel et al. 2017"),
    Row("gradient_penalty", Range(1.0, 10.0, log=True), "Gulrajani et al. 2017: 10"),
)

BEST_CONTEST_OF_ROWS = (
    *BALANCED_CONTEST_OF_ROWS,
    Row("gan_width", Choice((128, 256)), "Xu et al. 2019: 256"),
    Row("gan_depth", Choice((2, 3)), "Xu et al. 2019: 2"),
    Row("update_ratio", Choice((1, 2)), "Gulrajani et al. 2017: 5"),
)

ROWS: Mapping[tuple[str, Kind], tuple[Row, ...]] = {
    ("fast", "table"): FAST_TABLE,
    ("fast", "image"): (*OF_RESNETS, *FAST_IMAGE),
    ("fast", "series"): FAST_SERIES,
    ("fast", "forecast"): FAST_FORECAST,
    ("balanced", "table"): BALANCED_TABLE,
    ("balanced", "series"): BALANCED_SERIES,
    ("balanced", "image"): (*OF_RESNETS, *BALANCED_IMAGE),
    ("balanced", "forecast"): BALANCED_FORECAST,
    ("fast", "text"): FAST_TEXT,
    ("balanced", "text"): BALANCED_TEXT,
    ("best", "text"): BEST_TEXT,
    ("best", "table"): BEST_TABLE,
    ("best", "series"): BEST_SERIES,
    ("best", "image"): (*OF_RESNETS, *BEST_IMAGE),
    ("best", "forecast"): BEST_FORECAST,
    ("fast", "graph"): FAST_GRAPH,
    ("balanced", "graph"): BALANCED_GRAPH,
    ("best", "graph"): BEST_GRAPH,
    ("fast", "generated image"): FAST_CONTEST_OF_IMAGES,
    ("balanced", "generated image"): BALANCED_CONTEST_OF_IMAGES,
    ("best", "generated image"): BEST_CONTEST_OF_IMAGES,
    ("fast", "generated table"): FAST_CONTEST_OF_ROWS,
    ("balanced", "generated table"): BALANCED_CONTEST_OF_ROWS,
    ("best", "generated table"): BEST_CONTEST_OF_ROWS,
}
"""By preset and kind of data."""


def rows_for(preset: str, facts: DataFacts) -> dict[str, Row]:
    """Key → the first row that holds for the data."""
    found: dict[str, Row] = {}
    for row in ROWS.get((preset, facts.kind), ()):
        if row.where.holds(facts):
            found.setdefault(row.key, row)
    return found


def keys_set(recipe: Recipe) -> list[str]:
    """The keys that the request names, as `section.key`; the schema's defaults are not among them."""
    return [
        f"{section}.{key}"
        for section in type(recipe).model_fields
        for key in type(getattr(recipe, section)).model_fields
        if key in getattr(recipe, section).model_fields_set
    ]


def with_preset(recipe: Recipe, facts: DataFacts) -> Recipe:
    """The recipe with `search.preset` in the place of defaults; doing it twice is doing it once.

    Example:
        >>> facts = DataFacts("table", classification=True, rows=900, numeric=0, categorical=3)
        >>> with_preset(make(preset="fast", depth=4), facts).network.depth
        4
    """
    known = leaves()
    changes: dict[str, dict[str, Setting]] = {}
    for key, row in rows_for(recipe.search.preset, facts).items():
        section = known[key][0]
        if key not in getattr(recipe, section).model_fields_set and _has_meaning(recipe, key):
            changes.setdefault(section, {})[key] = row.setting
    return recipe.model_copy(
        update={
            section: getattr(recipe, section).model_copy(update=update) for section, update in changes.items()
        }
    )


def _has_meaning(recipe: Recipe, key: str) -> bool:
    """Whether a key can matter beside what the request fixes."""
    known = domains()
    when = known[key][1].when if key in known else None
    if when is None:
        return True
    parent, values = when
    section = getattr(recipe, known[parent][0])
    setting = getattr(section, parent)
    fixed = parent in section.model_fields_set and not isinstance(setting, Range | Choice)
    return not fixed or setting in (*values, *known[parent][1].words)


def is_open(recipe: Recipe) -> bool:
    """Whether there are data for which the preset would change the recipe."""
    set_already = {name.split(".")[1] for name in keys_set(recipe)}
    return any(row.key not in set_already for preset, _, row in all_rows() if preset == recipe.search.preset)


def all_rows() -> Sequence[tuple[str, Kind, Row]]:
    """Every row with its preset and kind, in order."""
    return [(preset, kind, row) for (preset, kind), rows in ROWS.items() for row in rows]
