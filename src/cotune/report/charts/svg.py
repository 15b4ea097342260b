"""SVG elements, every text and attribute escaped."""

from collections.abc import Iterable

from markupsafe import Markup, escape

from cotune.report.words import clean

Attribute = str | float

CROWD = 500
"""Dots in one path from which on they are drawn smaller."""


def number(value: float) -> str:
    """A coordinate, to a tenth of a pixel."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def element(name: str, *children: str, **attributes: Attribute) -> Markup:
    """`<name attributes>children</name>`; `_` in attribute names stands for `-`, plain text is escaped."""
    parts = []
    for key, value in attributes.items():
        shown = clean(value) if isinstance(value, str) else number(value)
        parts.append(f' {key.rstrip("_").replace("_", "-")}="{escape(shown)}"')
    inside = "".join(child if isinstance(child, Markup) else escape(clean(child)) for child in children)
    return Markup(f"<{name}{''.join(parts)}>{inside}</{name}>")


def group(*children: str, **attributes: Attribute) -> Markup:
    """A `<g>`."""
    return element("g", *children, **attributes)


def text(x: float, y: float, words: str, **attributes: Attribute) -> Markup:
    """A `<text>` at a point."""
    return element("text", words, x=x, y=y, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: Attribute) -> Markup:
    """A straight line, as a path: shorter than `<line>`."""
    return element("path", d=f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}", **attributes)


def polyline(points: Iterable[tuple[float, float]], **attributes: Attribute) -> Markup:
    """Points joined by straight lines."""
    joined = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return element("path", d=f"M{joined}" if joined else "", **attributes)


def dots(points: Iterable[tuple[float, float]], kind: str) -> Markup:
    """Many equal dots as one path of zero-length strokes with round caps: a dozen bytes a dot."""
    places = [f"M{number(x)} {number(y)}h0" for x, y in points]
    kind = f"dots {kind}" + (" many" if len(places) > CROWD else "")
    return element("path", d="".join(places), class_=kind) if places else Markup("")


def drawing(
    name: str, width: float, height: float, *body: str, title: str, description: str, kind: str = "chart"
) -> Markup:
    """A whole SVG with its name and description for those who do not see it."""
    return element(
        "svg",
        element("title", title, id=f"{name}-title"),
        element("desc", description, id=f"{name}-desc"),
        *body,
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=width,
        height=height,
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        class_=kind,
    )
