"""Numbers in few characters, and tables of them."""

from collections.abc import Sequence
from typing import Any


def short(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.4g}" if value else "0"


def probability(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"


def print_table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[i]) for row in [header, *lines]) for i in range(len(header))]
    for row in [header, *lines]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
