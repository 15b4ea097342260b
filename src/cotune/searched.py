"""The searched parameters of a study, as its explanation shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

from cotune.records import StudyView
from cotune.search.structure import FREE

COSTS = {
    "fusable": "fusable: a number for each lane",
    "free": "structural, side by side: a slice of lanes, or rows of its own, for each value",
    "structural": "structural: lanes of one value step together",
}
"""What it costs that trials differ in a parameter."""


def searched(view: StudyView) -> list[dict[str, Any]]:
    """Name, kind, setting and whether it is fusable, of each; studies of older versions know no kind."""
    return [{"kind": "", **found, "costs": COSTS[_sort(found)]} for found in view.meta["parameters"]]


def _sort(parameter: Mapping[str, Any]) -> str:
    if parameter["fusable"]:
        return "fusable"
    return "free" if parameter["name"] in FREE else "structural"


def rows(parameters: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """A row of a table for each."""
    return [[p["name"], said(p["setting"]), p["kind"], p["costs"]] for p in parameters]


def said(setting: Any) -> str:
    """A range or choices as a recipe has them, short.

    Example:
        >>> said({"low": 1e-4, "high": 0.1, "log": True, "prior": 0.01})
        '0.0001 … 0.1 by ratio, believed: 0.01'
    """
    if isinstance(setting, list):
        return ", ".join(map(_short, setting))
    if "choices" in setting:
        found = said(setting["choices"])
    else:
        found = f"{_short(setting['low'])} … {_short(setting['high'])}"
        found += " by ratio" if setting.get("log") else ""
        found += f" by {_short(setting['step'])}" if setting.get("step") else ""
    return found + (f", believed: {_short(setting['prior'])}" if "prior" in setting else "")


def _short(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
