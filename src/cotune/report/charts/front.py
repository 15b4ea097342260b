"""Score against a further objective: every trial, the front among them, and the model."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from cotune.report.charts.axes import Frame, bottom_axis, left_axis
from cotune.report.charts.scales import Linear, Log, Scale, padded, score_ends
from cotune.report.charts.svg import dots, drawing, element, group, polyline
from cotune.report.charts.thin import thin

MOST = 3000
"""Dots of trials that are not on the front."""


@dataclass(frozen=True)
class Dot:
    """A trial.

    Args:
        number: of the trial.
        value: of the further objective.
        score: of the trial.
        front: whether no other trial dominates it.
        model: whether it is the one that is handed over.
        complete: whether it was trained to its end.
    """

    number: int
    value: float
    score: float
    front: bool
    model: bool
    complete: bool


def front_chart(found: Sequence[Dot], *, name: str, score: str, maximize: bool, unique: str) -> Markup:
    """The chart; values that span more than a decade are drawn by ratio."""
    frame = Frame(480, 340)
    x = _scale([dot.value for dot in found], frame)
    members = sorted((dot for dot in found if dot.front), key=lambda dot: (dot.value, dot.number))
    low, high = score_ends([dot.score for dot in found], maximize=maximize)
    ends = padded([dot.score for dot in members], share=0.0) if members else (low, high)
    y = Linear(min(low, ends[0]), max(high, ends[1]), *frame.y)
    others = {
        kind: thin([(x(d.value), y(d.score)) for d in found if not d.front and d.complete is complete], MOST)
        for kind, complete in (("stopped", False), ("complete", True))
    }
    along = [(x(dot.value), y(dot.score)) for dot in members]
    marks = [element("circle", cx=cx, cy=cy, r=3.5, class_="dot front") for cx, cy in along]
    marks += [
        element("circle", cx=x(dot.value), cy=y(dot.score), r=5.5, class_="best")
        for dot in found
        if dot.model
    ]
    return drawing(
        unique,
        frame.width,
        frame.height,
        left_axis(frame, y, score),
        bottom_axis(frame, x, name, count=5),
        *(dots(points, kind) for kind, points in others.items()),
        polyline(along, class_="line front"),
        group(*marks),
        title=f"{score[0].upper()}{score[1:]} against {name}",
        description=f"{len(found)} trials; on the front "
        + ", ".join(str(dot.number) for dot in members)
        + ".",
    )


def _scale(values: Sequence[float], frame: Frame) -> Scale:
    low, high = min(values), max(values)
    if low > 0 and high / low > 10:
        return Log(low * 0.9, high * 1.1, *frame.x)
    return Linear(*padded(values), *frame.x)
