"""What the sections need to know, read from a view that may be unfinished or empty."""

import shlex
from collections.abc import Mapping
from typing import Any

from cotune.records.view import StudyView
from cotune.report.charts.parameter import Axis
from cotune.report.charts.progress import Ended
from cotune.report.words import is_number
from cotune.types import Status, Task, TrialResult, Value


def seconds(view: StudyView) -> float:
    """Seconds the study has run."""
    return max((b.elapsed for b in view.boundaries), default=0.0)


def result(view: StudyView) -> Mapping[str, Any]:
    """The study's result, empty while it has none."""
    return view.meta.get("result") or {}


def scored(view: StudyView) -> list[TrialResult]:
    """Trials with a usable score, best first."""
    return [t for t in view.ranked() if is_number(t.score) and t.status is not Status.FAILED]


def best(view: StudyView) -> TrialResult | None:
    """The trial that was picked, or the leader while none is."""
    leaders = scored(view)
    picked = next((t for t in view.trials if t.number == result(view).get("trial")), None)
    return picked or (leaders[0] if leaders else None)


def running(view: StudyView) -> int:
    """Trials that have not ended."""
    return sum(t.status is Status.RUNNING for t in view.trials)


def setting(view: StudyView, trial: TrialResult, section: str, name: str) -> Value:
    """A trial's value of a recipe key: its own, or the one fixed in the recipe; `None` when unknown."""
    settled = view.meta.get("resolved") or view.meta.get("recipe") or {}
    fixed = settled.get(section, {}).get(name)
    found = trial.params.get(name, fixed)
    return None if isinstance(found, list | dict) else found


def axes(view: StudyView) -> list[Axis]:
    """The searched parameters, as the study has them."""
    return [_axis(facts, view) for facts in view.meta.get("parameters") or ()]


def _axis(facts: Mapping[str, Any], view: StudyView) -> Axis:
    name = str(facts["name"])
    searched = facts.get("setting", facts)
    if isinstance(searched, Mapping) and "low" in searched and "high" in searched:
        return Axis(name, float(searched["low"]), float(searched["high"]), bool(searched.get("log")))
    choices = searched.get("choices") if isinstance(searched, Mapping) else searched
    if not isinstance(choices, list | tuple):
        choices = list(dict.fromkeys(t.params[name] for t in view.trials if name in t.params))
    return Axis(name, choices=tuple(choices))


def ended_trials(view: StudyView) -> list[Ended]:
    """Trials with a score, by the seconds since the study began at which they ended."""
    kept = {t.number: t for t in scored(view) if t.status.is_over}
    found = [(t.number, b.elapsed) for b in view.boundaries for t in b.ended]
    return [
        Ended(n, when, float(score), kept[n].status is Status.COMPLETE)
        for n, when in found
        if n in kept and (score := kept[n].score) is not None
    ]


def generates(view: StudyView) -> bool:
    """Whether the study learns to make rows; else it predicts."""
    return view.meta.get("task") == Task.GENERATION.value


def made_rows(view: StudyView) -> str:
    """What stands for the file of generated rows."""
    return "OUT.csv" if new_rows(view).endswith(".csv") else "OUT"


def new_rows(view: StudyView) -> str:
    """What stands for rows to predict: a table, or images and the like, which may be a folder too."""
    data = view.meta.get("data") or {}
    images = any(column.get("kind") == "image" for column in data.get("columns") or ())
    return "NEW.csv" if data.get("kind", "table") in ("table", "forecast") and not images else "NEW"


def data_argument(view: StudyView) -> str:
    """The data source as a shell word, `DATA` when it is not known."""
    source = (view.meta.get("data") or {}).get("source") or (view.meta.get("recipe") or {}).get(
        "data", {}
    ).get("source")
    return shlex.quote(str(source)) if source else "DATA"
