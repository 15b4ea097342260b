"""Histogram of residuals (predicted − actual)."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from cotune.report.charts.axes import Frame, bottom_axis, left_axis
from cotune.report.charts.scales import Linear, padded
from cotune.report.charts.svg import drawing, element, line


def bins(values: Sequence[float], number: int) -> tuple[float, float, list[int]]:
    """(low, width of a bin, counts) of equal bins that hold all values."""
    low, high = padded(values, share=0.001)
    width = (high - low) / number
    counts = [0] * number
    for value in values:
        counts[min(number - 1, max(0, math.floor((value - low) / width)))] += 1
    return low, width, counts


def histogram(values: Sequence[float], *, name: str, unique: str = "residuals") -> Markup:
    """The chart; zero is marked."""
    frame = Frame(480, 400)
    low, width, counts = bins(values, min(41, max(7, round(math.sqrt(len(values)) / 2) * 2 + 1)))
    high = low + width * len(counts)
    x = Linear(low, high, *frame.x)
    y = Linear(0.0, max(counts) * 1.05, *frame.y)
    bars = []
    for index, n in enumerate(counts):
        left, right = x(low + index * width), x(low + (index + 1) * width)
        tip = element("title", f"{n} rows")
        size = {"x": left + 0.5, "y": y(n), "width": max(0.5, right - left - 1), "height": frame.y[0] - y(n)}
        bars.append(element("rect", tip, class_="bar", **size))
    zero = [line(x(0.0), frame.y[0], x(0.0), frame.y[1], class_="ideal")] if low <= 0 <= high else []
    return drawing(
        unique,
        frame.width,
        frame.height,
        left_axis(frame, y, "test rows", count=5),
        *bars,
        *zero,
        bottom_axis(frame, x, name, count=6),
        title=f"Histogram of {name}",
        description=f"{len(values)} test rows in {len(counts)} bins.",
    )
