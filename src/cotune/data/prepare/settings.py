"""The preparation of one trial: the recipe's `prepare` section with every search decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from pydantic import ValidationError

from cotune.errors import RecipeError
from cotune.recipe.schema import PrepareSection
from cotune.recipe.settings import Choice, Range
from cotune.types import Value


@dataclass(frozen=True)
class Preparation:
    """Plain values of the recipe's `prepare` section, as far as tables use it."""

    missing: str
    indicators: bool
    outliers: str
    scaling: str
    numbers: str
    bins: int
    categories: str
    select: str
    keep: float
    balance: str


def decided(settings: Mapping[str, Value]) -> Preparation:
    """`settings` checked against the recipe's schema; absent keys take its defaults, other keys are ignored.

    Raises:
        RecipeError: an illegal value, or one that is still to be searched.
    """
    return Preparation(**_decided(settings, [field.name for field in fields(Preparation)]))


def decided_pixels(settings: Mapping[str, Value]) -> tuple[str, str]:
    """(`pixels`, `balance`), all that images take, by the same law."""
    found = _decided(settings, ["pixels", "balance"])
    return found["pixels"], found["balance"]


def decided_lookback(settings: Mapping[str, Value], known: Sequence[int]) -> int:
    """`lookback`, all that forecasts take; the longest of those worth trying where nobody says."""
    asked = settings.get("lookback", "auto")
    return known[-1] if asked == "auto" else int(_decided(settings, ["lookback"])["lookback"])


def decided_graph(settings: Mapping[str, Value]) -> tuple[str, str, str]:
    """(`node_scaling`, `structure`, `balance`), all that graphs take, by the same law."""
    found = _decided(settings, ["node_scaling", "structure", "balance"])
    return found["node_scaling"], found["structure"], found["balance"]


@dataclass(frozen=True)
class SeriesPreparation:
    """The same as far as series use it."""

    channel_scaling: str
    each_series: bool
    gaps: str
    gap_channels: bool
    balance: str


def decided_series(settings: Mapping[str, Value]) -> SeriesPreparation:
    """All that series take, by the same law."""
    return SeriesPreparation(**_decided(settings, [field.name for field in fields(SeriesPreparation)]))


@dataclass(frozen=True)
class Tokenising:
    """The same, as far as texts use it."""

    tokens: str
    vocabulary: int
    least_count: int
    length: int | str
    lowercase: bool
    balance: str


def decided_tokens(settings: Mapping[str, Value]) -> Tokenising:
    """What texts take, by the same law."""
    return Tokenising(**_decided(settings, [field.name for field in fields(Tokenising)]))


def _decided(settings: Mapping[str, Value], names: Sequence[str]) -> dict[str, Any]:
    try:
        section = PrepareSection.model_validate({name: settings[name] for name in names if name in settings})
    except ValidationError as error:
        first = error.errors()[0]
        raise RecipeError(f"prepare.{'.'.join(map(str, first['loc']))} {first['msg']}") from None
    values = {name: getattr(section, name) for name in names}
    for name, value in values.items():
        if isinstance(value, Choice) and name not in settings:
            values[name] = value.choices[0]  # the default searches: its first choice stands in
        elif isinstance(value, Range | Choice):
            raise RecipeError(
                f"prepare.{name} must be one value to fit a pipeline, but is still to be searched: {value}"
            )
    return values


def chooses_rows(settings: Mapping[str, Value]) -> bool:
    """Whether training may go through other rows than each training row once; see `Pipeline.training_rows`."""
    return settings.get("outliers") == "remove" or settings.get("balance") in ("oversample", "undersample")
