"""Forecasts among studies: what a recipe asks of them, what suits them, and what they must beat.

| symbol | meaning                              | shape            |
|--------|--------------------------------------|------------------|
| v      | a target, over time                  | time             |
| o      | origin: the first time to forecast   |                  |
| m      | season, in steps                     |                  |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from cotune.data.arrays import Floats, Ints
from cotune.data.forecasts.windows import Windows
from cotune.engine.metrics import METRICS
from cotune.engine.several import judged
from cotune.errors import RecipeError
from cotune.recipe import Choice, Recipe
from cotune.recipe.schema import DataSection, NetworkSection
from cotune.recipe.settings import Range, Setting
from cotune.types import Task

NAMED = ("source", "target", "task", "columns", "memory")
"""Keys of the data section that are for all kinds of data."""

EXAMPLES = 4
"""Forecasts of test rows that are kept to be drawn, at equal distances."""

BEFORE = 3
"""Horizons before a forecast that are drawn with it."""

SINGLE = (
    ("training", "loss", ("auto", "mse", "mae", "huber", "log_cosh", "quantile", "gaussian")),
    ("prepare", "select", ("none", "variance")),
)
"""Keys with choices that know a single target, and those that know several."""


def options_of(recipe: Recipe) -> dict[str, Any]:
    """What a recipe says beside the names of columns: keys for some kinds of data, and how far forecasts look back."""
    said = {name: getattr(recipe.data, name) for name in DataSection.model_fields if name not in NAMED}
    return {**said, "lookback": _longest(recipe.prepare.lookback)}


def _longest(setting: Setting) -> int | None:
    if setting == "auto":
        return None
    if isinstance(setting, Range):
        return int(setting.high)
    values = setting.choices if isinstance(setting, Choice) else (setting,)
    return max(value for value in values if isinstance(value, int))


def suited_to(recipe: Recipe, windows: Windows | None) -> Recipe:
    """The recipe with how far a forecast looks back, and from which level, settled.

    Raises:
        RecipeError: it says so, and the rows are no series.
    """
    if windows is None:
        if recipe.network.anchor != NetworkSection.model_fields["anchor"].default:
            raise RecipeError(
                "network.anchor has no meaning but for forecasts; leave it out, or set task: forecast"
            )
        return recipe
    changes: dict[str, dict[str, Setting]] = {"prepare": {}, "network": {}}
    if recipe.prepare.lookback == "auto":
        several = len(windows.lookbacks) > 1
        changes["prepare"]["lookback"] = Choice(windows.lookbacks) if several else windows.lookbacks[0]
    if recipe.network.anchor == "auto":
        changes["network"]["anchor"] = "last"
    return recipe.model_copy(
        update={name: getattr(recipe, name).model_copy(update=update) for name, update in changes.items()}
    )


def refuse_single(recipe: Recipe, target: str) -> None:
    """Raise `RecipeError` for what knows a single number a row, where there are several to predict."""
    for section, name, allowed in SINGLE:
        setting = getattr(getattr(recipe, section), name)
        chosen = setting.choices if isinstance(setting, Choice) else (setting,)
        wrong = [value for value in chosen if value not in allowed]
        if wrong:
            law = f"{section}.{name} {wrong[0]} takes one number a row that is no series, but the target is {target}"
            raise RecipeError(f"{law}; choose among {', '.join(allowed)}")


@dataclass(frozen=True)
class Baseline:
    """A forecast that needs no learning.

    Args:
        name: short.
        words: what it says, in words.
        said: its values [row (step target)].
    """

    name: str
    words: str
    said: Floats


def baselines(windows: Windows, rows: Ints) -> list[Baseline]:
    """Repeat the last value; and repeat the last season, where the spacing has one.

    ŷ(o + k) = v(o − 1);  ŷ(o + k) = v(o + k − m ⌈(k + 1) / m⌉)
    """
    v, season, steps = windows.values[:, : windows.count], windows.spacing.season, np.arange(windows.horizon)
    found = [Baseline("repeat_last", "repeat the last value", _taken(v, rows[:, None] - 1 + 0 * steps))]
    if 1 < season <= windows.lookbacks[-1]:
        back = steps - season * (steps // season + 1)
        words = f"repeat the last {windows.spacing.season_words}"
        found.append(Baseline("repeat_season", words, _taken(v, rows[:, None] + back)))
    return found


def _taken(v: Floats, places: Ints) -> Floats:
    return v[places].reshape(len(places), -1)


def baseline_figures(windows: Windows, rows: Ints) -> list[dict[str, object]]:
    """Every metric of each baseline on some rows, for the store: {name, words, test}."""
    truth = torch.from_numpy(windows.y[rows])
    names = [
        name
        for name, metric in METRICS.items()
        if metric.fits(Task.REGRESSION) and metric.needs_rows <= len(rows)
    ]
    found: list[dict[str, object]] = []
    for baseline in baselines(windows, rows):
        said = torch.from_numpy(baseline.said).unsqueeze(0)
        figures: Mapping[str, float] = {name: float(judged(name, said, truth)[0]) for name in names}
        finite = {name: value if np.isfinite(value) else None for name, value in figures.items()}
        found.append({"name": baseline.name, "words": baseline.words, "test": finite})
    return found


def forecast_facts(windows: Windows, rows: Ints, said: Floats) -> dict[str, Any]:
    """What the store keeps of a forecast: the baselines' figures, and some forecasts to be drawn.

    Args:
        said: of the model, on these rows [row (h target)].

    Returns:
        {baselines: [{name, words, test}], forecasts: {target, examples: [{series, times, before, actual,
        predicted}]}}; `before` are the last steps that were seen, `times` those of all.
    """
    shown, h = [], windows.horizon
    v = windows.values[:, 0]
    steps = min(windows.lookbacks[0], BEFORE * h)
    for place in np.unique(np.linspace(0, len(rows) - 1, EXAMPLES + 2).round().astype(int)[1:-1]):
        origin = int(rows[place])
        shown.append(
            {
                "series": windows.series[int(np.searchsorted(windows.starts, origin, side="right")) - 1],
                "times": windows.times[origin - steps : origin + h].tolist() if windows.roles.time else [],
                "before": v[origin - steps : origin].tolist(),
                "actual": v[origin : origin + h].tolist(),
                "predicted": said[place].reshape(h, -1)[:, 0].tolist(),
            }
        )
    examples = {"target": windows.roles.targets[0], "examples": shown}
    return {"baselines": baseline_figures(windows, rows), "forecasts": examples}
