"""The section `search` of a recipe."""

from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from cotune.recipe.names import CostName, MetricName
from cotune.recipe.section import Section
from cotune.recipe.units import Limits, Listed, Seconds, as_path


def _rungs(asked: Any) -> Any:
    return {True: "auto", False: "none"}.get(asked, asked) if isinstance(asked, bool) else asked


def _several(asked: Any) -> Any:
    if isinstance(asked, list | tuple):
        return tuple(map(as_path, asked))
    return (as_path(asked),) if isinstance(asked, str | PurePath) else asked


Several = Annotated[tuple[str, ...], BeforeValidator(_several, json_schema_input_type=str | list[str])]


class SearchSection(Section):
    """How the space is searched, and when to stop. Whichever limit is met first ends the study."""

    preset: Literal["fast", "balanced", "best"] = Field(
        "balanced",
        description="Where keys that the recipe does not set are searched, by kind and size of the data: `fast` for a "
        "first answer, `best` for accuracy; see [presets](presets.md).",
    )
    strategy: Literal[
        "auto", "grid", "random", "quasi-random", "tpe", "gp", "nsga2", "asha", "hyperband", "bohb", "pbt", "pb2",
        "bayesian", "cmaes", "genetic", "evolution", "brute-force",
    ] = "auto"  # fmt: skip
    metric: Literal["auto", MetricName] = "auto"
    also: tuple[MetricName, ...] = Field(
        (), description="Further metrics to record on the validation rows at every epoch. They steer nothing."
    )
    objectives: Annotated[tuple[Literal[CostName, MetricName], ...], Listed] = Field(
        (),
        description="What is wanted beside the best `metric`: a small `size`, few `multiplications`, a short `latency` "
        "or `latency_single`, or further metrics. The search looks for the front: trials that are not worse in all of "
        "them than another. See [search](search.md#several-objectives).",
    )
    at_most: Annotated[dict[CostName, Annotated[float, Field(gt=0, allow_inf_nan=False)]], Limits] = Field(
        default_factory=dict,
        description="Limits of the model: nothing is trained that breaks one, as in `{size: 100000, latency: 2}`. "
        "`size`: weights; `multiplications`: of one row's prediction; `latency`, `latency_single`: milliseconds for "
        "256 rows and for one, measured on this machine.",
    )
    trials: Annotated[int, Field(ge=1)] | None = Field(None, description="Trials to start, at most.")
    time_limit: Seconds | None = Field(None, description="Wall-clock seconds, or 90s, 5m, 2h.")
    lane_epochs: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Epochs to train, summed over lanes."
    )
    stop: Literal["never", "auto"] = Field(
        "never",
        description="`auto` ends the study before its limits, once what it may still gain is less than the noise of a "
        "score. See [search](search.md).",
    )
    lanes: Literal["auto"] | Annotated[int, Field(ge=1)] = Field(
        "auto", description="Lanes in training at once."
    )
    structure_group: Literal["auto"] | Annotated[int, Field(ge=1)] = Field(
        "auto",
        description="Consecutive trials that share a structure. `auto`: 16 where lanes of equal structure gain by "
        "training together, 1 where a lane costs the same alone. See [search](search.md).",
    )
    seeds: Annotated[int, Field(ge=1)] = Field(
        1, description="Networks per trial and fold, started differently."
    )
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    rungs: Annotated[
        Literal["auto", "none", "asha", "hyperband", "extrapolate", "pbt"],
        BeforeValidator(
            _rungs,
            json_schema_input_type=Literal["auto", "none", "asha", "hyperband", "extrapolate", "pbt"] | bool,
        ),
    ] = Field(
        "auto",
        description="How weak trials are stopped early. `none`: every trial runs its course; `auto`: what the strategy "
        "comes with. `false` and `true` stand for `none` and `auto`. See [search](search.md).",
    )
    rung_by: Literal["epochs", "folds", "rows"] = Field(
        "epochs",
        description="What trials get more of from rung to rung. `folds`: a trial trains on one fold, and on further "
        "ones if it is among the best; `rows`: on a share of the rows, then anew on a larger one. See "
        "[search](search.md#rungs-by-folds-and-by-rows).",
    )
    pause: bool = Field(
        False,
        description="Whether trials that a rung stops wait with all their state, and go on when later ones at their "
        "rung turn out worse, as in ASHA. `false`: whoever is stopped is over. See [search](search.md#pause-and-thaw).",
    )
    confirm: Literal["auto"] | Annotated[int, Field(ge=0)] = Field(
        "auto",
        description="Fresh seeds with which the five best trials are trained again in the end: their means choose the "
        "winner and say what to expect of it. 0: none; `auto`: 3, where that costs at most 5 % of the study's limits.",
    )
    reduction: Annotated[int, Field(ge=2)] = Field(3, description="One in so many goes on from a rung.")
    first_rung: Annotated[int, Field(ge=1)] = Field(
        3, description="Epoch of the first rung. Of `pbt` and `pb2`: epochs between two comparisons."
    )
    constraints: Several = Field(
        (),
        description="What must hold of every configuration: expressions over parameters, such as "
        '`["width * depth <= 512"]`. No other is tried.',
    )
    warm: Several = Field(
        (),
        description="Directories of earlier studies, of these data or others, whose trials this one learns from; "
        "`--from DIR`. See [search](search.md).",
    )
