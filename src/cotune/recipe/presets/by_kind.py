"""The rows of every preset by kind of data, and what they make of a recipe."""

from collections.abc import Mapping, Sequence

from cotune.recipe.presets.base import DataFacts, Effort, Kind, Row
from cotune.recipe.presets.forecasts import BALANCED_FORECAST, BEST_FORECAST, FAST_FORECAST
from cotune.recipe.presets.generation import (
    BALANCED_CONTEST_OF_IMAGES,
    BALANCED_CONTEST_OF_ROWS,
    BEST_CONTEST_OF_IMAGES,
    BEST_CONTEST_OF_ROWS,
    FAST_CONTEST_OF_IMAGES,
    FAST_CONTEST_OF_ROWS,
)
from cotune.recipe.presets.graphs import BALANCED_GRAPH, BEST_GRAPH, FAST_GRAPH
from cotune.recipe.presets.images import BALANCED_IMAGE, BEST_IMAGE, FAST_IMAGE, OF_RESNETS
from cotune.recipe.presets.series import BALANCED_SERIES, BEST_SERIES, FAST_SERIES
from cotune.recipe.presets.tables import BALANCED_TABLE, BEST_TABLE, FAST_TABLE
from cotune.recipe.presets.texts import BALANCED_TEXT, BEST_TEXT, FAST_TEXT
from cotune.recipe.schema import Recipe, domains, leaves
from cotune.recipe.settings import Choice, Range, Setting

EFFORTS: Mapping[str, Effort] = {
    "fast": Effort(300_000, (10, 40), enough=8),
    "balanced": Effort(1_000_000, (20, 100), enough=8),
    "best": Effort(2_000_000, (30, 200), enough=64),
}
"""By preset. Under a time limit epochs are fewer where the machine is too slow for them."""

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
    """Key → the first row that holds for the data, and means something to the family of networks."""
    known = domains()
    found: dict[str, Row] = {}
    for row in ROWS.get((preset, facts.kind), ()):
        when = known[row.key][1].when if row.key in known else None
        foreign = facts.family and when is not None and when[0] == "family" and facts.family not in when[1]
        if row.where.holds(facts) and not foreign:
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
