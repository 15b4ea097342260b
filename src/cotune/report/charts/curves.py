"""One line a trial over its epochs."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from cotune.report.charts.axes import Frame, bottom_axis, left_axis
from cotune.report.charts.scales import Linear, Log, Scale, padded
from cotune.report.charts.svg import drawing, element, group, polyline, text
from cotune.report.charts.thin import thin


@dataclass(frozen=True)
class Curve:
    """A trial's figure by epoch."""

    number: int
    points: tuple[tuple[int, float], ...]


def curves(lines: Sequence[Curve], *, name: str, unique: str, width: float = 480) -> Markup:
    """The chart: `lines` in the order of rank, the best drawn last and thickest."""
    frame = Frame(width, 300, bottom=66)
    drawn = [Curve(c.number, tuple(thin(c.points, 200))) for c in lines]
    epochs = max(epoch for c in drawn for epoch, _ in c.points)
    x = Linear(1.0, max(2.0, epochs), *frame.x)
    y = _value_scale([figure for c in drawn for _, figure in c.points], frame)
    paths = [
        _path(curve, x, y, rank) for rank, curve in reversed(list(enumerate(drawn)))
    ]  # the best last, so that it lies on top
    return drawing(
        unique,
        width,
        frame.height,
        left_axis(frame, y, name),
        bottom_axis(frame, x, "epoch", count=6),
        *paths,
        _legend(drawn, frame),
        title=f"{name[0].upper()}{name[1:]} by epoch",
        description="Trials " + ", ".join(str(c.number) for c in drawn) + ", best first.",
    )


def _value_scale(figures: list[float], frame: Frame) -> Scale:
    low, high = min(figures), max(figures)
    if low > 0 and high / low > 30:
        return Log(low * 0.9, high * 1.1, *frame.y)
    return Linear(*padded(figures), *frame.y)


def _path(curve: Curve, x: Scale, y: Scale, rank: int) -> Markup:
    points = [(x(epoch), y(figure)) for epoch, figure in curve.points]
    if len(points) == 1:
        (cx, cy) = points[0]
        return element("circle", cx=cx, cy=cy, r=3, class_=f"dot leader-{rank}")
    return polyline(points, class_=f"line leader-{rank}")


def _legend(drawn: Sequence[Curve], frame: Frame) -> Markup:
    room = (frame.width - 4) / max(5, len(drawn))
    y = frame.height - 8
    items = []
    for rank, curve in enumerate(drawn):
        x = 2 + rank * room
        items.append(polyline([(x, y - 4), (x + 16, y - 4)], class_=f"line leader-{rank}"))
        items.append(text(x + 21, y, f"trial {curve.number}"))
    return group(*items, class_="legend")
