"""What a forecast must beat, in words; and some forecasts beside what came."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from markupsafe import Markup

from cotune.records.view import StudyView
from cotune.report import facts
from cotune.report.charts.axes import Frame, bottom_axis, left_axis
from cotune.report.charts.scales import Linear, padded
from cotune.report.charts.svg import drawing, group, line, polyline, text
from cotune.report.words import clean, figure, is_number, metric, shorten

FIGURES = ("mse", "mae")
"""Told of each baseline; the first decides who is better."""

LINES = (
    ("before", "seen", "line leader-4"),
    ("actual", "came", "line leader-1"),
    ("predicted", "forecast", "line leader-0"),
)
"""What is drawn, in this order: key, name, style."""


def beside_baselines(view: StudyView) -> list[str]:
    """A sentence for each forecast that needs no learning: its test errors beside the model's; [] of other studies.

    Example:
        "repeat the last day: mse 3.86, mae 1.53; the model's mse 2.17 is 44 % lower, mae 1.12 27 % lower"
    """
    result = facts.result(view)
    found = []
    for baseline in result.get("baselines") or ():
        theirs = baseline["test"]
        own = {name: result["test"].get(name) for name in FIGURES}
        said = ", ".join(f"{metric(name)} {figure(theirs.get(name))}" for name in FIGURES)
        compared = ", ".join(
            f"{metric(name)} {figure(own[name])} is {_change(own[name], theirs.get(name))}"
            for name in FIGURES
        )
        beaten = is_number(own["mse"]) and is_number(theirs.get("mse")) and own["mse"] < theirs["mse"]
        warning = "" if beaten else " (the model does NOT beat it)"
        found.append(f"{baseline['words']}: {said}; the model's {compared}{warning}")
    return found


def _change(own: object, theirs: object) -> str:
    if not isinstance(own, int | float) or not isinstance(theirs, int | float) or not theirs:
        return "not comparable"
    share = own / theirs - 1
    return f"{abs(share):.0%} {'lower' if share < 0 else 'higher'}"


def drawn(view: StudyView) -> list[Markup]:
    """A chart for each forecast that was kept; [] of other studies."""
    kept = facts.result(view).get("forecasts") or {}
    return [
        _chart(example, str(kept.get("target", "")), i) for i, example in enumerate(kept.get("examples", ()))
    ]


def _chart(example: Mapping[str, Any], target: str, number: int) -> Markup:
    frame = Frame(480, 260, bottom=66)
    before, seen = [float(v) for v in example["before"]], len(example["before"])
    values = {key: [float(v) for v in example[key]] for key, _, _ in LINES}
    x = Linear(-float(seen), float(len(example["actual"])), *frame.x)
    y = Linear(*padded([v for some in values.values() for v in some]), *frame.y)
    lines = [polyline(_points(values["before"], -seen, x, y), class_=LINES[0][2])]
    for key, _, style in LINES[1:]:
        joined = [before[-1], *values[key]] if before else values[key]
        lines.append(polyline(_points(joined, -1 if before else 0, x, y), class_=style))
    origin = _moment(example["times"][seen]) if example["times"] else ""
    series = f"{shorten(clean(example['series']), 30)}, " if example["series"] else ""
    return drawing(
        f"forecast-{number}",
        frame.width,
        frame.height,
        left_axis(frame, y, shorten(clean(target), 40)),
        bottom_axis(frame, x, f"steps from {series}{origin}" if origin else f"{series}steps from the origin"),
        line(x(0.0), frame.y[0], x(0.0), frame.y[1], class_="ideal"),
        *lines,
        _legend(frame),
        title=f"Forecast {number + 1} of the test part",
        description="What was seen before the forecast, what came after it, and what the model said.",
    )


def _points(values: Sequence[float], first: int, x: Linear, y: Linear) -> list[tuple[float, float]]:
    return [(x(first + i), y(value)) for i, value in enumerate(values)]


def _legend(frame: Frame) -> Markup:
    at, items = frame.height - 8, []
    for place, (_, name, style) in enumerate(LINES):
        left = 2 + place * frame.width / len(LINES)
        items.append(polyline([(left, at - 4), (left + 16, at - 4)], class_=style))
        items.append(text(left + 21, at, name))
    return group(*items, class_="legend")


def _moment(microseconds: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    return moment.strftime("%Y-%m-%d %H:%M").removesuffix(" 00:00")
