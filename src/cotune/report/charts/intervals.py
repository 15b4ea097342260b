"""Worths with their intervals, a row each, on one axis: left of 0 hurts, right of it helps."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from cotune.report.charts.axes import LETTER, Frame, bottom_axis
from cotune.report.charts.scales import Linear, padded
from cotune.report.charts.svg import drawing, element, group, line, text
from cotune.report.words import figure, shorten

ROW = 24
"""Pixels."""

REACH = 2.0
"""Intervals may go beyond all means by so many times the means' own span; the rest is cut off at the edge."""


@dataclass(frozen=True)
class Interval:
    """A row: what was compared, its mean and interval, and which way it goes ("helps", "hurts" or "none")."""

    name: str
    mean: float
    low: float | None
    high: float | None
    kind: str


def intervals(rows: Sequence[Interval], *, name: str, width: float, unique: str) -> Markup:
    """The chart.

    Marks differ in shape, not in colour alone: a disc helps, a square hurts, a ring is no effect seen.

    Args:
        name: of the axis.
    """
    longest = int((width * 0.45) / LETTER)
    labels = [shorten(row.name, longest) for row in rows]
    left = max((len(label) * LETTER for label in labels), default=0.0) + 14
    frame = Frame(width, 20 + ROW * len(rows) + 48, left=left, right=18, top=8, bottom=48)
    x = Linear(*ends(rows), *frame.x)
    zero = line(x(0.0), frame.y[0], x(0.0), frame.y[1], class_="zero")
    drawn = [
        _row(row, label, frame.top + ROW * (i + 0.75), x, frame)
        for i, (row, label) in enumerate(zip(rows, labels, strict=True))
    ]
    helps, hurts, unseen = (sum(row.kind == kind for row in rows) for kind in ("helps", "hurts", "none"))
    told = f"{helps} help, {hurts} hurt, of {unseen} no effect was seen"
    return drawing(
        unique,
        frame.width,
        frame.height,
        zero,
        *drawn,
        bottom_axis(frame, x, name, count=5),
        title=f"{name} of {len(rows)} techniques",
        description=f"{told}; the figures are in the table below.",
    )


def ends(rows: Sequence[Interval]) -> tuple[float, float]:
    """Ends of the axis: all means and 0, and of the intervals what does not press them together."""
    means = [0.0, *(row.mean for row in rows)]
    reach = REACH * (max(means) - min(means)) or max(
        (row.high - row.low for row in rows if row.high is not None and row.low is not None), default=0.0
    )
    low, high = min(means) - reach, max(means) + reach
    inside = [min(max(end, low), high) for row in rows for end in (row.low, row.high) if end is not None]
    return padded([*means, *inside])


def _row(row: Interval, label: str, y: float, x: Linear, frame: Frame) -> Markup:
    span = "" if row.low is None or row.high is None else f" ({figure(row.low)} to {figure(row.high)})"
    parts = [
        element("title", f"{row.name}: {figure(row.mean)}{span}"),
        text(frame.left - 10, y + 4, label, text_anchor="end", class_="technique"),
        line(frame.left, y, frame.x[1], y, class_="grid"),
    ]
    if row.low is not None and row.high is not None:
        parts.append(line(x(row.low), y, x(row.high), y, class_=f"worth {row.kind}"))
    at = x(row.mean)
    if row.kind == "hurts":
        parts.append(element("rect", x=at - 4, y=y - 4, width=8, height=8, class_="worth hurts"))
    else:
        parts.append(element("circle", cx=at, cy=y, r=4.5, class_=f"worth {row.kind}"))
    return group(*parts)
