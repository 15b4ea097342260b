"""What each technique was worth: the section of the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from markupsafe import Markup

from cotune.records.ablation import HELPS, HURTS, Ablation, Worth
from cotune.report.charts.intervals import Interval, intervals
from cotune.report.tables import Table
from cotune.report.words import MISSING, clean, count, figure, metric, value
from cotune.types import Value

KINDS = {HELPS: "helps", HURTS: "hurts"}


@dataclass(frozen=True)
class Section:
    """Its parts."""

    sentence: str
    chart: Markup
    caption: str
    tables: tuple[Table, ...]
    not_tried: tuple[str, ...]


def worths(found: Ablation) -> Section:
    """The section of an ablation."""
    return Section(_sentence(found), _chart(found), _caption(found), _tables(found), _not_tried(found))


def _sentence(found: Ablation) -> str:
    name = metric(found.metric)
    known = [score for score in found.scores if score is not None]
    told = [sum(w.direction == direction for w in found.worths) for direction in (HELPS, HURTS)]
    rest = len(found.worths) - sum(told)
    folds = f" × {found.folds} folds" if found.folds > 1 else ""
    early = (
        "" if found.ended == "complete" else f" It ended early ({found.ended}): {found.seeds} were asked for."
    )
    return (
        f"The winner, trial {found.trial}, was trained with {count(found.done, 'fresh seed')}{folds} "
        f"(validation {name} {figure(fmean(known)) if known else MISSING}), and with the same seeds without each of "
        f"its techniques, or with one more. {told[0]} of {count(len(found.worths), 'technique')} helped, "
        f"{told[1]} hurt; of {rest} no effect was seen.{early}"
    )


def _chart(found: Ablation) -> Markup:
    rows = [
        Interval(_name(w), w.worth, w.low, w.high, KINDS.get(w.direction, "none"))
        for w in found.worths
        if w.worth is not None
    ]
    if not rows:
        return Markup("")
    made = [
        Markup('<div class="{}">{}</div>').format(
            kind,
            intervals(rows, name=f"worth in {metric(found.metric)}", width=width, unique=f"worths-{kind}"),
        )
        for kind, width in (("wide", 960), ("narrow", 420))
    ]
    return Markup("").join(made)


def _name(worth: Worth) -> str:
    return f"{'+' if worth.added else '−'} {worth.technique}"


def _caption(found: Ablation) -> str:
    turned = "" if found.maximize else ", turned round, as less is better"
    return (
        f"Worth: {metric(found.metric)} on the validation rows with the technique minus without{turned}; right of the "
        "dashed line it is better with it. − was in use and taken out, + was put in. Lines are 95 % intervals over "
        "seeds: they hold the chance of training (first weights, order of rows, masks), not that of other rows. "
        "● helps and ■ hurts, where that holds for all that were taken out, or put in, at once (Holm, 5 %); ○ no "
        "effect seen. Nothing else was tuned anew."
    )


def _tables(found: Ablation) -> tuple[Table, ...]:
    asked = (
        (False, "Taken out, one by one: the worth of each technique in use, highest first."),
        (
            True,
            "Put in, one by one: the worth of each technique that the winner does without, highest first.",
        ),
    )
    some = [(caption, [w for w in found.worths if w.added is added]) for added, caption in asked]
    return tuple(_table(caption, rows, found.metric) for caption, rows in some if rows)


def _table(caption: str, worths: Sequence[Worth], scored: str) -> Table:
    rows = tuple(
        (
            clean(w.technique),
            clean(w.kind),
            _changes(w),
            figure(w.worth),
            MISSING if w.low is None else f"{figure(w.low)} to {figure(w.high)}",
            _probability(w.p),
            _probability(w.p_holm),
            w.direction + (f": {w.note}" if w.note else ""),
        )
        for w in worths
    )
    heads = ("technique", "kind", "the winner with", f"worth in {metric(scored)}", "95 % interval", "p",
             "p, Holm", "what follows")  # fmt: skip
    return Table(caption, heads, rows, frozenset({3, 4, 5, 6}))


def _changes(worth: Worth) -> str:
    return ", ".join(f"{clean(key)} {_shown(key, worth.changes)}" for key in worth.changes)


def _shown(key: str, changes: Mapping[str, Value]) -> str:
    return MISSING if changes[key] is None else value(changes[key])


def _probability(p: float | None) -> str:
    if p is None:
        return MISSING
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"


def _not_tried(found: Ablation) -> tuple[str, ...]:
    lines = [f"{clean(s.technique)} ({clean(s.kind)}): {clean(s.reason)}" for s in found.skipped]
    if found.alternatives:
        kinds = ", ".join(f"{n:,} of {clean(kind)}" for kind, n in found.alternatives.items())
        lines.append(
            f"Alternatives to what the winner has: {kinds}. `cotune ablate DIR --kind KIND` tries them."
        )
    return tuple(lines)
