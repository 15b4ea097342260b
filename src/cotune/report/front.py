"""The front of a study with several objectives: trials that no other dominates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from cotune.errors import RecipeError
from cotune.recipe.names import COSTS
from cotune.records.view import StudyView
from cotune.report import facts
from cotune.report.charts.front import Dot, front_chart
from cotune.report.tables import Table
from cotune.report.words import count, figure, metric, value, whole
from cotune.search.several.dominance import as_points, first_front
from cotune.search.several.knee import knee
from cotune.search.several.objectives import Objectives
from cotune.types import Status, TrialResult

NAMES = {
    "size": "weights",
    "multiplications": "multiplications a row",
    "latency": "ms for 256 rows",
    "latency_single": "ms for one row",
}
"""Costs, as charts and tables call them."""

PICKS = ("best", "knee")
"""Words that name a trial of the front."""


@dataclass(frozen=True)
class Member:
    """A trial of the front.

    Args:
        result: how it went.
        values: of the further objectives, by name.
        knee: whether it is the one nearest to the best of all objectives at once.
    """

    result: TrialResult
    values: dict[str, float]
    knee: bool


def front(view: StudyView) -> list[Member]:
    """The trials that no other dominates, the best score first; none where the score is the only objective."""
    if not view.objectives:
        return []
    trials = sorted(facts.scored(view), key=lambda trial: trial.number)
    if not trials:
        return []
    values = [view.beside(trial) for trial in trials]
    names = tuple(view.objectives)
    signs = Objectives(view.maximize, tuple(view.objectives.values()))
    losses = as_points(
        [
            signs.losses(float(trial.score or 0.0), [found[name] for name in names])
            for trial, found in zip(trials, values, strict=True)
        ]
    )
    places = first_front(losses)
    scaled = losses[places]
    for column, name in enumerate(names, start=1):
        if name in COSTS:
            scaled[:, column] = [math.log(max(cost, 1e-9)) for cost in scaled[:, column]]
    middle = places[knee(scaled)]
    found = [Member(trials[p], {n: values[p][n] for n in names}, p == middle) for p in places]
    ranks = {trial.number: rank for rank, trial in enumerate(view.ranked())}
    return sorted(found, key=lambda member: ranks[member.result.number])


def rows(view: StudyView) -> list[dict[str, Any]]:
    """Rows of `cotune pareto --json`."""
    picked = facts.best(view)
    return [
        {
            "trial": member.result.number,
            "score": member.result.score,
            "metric": view.metric,
            "objectives": {n: v if math.isfinite(v) else None for n, v in member.values.items()},
            "knee": member.knee,
            "model": picked is not None and picked.number == member.result.number,
            "status": member.result.status.value,
            "epochs": member.result.epochs,
            "params": dict(member.result.params),
        }
        for member in front(view)
    ]


def picked(view: StudyView, pick: str | int) -> int:
    """The trial of the front that a word or a number names.

    Args:
        pick: "best", "knee", or the number of a trial.

    Raises:
        RecipeError: there is no such trial on the front.
    """
    members = front(view)
    known = ", ".join(str(member.result.number) for member in members)
    if not members:
        law = "the study has one objective, or no trial with a score yet: it has no front to pick from"
        raise RecipeError(f"{law}; `cotune tune … --objectives size` looks for one")
    if str(pick) in PICKS:
        return next(m.result.number for m in members if m.knee or str(pick) == "best")
    if str(pick) not in known.split(", "):
        law = (
            f"a trial of the front is picked by {', '.join(PICKS)} or its number ({known}), but got '{pick}'"
        )
        raise RecipeError(f"{law}; `cotune pareto DIR` lists them")
    return int(pick)


def sentence(view: StudyView) -> str:
    """The front in one sentence."""
    members = front(view)
    names = ", ".join([metric(view.metric), *(NAMES.get(name, metric(name)) for name in view.objectives)])
    return f"{count(len(members), 'trial')} of {len(view.trials):,} that no other dominates in {names}."


def table(view: StudyView) -> Table:
    """The members with their figures and the parameters in which they differ."""
    members, picked = front(view), facts.best(view)
    names = [axis.name for axis in facts.axes(view)]
    names = [n for n in names if len({m.result.params.get(n) for m in members}) > 1]
    lines = tuple(
        (
            str(m.result.number),
            figure(m.result.score),
            *(_value(name, found) for name, found in m.values.items()),
            _what(m, picked),
            *(value(m.result.params[n]) if n in m.result.params else "–" for n in names),
        )
        for m in members
    )
    heads = ("trial", metric(view.metric), *(NAMES.get(n, metric(n)) for n in view.objectives), "", *names)
    marked = next((i for i, m in enumerate(members) if picked and m.result.number == picked.number), None)
    return Table(sentence(view), heads, lines, frozenset(range(2 + len(view.objectives))), marked)


def charts(view: StudyView) -> list[Markup]:
    """The score against each further objective."""
    members, picked = front(view), facts.best(view)
    if not members:
        return []
    on = {member.result.number for member in members}
    trials = [(trial, view.beside(trial)) for trial in facts.scored(view)]
    return [
        front_chart(
            [
                Dot(
                    trial.number,
                    found[name],
                    float(trial.score or 0.0),
                    trial.number in on,
                    picked is not None and trial.number == picked.number,
                    trial.status is Status.COMPLETE,
                )
                for trial, found in trials
                if math.isfinite(found[name])
            ],
            name=NAMES.get(name, f"validation {metric(name)}"),
            score=f"validation {metric(view.metric)}",
            maximize=view.maximize,
            unique=f"front-{index}",
        )
        for index, name in enumerate(view.objectives)
    ]


def _value(name: str, found: float) -> str:
    return whole(round(found)) if name in ("size", "multiplications") else figure(found)


def _what(member: Member, picked: TrialResult | None) -> str:
    said: Sequence[str] = [
        *(["the model"] if picked is not None and member.result.number == picked.number else []),
        *(["knee"] if member.knee else []),
    ]
    return ", ".join(said)
