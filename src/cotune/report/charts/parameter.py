"""One searched parameter against the score: dots on a scale, or strips of categories."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

from cotune.report.charts.axes import LETTER, Frame, band_axis, bottom_axis, left_axis, must_tilt
from cotune.report.charts.scales import Band, Linear, Log, Scale, padded
from cotune.report.charts.svg import dots, drawing, element, line
from cotune.report.charts.thin import thin
from cotune.report.words import shorten, value
from cotune.types import Value

GOLDEN = 0.6180339887
"""Multiples of it, modulo 1, fill a strip evenly."""


@dataclass(frozen=True)
class Point:
    """A trial's value of the parameter, and its score."""

    number: int
    value: Value
    score: float
    complete: bool
    best: bool


@dataclass(frozen=True)
class Axis:
    """How a parameter was searched: over a range, or among choices."""

    name: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    choices: tuple[Value, ...] = ()


def parameter(
    axis: Axis, points: Sequence[Point], *, score: str, ends: tuple[float, float], unique: str, most: int
) -> Markup:
    """The chart; `ends` are the score axis's, `most` is how many dots it may have."""
    kept = [p for p in thin(points, most) if not p.best] + [p for p in points if p.best]
    labels = tuple(shorten(value(choice), 16) for choice in axis.choices)
    frame = _frame(labels)
    y = Linear(*ends, *frame.y)
    if labels:
        band = Band(labels, *frame.x)
        below, places = band_axis(frame, band), _strips(axis, kept, band)
        medians = _medians(axis, points, band, y)
    else:
        x = _value_scale(axis, frame)
        below, medians = bottom_axis(frame, x, "", count=5), []
        places = [(p, x(float(p.value))) for p in kept if isinstance(p.value, int | float)]
    return drawing(
        unique,
        frame.width,
        frame.height,
        left_axis(frame, y, shorten(axis.name, 40), remark=" log scale" if axis.log else "", count=4),
        below,
        *_marks(places, y),
        *medians,
        title=f"{axis.name} against {score}",
        description=_describe(axis, points),
        kind="chart small",
    )


def _describe(axis: Axis, points: Sequence[Point]) -> str:
    best = next((p for p in points if p.best), None)
    tail = f"; the best trial has {value(best.value)}" if best else ""
    return f"{len(points)} trials with a value of {axis.name}{tail}."


def _value_scale(axis: Axis, frame: Frame) -> Scale:
    left, right = frame.x
    if axis.log and axis.low > 0 and axis.high > axis.low:
        return Log(axis.low, axis.high, left + 6, right - 6)
    low, high = (axis.low, axis.high) if axis.high > axis.low else padded([axis.low])
    return Linear(low, high, left + 6, right - 6)


def _strips(axis: Axis, kept: Sequence[Point], band: Band) -> list[tuple[Point, float]]:
    index = {value(choice): i for i, choice in enumerate(axis.choices)}
    places = []
    for point in kept:
        if value(point.value) in index:
            spread = ((point.number * GOLDEN) % 1.0 - 0.5) * min(band.step * 0.62, 60.0)
            middle = band.middle(index[value(point.value)])
            places.append((point, middle if point.best else middle + spread))
    return places


def _frame(labels: tuple[str, ...]) -> Frame:
    plain = Frame(330, 200, left=48, bottom=28)
    left, right = plain.x
    if not must_tilt(labels, (right - left) / max(1, len(labels))):
        return plain
    extra = max(len(label) for label in labels) * LETTER * 0.65
    return Frame(plain.width, plain.height + extra, left=plain.left, bottom=plain.bottom + extra)


def _medians(axis: Axis, points: Sequence[Point], band: Band, y: Scale) -> list[Markup]:
    drawn = []
    for index, choice in enumerate(axis.choices):
        scores = [p.score for p in points if value(p.value) == value(choice)]
        if len(scores) >= 5:
            x, reach, height = band.middle(index), min(band.step * 0.34, 34.0), y(median(scores))
            drawn.append(line(x - reach, height, x + reach, height, class_="median"))
    return drawn


def _marks(places: Sequence[tuple[Point, float]], y: Scale) -> list[Markup]:
    others = [(p.complete, (x, y(p.score))) for p, x in places if not p.best]
    best = [
        element(
            "circle",
            element("title", f"Trial {p.number}, the best"),
            cx=x,
            cy=y(p.score),
            r=5.5,
            class_="best",
        )
        for p, x in places
        if p.best
    ]
    stopped, complete = ([place for flag, place in others if flag is kind] for kind in (False, True))
    return [dots(stopped, "stopped"), dots(complete, "complete"), *best]
