"""Predicted against actual values."""

from collections.abc import Sequence

from markupsafe import Markup

from cotune.report.charts.axes import Frame, bottom_axis, left_axis
from cotune.report.charts.scales import Linear, padded
from cotune.report.charts.svg import dots, drawing, line
from cotune.report.charts.thin import thin


def scatter(actual: Sequence[float], predicted: Sequence[float], *, unique: str = "scatter") -> Markup:
    """The chart: a dot a test row, the diagonal where prediction and truth agree."""
    frame = Frame(480, 400)
    low, high = padded([*actual, *predicted])
    x, y = Linear(low, high, *frame.x), Linear(low, high, *frame.y)
    pairs = thin(list(zip(actual, predicted, strict=True)), 3000)
    return drawing(
        unique,
        frame.width,
        frame.height,
        left_axis(frame, y, "predicted", count=6),
        bottom_axis(frame, x, "actual", count=6),
        line(x(low), y(low), x(high), y(high), class_="ideal"),
        dots([(x(a), y(p)) for a, p in pairs], "rows"),
        title="Predicted against actual, test rows",
        description=f"{len(actual)} test rows; on the diagonal the prediction is exact.",
    )
