"""The report's tables, as rows of text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cotune.records.confirmed import confirmed
from cotune.records.view import StudyView
from cotune.report import facts
from cotune.report.words import MISSING, clean, duration, figure, metric, percent, shorten, value, whole

LEADERS = 20
MOST_COLUMNS = 200
"""Columns of the data listed; a table of thousands helps nobody."""


@dataclass(frozen=True)
class Table:
    """A table: `numeric` are the indices of right-aligned columns, the `marked` row stands out."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    marked: int | None = None


def leaderboard(view: StudyView) -> Table:
    """The leaders with their figures and parameters."""
    leaders = facts.scored(view)[:LEADERS]
    names = [axis.name for axis in facts.axes(view)]
    names += [n for t in leaders for n in t.params if n not in names]
    names = list(dict.fromkeys(names))
    again = view.meta.get("confirmed")
    heads_again = ("mean ± sd of fresh seeds",) if any(confirmed(again, t.number) for t in leaders) else ()
    rows = [
        (
            str(rank),
            str(t.number),
            figure(t.score),
            *(fresh(confirmed(again, t.number)) for _ in heads_again),
            *map(figure, view.also_of(t).values()),
            t.status.value,
            whole(t.epochs),
            duration(t.seconds),
            *(value(t.params[n]) if n in t.params else MISSING for n in names),
        )
        for rank, t in enumerate(leaders, start=1)
    ]
    picked = facts.best(view)
    marked = next((i for i, t in enumerate(leaders) if picked and t.number == picked.number), None)
    heads = (
        "rank",
        "trial",
        metric(view.metric),
        *heads_again,
        *map(metric, view.also),
        "status",
        "epochs",
        "time",
    )
    heads = (*heads, *names)
    status = heads.index("status")
    numeric = {
        len(heads) - len(names) + i
        for i, n in enumerate(names)
        if any(isinstance(t.params.get(n), int | float) for t in leaders)
    }
    caption = f"The best {len(rows)} of {len(view.trials):,} trials, by validation {metric(view.metric)}."
    return Table(
        caption, heads, tuple(rows), frozenset({*range(status), status + 1, status + 2} | numeric), marked
    )


def fresh(found: Mapping[str, Any] | None) -> str:
    """What came of fresh seeds."""
    if found is None:
        return MISSING
    return figure(found["mean"]) + (f" ± {figure(found['sd'])}" if found["sd"] is not None else "")


def test_figures(view: StudyView) -> Table:
    """Every figure measured on the test rows."""
    result = facts.result(view)
    test, alone = result.get("test") or {}, (result.get("single") or {}).get("test")
    rows = tuple(
        (metric(name), figure(found), *(() if alone is None else (figure(alone.get(name)),)))
        for name, found in test.items()
    )
    heads = ("figure", "test", *(() if alone is None else (f"trial {result['trial']} alone, as trained",)))
    others = result.get("baselines") or ()
    rows = tuple(
        (*row, *(figure(each["test"].get(name)) for each in others))
        for row, name in zip(rows, test, strict=True)
    )
    heads = (*heads, *(each["words"] for each in others))
    return Table(
        "Figures on the test rows, used once, at the end.", heads, rows, frozenset(range(1, len(heads)))
    )


def columns(view: StudyView) -> Table:
    """The columns of the data."""
    data = view.meta.get("data") or {}
    found = data.get("columns") or []
    total = data.get("rows")
    rows = []
    for column in found[:MOST_COLUMNS]:
        gaps = column.get("missing")
        share = f" ({percent(gaps / total)})" if gaps and total else ""
        rows.append(
            (
                clean(column.get("name")),
                clean(column.get("kind") or MISSING),
                whole(gaps) + share,
                whole(column.get("distinct")),
                clean(column.get("note") or ""),
            )
        )
    more = f"; the first {MOST_COLUMNS} of {len(found):,}" if len(found) > MOST_COLUMNS else ""
    heads = ("column", "kind", "missing", "distinct values", "note")
    return Table(f"Columns of the data{more}.", heads, tuple(rows), frozenset({2, 3}))


def parts(view: StudyView) -> Table:
    """How many rows each part has."""
    sizes = (view.meta.get("data") or {}).get("parts") or {}
    rows = [(name, whole(sizes[name])) for name in ("train", "validation", "test") if name in sizes]
    if sizes.get("folds") and sizes["folds"] > 1:
        rows.append(("folds", whole(sizes["folds"])))
    return Table("How the rows were divided.", ("part", "rows"), tuple(rows), frozenset({1}))


def mistakes(classes: Sequence[str], counts: Sequence[Sequence[int]], most: int = 8) -> Table:
    """The most frequent confusions."""
    found = [(n, i, j) for i, row in enumerate(counts) for j, n in enumerate(row) if i != j and n]
    found.sort(key=lambda f: (-f[0], f[1], f[2]))
    rows = tuple(
        (shorten(classes[i], 40), shorten(classes[j], 40), whole(n), percent(n / sum(counts[i])))
        for n, i, j in found[:most]
    )
    heads = ("true class", "taken for", "rows", "of the true class")
    return Table("The most frequent mistakes on the test rows.", heads, rows, frozenset({2, 3}))
