"""Confusion matrix: true classes as rows, predicted classes as columns."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from cotune.report.charts.svg import drawing, element, group, number, text
from cotune.report.words import shorten

MOST = 40
"""Classes shown apart; beyond it the rarest confused are merged."""


@dataclass(frozen=True)
class Matrix:
    """Counts by true (row) and predicted (column) class."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


def merged(matrix: Matrix, most: int = MOST) -> Matrix:
    """`matrix` with all but the `most` - 1 classes that take part in most mistakes made one: "all others"."""
    size = len(matrix.classes)
    if size <= most:
        return matrix
    rows = matrix.counts
    columns = [sum(row[i] for row in rows) for i in range(size)]
    faults = [sum(rows[i]) + columns[i] - 2 * rows[i][i] for i in range(size)]
    kept = sorted(sorted(range(size), key=lambda i: -faults[i])[: most - 1])
    place = {c: i for i, c in enumerate(kept)}
    counts = [[0] * most for _ in range(most)]
    for i, row in enumerate(rows):
        for j, n in enumerate(row):
            counts[place.get(i, most - 1)][place.get(j, most - 1)] += n
    names = (*(matrix.classes[i] for i in kept), "all others")
    return Matrix(names, tuple(tuple(row) for row in counts))


def confusion(matrix: Matrix, *, unique: str = "confusion") -> Markup:
    """The chart; a cell's strength is its share of the true class, counts are written where there is room."""
    shown = merged(matrix)
    size = len(shown.classes)
    cell = 76.0 if size <= 4 else 54.0 if size <= 8 else 34.0 if size <= 16 else 26.0 if size <= 30 else 17.0
    labels = [shorten(name, 14) for name in shown.classes]
    letter = 6.9
    margin = max(30.0, max(len(label) for label in labels) * letter + 10) + 20
    tilt = any(len(label) * letter > cell - 4 for label in labels)
    top = (margin * (0.8 if cell >= 20 else 1.0) + 8 if tilt else 46.0) + 4
    width = max(margin + size * cell + (margin * 0.55 if tilt else 8), 300.0)
    body = _cells(shown, cell, margin, top)
    return drawing(
        unique,
        width,
        top + size * cell + 6,
        *_labels(labels, cell, margin, top, tilt=tilt),
        group(*body, class_="cells"),
        title="Confusion matrix of the test rows",
        description=_describe(shown.counts),
        kind="chart matrix" if width <= 480 else "chart matrix large",
    )


def _describe(counts: Sequence[Sequence[int]]) -> str:
    right, total = sum(counts[i][i] for i in range(len(counts))), sum(map(sum, counts))
    return (
        f"{right} of {total} test rows are on the diagonal, that is, right. Rows: true; columns: predicted."
    )


def _cells(shown: Matrix, cell: float, left: float, top: float) -> list[Markup]:
    drawn = []
    for i, row in enumerate(shown.counts):
        total = sum(row)
        for j, n in enumerate(row):
            x, y, share = left + j * cell, top + i * cell, n / total if total else 0.0
            kind = "right" if i == j else "wrong"
            tip = element(
                "title", f"{shown.classes[i]} taken for {shown.classes[j]}: {n} ({100 * share:.0f} %)"
            )
            if n:
                strength = f"{0.06 + 0.94 * share:.2f}"
                drawn.append(
                    element(
                        "rect", tip, x=x + 0.5, y=y + 0.5, width=cell - 1, height=cell - 1, class_=kind,
                        fill_opacity=strength,
                    )
                )  # fmt: skip
            if cell >= 34 or (cell >= 22 and n):
                strong = " strong" if share > 0.55 else " none" if n == 0 else ""
                drawn.append(_count(n, x + cell / 2, y + cell / 2, cell, strong))
    return drawn


def _count(n: int, x: float, y: float, cell: float, kind: str) -> Markup:
    digits = f"{n:,}" if cell >= 54 else str(n)
    size = min(15.0 if cell >= 54 else 11.5, 1.55 * (cell - 3) / max(1, len(digits)))
    return text(
        x,
        y + size * 0.35,
        digits,
        style=f"font-size:{number(size)}px",
        text_anchor="middle",
        class_=f"count{kind}",
    )


def _labels(labels: Sequence[str], cell: float, left: float, top: float, *, tilt: bool) -> list[Markup]:
    drawn = []
    for index, label in enumerate(labels):
        middle = (index + 0.5) * cell
        drawn.append(text(left - 7, top + middle + 4, label, text_anchor="end"))
        x, y = left + middle, top - 7
        if tilt:
            turn = f"rotate({-50 if cell >= 20 else -90} {number(x + 4)} {number(y)})"
            drawn.append(text(x + 4, y, label, transform=turn))
        else:
            drawn.append(text(x, y, label, text_anchor="middle"))
    height = top + len(labels) * cell / 2
    sideways = text(
        12, height, "true", text_anchor="middle", class_="name", transform=f"rotate(-90 12 {number(height)})"
    )
    across = text(left + len(labels) * cell / 2, 13, "predicted", text_anchor="middle", class_="name")
    return [group(*drawn, sideways, across, class_="axis")]
