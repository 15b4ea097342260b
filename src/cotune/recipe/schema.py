"""The schema of a request. Every key here is reachable from YAML, command line (`--set`) and Python."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from cotune.recipe.generation import GenerationSection
from cotune.recipe.module import ModuleSection
from cotune.recipe.names import (
    NUMBERS,
    SEQUENTIAL,
)
from cotune.recipe.network import NetworkSection as NetworkSection
from cotune.recipe.search import SearchSection as SearchSection
from cotune.recipe.section import Section
from cotune.recipe.settings import Choice, Domain, Setting
from cotune.recipe.training import AugmentSection, TrainingSection
from cotune.recipe.units import ImageSize, Memory, Names, Part, as_path


class DataSection(Section):
    """Which data, and what is to be learned from it."""

    source: str | None = Field(
        None,
        description="Path of a CSV, TSV, Parquet or NumPy file, of a folder with X.npy and y.npy, or of a folder "
        "with a sub-folder of images for each class.",
    )
    target: Names | None = Field(
        None,
        description="Name of the column to predict; of several numbers to predict together, their names: `a,b,c` or a "
        "list.",
    )
    task: Literal["auto", "regression", "binary", "multiclass", "forecast", "generation", "own"] = "auto"
    columns: dict[
        str,
        Literal[
            "numeric", "categorical", "boolean", "date", "identifier", "constant", "ignore", "image", "text"
        ],
    ] = Field(default_factory=dict, description="Column kinds that override the inferred ones.")
    memory: Memory = Field(
        "auto",
        description="Memory that the rows may take, such as `2GB`; what does not fit lies in files of the "
        "study, and the results are the same. `auto`: half of the free memory.",
    )
    horizon: Literal["auto"] | Annotated[int, Field(ge=1, le=4096)] = Field(
        "auto", description="Steps that are forecast. `auto`: a season, such as the 24 hours of a day."
    )
    kind: Literal["auto", "series"] = Field(
        "auto",
        description="What the rows are, where the source does not say it. `series`: an array of 3 axes is "
        "[row time channel], where `auto` takes it for images; see [series](series.md).",
    )
    series: str | None = Field(
        None, description="Column that names the series of a table that has several, one under the other."
    )
    covariates: Literal["all"] | tuple[str, ...] = Field(
        (),
        description="Columns that a forecast reads beside the target's own past; `all` are those of numbers. "
        "*Zeng et al. 2023: the target alone often does better.*",
    )
    known: tuple[str, ...] = Field(
        (), description="Columns whose future is known when a forecast is made, such as plans and prices."
    )
    calendar: tuple[Literal["minute", "hour", "weekday", "monthday", "month"], ...] = Field(
        (), description="Parts of the time that a forecast reads, past and to come, as sine and cosine."
    )
    image_size: ImageSize = Field(
        "auto",
        description="Size that images are brought to: the side in pixels, or `[height, width]`. `auto`: their own if "
        "all have one, else the median, even; at most 64.",
    )
    edges: Annotated[str, BeforeValidator(as_path, json_schema_input_type=str)] | None = Field(
        None,
        description="Path of a CSV whose first two columns are the ends of edges; the source is the table of nodes "
        "then, its first column their names. See [graphs](graphs.md).",
    )
    graph_task: Literal["auto", "node", "graph", "link"] = Field(
        "auto",
        description="What is predicted of graphs: `node` (`auto` for one graph), `graph` (`auto` for many), or `link`: "
        "which pairs of nodes have an edge.",
    )


class SplitSection(Section):
    """How the rows are divided. The test rows are used once, at the end."""

    method: Literal["holdout", "kfold", "stratified", "leave_one_out", "group", "time"] = "holdout"
    test: Part = Field(
        0.2,
        description="Fraction of all rows kept aside for the final score; of a forecast the last ones, or a date from "
        "which on they are.",
    )
    validation: Part = Field(
        0.2,
        description="Fraction of the other rows that steers a hold-out search; of a forecast the last ones, or a date.",
    )
    folds: Annotated[int, Field(ge=2)] = Field(5, description="Folds, for every method but holdout.")
    repeats: Annotated[int, Field(ge=1)] = Field(1, description="Times the division is drawn anew.")
    group: str | None = Field(None, description="Column whose equal values must stay on one side.")
    time: str | None = Field(None, description="Column to sort by: training rows come first.")


class PrepareSection(Section):
    """Raw columns to numbers. Everything is fitted on training rows only."""

    missing: Annotated[Setting, Domain("name", options=("mean", "median", "most_frequent", "constant"))] = (
        "median"
    )
    indicators: Annotated[Setting, Domain("bool")] = True
    outliers: Annotated[
        Setting,
        Domain("name", options=("none", "clip", "remove"), source="Tukey 1977: Q1 − 3·IQR, Q3 + 3·IQR"),
    ] = "none"
    scaling: Annotated[
        Setting,
        Domain(
            "name",
            options=("none", "standard", "minmax", "maxabs", "robust", "robust_clip", "quantile"),
            source="robust_clip: Holzmüller et al. 2024",
        ),
    ] = Choice(("standard", "quantile"))
    numbers: Annotated[Setting, Domain("name", options=NUMBERS, source="Gorishniy et al. 2022")] = "plain"
    bins: Annotated[Setting, Domain("int", low=2, high=256, when=("numbers", ("piecewise",)))] = 16
    categories: Annotated[
        Setting, Domain("name", options=("onehot", "embedding"), source="Guo & Berkhahn 2016")
    ] = "onehot"
    select: Annotated[
        Setting,
        Domain(
            "name",
            options=("none", "variance", "mutual_information", "l1", "importance"),
            source="Kraskov et al. 2004; Tibshirani 1996; Geurts et al. 2006",
        ),
    ] = "none"
    keep: Annotated[
        Setting,
        Domain("float", low=0.01, high=1.0, when=("select", ("mutual_information", "l1", "importance"))),
    ] = 0.5
    balance: Annotated[
        Setting,
        Domain(
            "name",
            options=("none", "weights", "oversample", "undersample"),
            source="King & Zeng 2001; He & Garcia 2009",
        ),
    ] = "none"
    pixels: Annotated[Setting, Domain("name", options=("standard", "unit"))] = "standard"
    lookback: Annotated[
        Setting, Domain("int", low=1, high=8192, words=("auto",), source="Zeng et al. 2023")
    ] = "auto"
    node_scaling: Annotated[
        Setting, Domain("name", options=("row", "standard", "none"), source="row: Kipf & Welling 2017")
    ] = "row"
    structure: Annotated[
        Setting,
        Domain(
            "name", options=("none", "degree", "walks", "all"), source="Xu et al. 2019; Dwivedi et al. 2022"
        ),
    ] = "none"
    channel_scaling: Annotated[
        Setting, Domain("name", options=("none", "standard", "minmax", "robust"), source="Huber 1981")
    ] = "standard"
    each_series: Annotated[Setting, Domain("bool", source="Rakthanmanon et al. 2012")] = False
    gaps: Annotated[Setting, Domain("name", options=("interpolate", "zero"))] = "interpolate"
    gap_channels: Annotated[Setting, Domain("bool", source="Che et al. 2018")] = True
    tokens: Annotated[
        Setting, Domain("name", options=("word", "character", "byte_pair"), source="Sennrich et al. 2016")
    ] = "word"
    vocabulary: Annotated[Setting, Domain("int", low=1, high=1_000_000)] = 20_000
    least_count: Annotated[Setting, Domain("int", low=1, high=1000)] = 2
    length: Annotated[Setting, Domain("int", low=1, high=10_000, words=("auto",))] = "auto"
    lowercase: Annotated[Setting, Domain("bool")] = True


PREPARES: Mapping[str, tuple[str, ...]] = {
    "table": (
        "missing",
        "indicators",
        "outliers",
        "scaling",
        "numbers",
        "bins",
        "categories",
        "select",
        "keep",
    ),
    "image": ("pixels",),
    "tensors": (),
    "forecast": ("lookback",),
    "graph": ("node_scaling", "structure"),
    "series": ("channel_scaling", "each_series", "gaps", "gap_channels"),
    "text": ("tokens", "vocabulary", "least_count", "length", "lowercase"),
}
"""Kind of data → keys of `prepare` that mean something for it; those of no kind mean something for all."""

LOADS: Mapping[str, tuple[str, ...]] = {
    "image": ("image_size",),
    "forecast": ("horizon", "series", "covariates", "known", "calendar"),
    "graph": ("edges", "graph_task"),
    "series": ("kind", "series"),
}
"""The same of keys of `data`."""


def foreign(kind: str, own: Mapping[str, tuple[str, ...]] = PREPARES) -> tuple[str, ...]:
    """Keys that mean something for other kinds of data alone."""
    some = own.get("table" if kind == "series" and "series" not in own else kind, ())
    return tuple(key for keys in own.values() for key in keys if key not in some)


def as_read(kind: str, family: object) -> str:
    """The kind of data as networks of a family, or of some that are searched, read it.

    The columns of a table, and the windows of a forecast, are series to those of `SEQUENTIAL`.
    """
    families = family.choices if isinstance(family, Choice) else (family,)
    return "series" if kind in ("table", "forecast") and set(families) <= set(SEQUENTIAL) else kind


class AfterSection(Section):
    """What is made of the trained networks, by what they say of validation rows. It costs no further training."""

    ensemble: Literal["none", "average", "weighted", "greedy", "stacking", "soup", "snapshot"] = Field(
        "greedy",
        description="The model: the best trial, or several. `greedy` adds trials while that helps on the validation "
        "rows; `average`: all the same; `weighted`: by their loss; `stacking`: a linear model finds the weights; "
        "`snapshot`: the best trial at several epochs; `soup`: weights of networks are averaged into one network. "
        "See [after](after.md).",
    )
    members: Annotated[int, Field(ge=1, le=256)] = Field(
        16, description="Trials, the best ones, that an ensemble may have."
    )
    calibration: Literal["none", "temperature"] = Field(
        "temperature",
        description="Of probabilities. `temperature`: one number makes them as bold as they are right; labels stay "
        "the same. *Guo et al. 2017*",
    )
    threshold: Literal["none", "tune"] = Field(
        "none",
        description="`tune`, with two classes: the probability from which on a row is called positive is the one "
        "that is best for the metric.",
    )

    @property
    def one_trial(self) -> bool:
        """Whether the model is made of the best trial alone."""
        return self.ensemble in ("none", "snapshot")

    @property
    def epochs_matter(self) -> bool:
        """Whether trials are wanted at several epochs."""
        return self.ensemble in ("soup", "snapshot")


class Recipe(Section):
    """A whole request."""

    data: DataSection = DataSection()
    split: SplitSection = SplitSection()
    prepare: PrepareSection = PrepareSection()
    network: NetworkSection = NetworkSection()
    generation: GenerationSection = GenerationSection()
    module: ModuleSection = ModuleSection()
    augment: AugmentSection = AugmentSection()
    training: TrainingSection = TrainingSection()
    search: SearchSection = SearchSection()
    after: AfterSection = AfterSection()


@cache
def leaves() -> Mapping[str, tuple[str, Any]]:
    """Every key of the recipe: leaf name → (section, pydantic field). Leaf names are unique."""
    found: dict[str, tuple[str, Any]] = {}
    for section, info in Recipe.model_fields.items():
        kind = info.annotation
        assert isinstance(kind, type)
        assert issubclass(kind, BaseModel)
        for name, field in kind.model_fields.items():
            assert name not in found, f"recipe key {name} stands in two sections"
            found[name] = (section, field)
    return MappingProxyType(found)


@cache
def domains() -> Mapping[str, tuple[str, Domain]]:
    """Every tunable key: leaf name → (section, its domain)."""
    found: dict[str, tuple[str, Domain]] = {}
    for name, (section, field) in leaves().items():
        for extra in field.metadata:
            if isinstance(extra, Domain):
                found[name] = (section, extra)
    return MappingProxyType(found)
