"""Best score so far against time, every trial a dot."""

from dataclasses import dataclass

from markupsafe import Markup

from cotune.report.charts.axes import Frame, bottom_axis, left_axis
from cotune.report.charts.scales import Linear, score_ends
from cotune.report.charts.svg import dots, drawing, element, group, polyline, text
from cotune.report.charts.thin import thin
from cotune.report.words import figure

UNITS = ((7200.0, 3600.0, "hours"), (120.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))
"""(from how many seconds on, seconds in the unit, name)."""


@dataclass(frozen=True)
class Ended:
    """A trial that has a score: when it ended, and how."""

    number: int
    seconds: float
    score: float
    complete: bool


def best_so_far(ended: list[Ended], *, maximize: bool) -> list[Ended]:
    """Those that were the best when they ended, in the order of time."""
    steps: list[Ended] = []
    for trial in sorted(ended, key=lambda t: (t.seconds, t.number)):
        if not steps or (trial.score > steps[-1].score if maximize else trial.score < steps[-1].score):
            steps.append(trial)
    return steps


def progress(
    ended: list[Ended], *, maximize: bool, until: float, name: str, axis: str, width: float, unique: str
) -> Markup:
    """The chart.

    Args:
        ended: trials with a score.
        until: seconds at which the axis ends.
        name: the figure's name.
        axis: what the time axis counts.
        width: pixels.
        unique: prefix of the ids inside.
    """
    frame = Frame(width, 300)
    _, size, unit = next(u for u in UNITS if until >= u[0])
    x = Linear(0.0, max(until, 1e-3) / size, *frame.x)
    y = Linear(*score_ends([t.score for t in ended], maximize=maximize), *frame.y)
    steps = best_so_far(ended, maximize=maximize)
    last = steps[-1]
    here = {
        flag: [(x(t.seconds / size), y(t.score)) for t in thin(ended, 1500) if t.complete is flag]
        for flag in (True, False)
    }
    marks = [
        element("circle", element("title", f"Trial {t.number}"), cx=x(t.seconds / size), cy=y(t.score), r=3)
        for t in steps[-60:-1]
    ]
    return drawing(
        unique,
        width,
        frame.height,
        left_axis(frame, y, name),
        bottom_axis(frame, x, f"{axis} ({unit})", count=8 if width > 600 else 4),
        dots(here[False], "stopped"),
        dots(here[True], "complete"),
        polyline(_stairs(steps, x, y, size), class_="best-line"),
        element("g", *marks, class_="steps"),
        _last(
            last,
            x(last.seconds / size),
            y(last.score),
            late=x(last.seconds / size) > 0.6 * width,
            below=maximize,
        ),
        title=f"Best {name} so far, against time",
        description=f"{len(ended)} trials; the best, trial {last.number}, reached {figure(last.score)}.",
    )


def _stairs(steps: list[Ended], x: Linear, y: Linear, size: float) -> list[tuple[float, float]]:
    points: list[tuple[float, float]] = []
    for trial in steps:
        here = x(trial.seconds / size)
        if points:
            points.append((here, points[-1][1]))
        points.append((here, y(trial.score)))
    return [*points, (x.stop, points[-1][1])]


def _last(trial: Ended, x: float, y: float, *, late: bool, below: bool) -> Markup:
    shown = text(
        x - 10 if late else x + 10,
        y + 20 if below else y - 12,
        f"trial {trial.number}: {figure(trial.score)}",
        text_anchor="end" if late else "start",
        class_="callout",
    )
    return group(element("circle", cx=x, cy=y, r=5.5, class_="best"), shown)
