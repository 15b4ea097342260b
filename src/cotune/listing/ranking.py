"""What `cotune leaderboard` and `cotune pareto` print: trials, a row each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cotune.listing.tables import print_table, short


def print_leaderboard(rows: Sequence[Mapping[str, Any]], *, total: int) -> None:
    """A table: rank, trial, status, score, further figures, epochs, and each searched parameter."""
    if not rows:
        print("no trial has started yet")
        return
    names = list(dict.fromkeys(name for row in rows for name in row["params"]))
    again = ["mean ± sd of fresh seeds"] if any(row["confirmed"] for row in rows) else []
    header = ["rank", "trial", "status", str(rows[0]["metric"]), *again, *rows[0]["also"], "epochs", *names]
    lines = [
        [str(row["rank"]), str(row["trial"]), row["status"], short(row["score"])]
        + [mean_and_sd(row["confirmed"]) for _ in again]
        + [*map(short, row["also"].values()), str(row["epochs"])]
        + [short(row["params"].get(name)) for name in names]
        for row in rows
    ]
    print_table(header, lines)
    if total > len(rows):
        print(f"… and {total - len(rows)} more (--top 0 prints all)")


def mean_and_sd(found: Mapping[str, Any] | None) -> str:
    """What came of fresh seeds, in few words."""
    if not found:
        return "–"
    return short(found["mean"]) + (f" ± {found['sd']:.2g}" if found["sd"] is not None else "")


def print_front(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """A table: trial, score, further objectives, what stands out."""
    if not rows:
        print("there is no front: the study has one objective, or no trial with a score yet")
        return
    names = list(rows[0]["objectives"])
    lines = []
    for row in rows:
        said = [word for word, on in (("the model", row["model"]), ("knee", row["knee"])) if on]
        values = [short(row["objectives"][name]) for name in names]
        lines.append([str(row["trial"]), short(row["score"]), *values, ", ".join(said)])
    print_table(["trial", str(rows[0]["metric"]), *names, ""], lines)
    print(f"\nuse another: cotune predict {path} NEW --pick TRIAL")
