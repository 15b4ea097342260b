"""What a study that generates has to show: samples, figures beside an untrained generator's, modes, findings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cotune.records.view import StudyView
from cotune.report import facts
from cotune.report.tables import Table
from cotune.report.words import MISSING, figure, metric, percent

LISTED = 30
"""Columns, or modes, in a table."""


@dataclass(frozen=True)
class Generated:
    """The section of samples.

    Args:
        picture: a data URI of a grid of images; "" for a table.
        rows: samples of a table; no rows for images.
        figures: of the generator and of one that has learned nothing.
        modes, columns: see `cotune.study.generation.collapse` and `cotune.study.generation.likeness`; no rows where
            there are none.
        findings: what a reader must know.
        sentences: what else is known.
    """

    picture: str
    rows: Table
    figures: Table
    modes: Table
    columns: Table
    findings: tuple[str, ...]
    sentences: tuple[str, ...]


def generated(view: StudyView) -> Generated | None:
    """What a study has generated; `None` where it predicts, or has not ended."""
    found = facts.result(view).get("generation")
    if not found:
        return None
    shown = found.get("rows") or {"columns": [], "cells": []}
    return Generated(
        picture=str(found.get("picture") or ""),
        rows=Table(
            "Rows that the generator made.",
            tuple(shown["columns"]),
            tuple(tuple(MISSING if cell is None else cell for cell in row) for row in shown["cells"]),
        ),
        figures=_figures(found),
        modes=_modes(found),
        columns=_columns(found.get("likeness")),
        findings=tuple(found["findings"]),
        sentences=tuple(_sentences(found.get("likeness"))),
    )


def _figures(found: Mapping[str, Any]) -> Table:
    rows = tuple(
        (metric(name), figure(value), figure(found["untrained"].get(name)))
        for name, value in found["test"].items()
    )
    return Table(
        "Generated rows against test rows.", ("figure", "generator", "untrained"), rows, frozenset({1, 2})
    )


def _modes(found: Mapping[str, Any]) -> Table:
    modes = found["modes"]
    together = zip(modes["names"], modes["real"], modes["made"], strict=True)
    rows = tuple((str(name), percent(real), percent(made)) for name, real, made in together)[:LISTED]
    caption = f"Shares of each {modes['kind']}, by the judge."
    return Table(caption, (modes["kind"], "real rows", "generated"), rows, frozenset({1, 2}))


def _columns(found: Mapping[str, Any] | None) -> Table:
    farthest = sorted((found or {}).get("columns", {}).items(), key=lambda pair: -pair[1])[:LISTED]
    rows = tuple((name, figure(value, 3)) for name, value in farthest)
    caption = "How far each column is from the real one, 0 to 1 (Kolmogorov-Smirnov, or total variation)."
    return Table(caption, ("column", "distance"), rows, frozenset({1}))


def _sentences(found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return []
    told = found["detectability"]
    said = [
        f"A linear classifier tells generated rows from real ones with a ROC AUC of {figure(told['linear'], 3)}, a "
        f"random forest with {figure(told['forest'], 3)}; 0.5 is chance."
    ]
    if found["correlation"] is not None:
        said.append(f"Correlations of numbers differ by {figure(found['correlation'], 3)} on average.")
    return said
