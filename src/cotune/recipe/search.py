"""The section `search` of a recipe."""

from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from cotune.recipe.names import MetricName
from cotune.recipe.section import Section
from cotune.recipe.units import Seconds, as_path


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
        "auto", "grid", "random", "quasi-random", "tpe", "gp",
        "bayesian", "cmaes", "genetic", "evolution", "brute-force",
    ] = "auto"  # fmt: skip
    metric: Literal["auto", MetricName] = "auto"
    also: tuple[MetricName, ...] = Field(
        (), description="Further metrics to record on the validation rows at every epoch. They steer nothing."
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
    seeds: Annotated[int, Field(ge=1)] = Field(
        1, description="Networks per trial and fold, started differently."
    )
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    rungs: Annotated[
        Literal["auto", "none", "asha"],
        BeforeValidator(_rungs, json_schema_input_type=Literal["auto", "none", "asha"] | bool),
    ] = Field(
        "auto",
        description="How weak trials are stopped early. `none`: every trial runs its course; `auto`: what the strategy "
        "comes with. `false` and `true` stand for `none` and `auto`. See [search](search.md).",
    )
    reduction: Annotated[int, Field(ge=2)] = Field(3, description="One in so many goes on from a rung.")
    first_rung: Annotated[int, Field(ge=1)] = Field(3, description="Epoch of the first rung.")
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
