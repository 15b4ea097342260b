"""The frame of a chart: where the drawing goes, gridlines, tick labels and axis names."""

from dataclasses import dataclass

from markupsafe import Markup

from cotune.report.charts.scales import Band, Scale, Tick
from cotune.report.charts.svg import element, group, line, number, text

LETTER = 6.7
"""Width of a 12 px letter, on average, in pixels."""


@dataclass(frozen=True)
class Frame:
    """A chart's size and the margins around its drawing area, in pixels."""

    width: float
    height: float
    left: float = 56
    right: float = 14
    top: float = 26
    bottom: float = 42

    @property
    def x(self) -> tuple[float, float]:
        """Left and right edge of the drawing area."""
        return self.left, self.width - self.right

    @property
    def y(self) -> tuple[float, float]:
        """Lower and upper edge of the drawing area (pixels count downwards)."""
        return self.height - self.bottom, self.top


def left_axis(frame: Frame, scale: Scale, name: str, *, remark: str = "", count: int = 5) -> Markup:
    """Horizontal gridlines with their labels; the axis's name and a remark above them."""
    left, right = frame.x
    parts = [element("text", name, element("tspan", remark, class_="qualifier"), x=0, y=12, class_="name")]
    for tick in scale.ticks(count):
        y = scale(tick.at)
        parts.append(line(left, y, right, y, class_="grid"))
        parts.append(text(left - 8, y + 4, tick.label, text_anchor="end"))
    return group(*parts, class_="axis")


def bottom_axis(frame: Frame, scale: Scale, name: str, *, count: int = 6) -> Markup:
    """The base line, ticks with their labels, and the axis's name, if any, below."""
    base = frame.y[0]
    left, right = frame.x
    parts = [line(left, base, right, base, class_="base")]
    for tick in _sparse(scale, scale.ticks(count)):
        x = scale(tick.at)
        parts.append(line(x, base, x, base + 4, class_="base"))
        parts.append(text(x, base + 18, tick.label, text_anchor="middle"))
    if name:
        parts.append(text(right, base + 35, name, text_anchor="end", class_="name"))
    return group(*parts, class_="axis")


def _sparse(scale: Scale, ticks: tuple[Tick, ...]) -> list[Tick]:
    kept: list[Tick] = []
    for tick in ticks:
        room = LETTER * (len(tick.label) + (len(kept[-1].label) if kept else 0)) / 2 + 6
        if not kept or scale(tick.at) - scale(kept[-1].at) >= room:
            kept.append(tick)
    return kept


def must_tilt(labels: tuple[str, ...], room: float) -> bool:
    """Whether labels side by side need more than `room` pixels each."""
    return any(len(label) * LETTER + 4 > room for label in labels)


def band_axis(frame: Frame, band: Band) -> Markup:
    """The base line, and each category's name below its band, tilted where room is short."""
    base = frame.y[0]
    left, right = frame.x
    parts = [line(left, base, right, base, class_="base")]
    tilt = must_tilt(band.categories, band.step)
    for index, label in enumerate(band.categories):
        x = band.middle(index)
        if tilt:
            turn = f"rotate(-40 {number(x + 3)} {number(base + 14)})"
            parts.append(text(x + 3, base + 14, label, text_anchor="end", transform=turn))
        else:
            parts.append(text(x, base + 18, label, text_anchor="middle"))
    return group(*parts, class_="axis")
