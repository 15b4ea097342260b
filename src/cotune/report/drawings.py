"""The charts of a view; empty markup where there is nothing to draw."""

from collections.abc import Sequence

from markupsafe import Markup

from cotune.records.view import StudyView
from cotune.report import facts
from cotune.report.charts.confusion import Matrix, confusion
from cotune.report.charts.curves import Curve, curves
from cotune.report.charts.histogram import histogram
from cotune.report.charts.parameter import Axis, Point, parameter
from cotune.report.charts.progress import progress
from cotune.report.charts.scales import score_ends
from cotune.report.charts.scatter import scatter
from cotune.report.words import is_number, metric
from cotune.types import Status

LEADERS = 5
MOST_DOTS = 24_000
"""Dots on all parameter charts together: about 300 kB."""


def over_time(view: StudyView) -> Markup:
    """Best so far, once for wide pages and once for narrow ones; a style sheet shows one of them."""
    ended = facts.ended_trials(view)
    if not ended:
        return Markup("")
    until = max(t.seconds for t in ended)
    name = f"validation {metric(view.metric)}"
    made = [
        Markup('<div class="{}">{}</div>').format(
            kind,
            progress(
                ended,
                maximize=view.maximize,
                until=until,
                name=name,
                axis="time since the study began",
                width=width,
                unique=f"progress-{kind}",
            ),
        )
        for kind, width in (("wide", 960), ("narrow", 420))
    ]
    return Markup("").join(made)


def learning(view: StudyView) -> list[Markup]:
    """Train loss and validation figure of the leaders, by epoch."""
    losses, figures = [], []
    for trial in [t for t in facts.scored(view) if t.curve][:LEADERS]:
        loss = tuple((e, x) for e, x, _ in trial.curve if is_number(x))
        score = tuple((e, x) for e, _, x in trial.curve if is_number(x))
        losses += [Curve(trial.number, loss)] if loss else []
        figures += [Curve(trial.number, score)] if score else []
    drawn = []
    if losses:
        drawn.append(curves(losses, name="training loss", unique="train-loss"))
    if figures:
        drawn.append(curves(figures, name=f"validation {metric(view.metric)}", unique="validation"))
    return drawn


def parameters(view: StudyView) -> list[Markup]:
    """Each searched parameter against the score."""
    trials = facts.scored(view)
    searched = [a for a in facts.axes(view) if any(a.name in t.params for t in trials)]
    if not trials or not searched:
        return []
    ends = score_ends([float(t.score) for t in trials if t.score is not None], maximize=view.maximize)
    most = MOST_DOTS // len(searched)
    name = f"validation {metric(view.metric)}"
    return [
        parameter(axis, _points(view, axis), score=name, ends=ends, unique=f"parameter-{index}", most=most)
        for index, axis in enumerate(searched)
    ]


def _points(view: StudyView, axis: Axis) -> list[Point]:
    picked = facts.best(view)
    return [
        Point(
            t.number,
            t.params[axis.name],
            float(t.score),
            t.status is Status.COMPLETE,
            picked is not None and t.number == picked.number,
        )
        for t in facts.scored(view)
        if axis.name in t.params and t.score is not None
    ]


def matrix(view: StudyView) -> Matrix | None:
    """The confusion matrix of the test rows, if there is one."""
    counts = facts.result(view).get("confusion")
    if not counts:
        return None
    names = view.meta.get("classes") or range(len(counts))
    return Matrix(tuple(str(name) for name in names), tuple(tuple(int(n) for n in row) for row in counts))


def confusions(found: Matrix | None) -> Markup:
    """The confusion matrix, drawn."""
    return confusion(found) if found else Markup("")


def errors(view: StudyView) -> list[Markup]:
    """Predicted against actual, and the residuals (regression)."""
    pairs = _pairs(view)
    if not pairs:
        return []
    actual, predicted = [a for a, _ in pairs], [p for _, p in pairs]
    residuals = [p - a for a, p in pairs]
    return [scatter(actual, predicted), histogram(residuals, name="residual: predicted − actual")]


def _pairs(view: StudyView) -> Sequence[tuple[float, float]]:
    found = facts.result(view).get("scatter") or {}
    together = zip(found.get("actual") or (), found.get("predicted") or (), strict=False)
    return [(float(a), float(p)) for a, p in together if is_number(a) and is_number(p)]
