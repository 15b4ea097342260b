"""An ablation of some kinds of techniques beside an earlier one of others: both are kept where they belong together."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from cotune.errors import StudyCorrupt
from cotune.records.ablation import Ablation, read_ablation
from cotune.study.ablation.candidates import ALL
from cotune.study.ablation.worth import ranked

SAME = ("trial", "config", "metric", "seeds", "done", "folds", "epochs")
"""Fields in which two ablations agree whose rows can stand in one table: they share winner, seeds and epochs."""


def with_earlier(
    found: Ablation, path: Path, kinds: Sequence[str], *, say: Callable[[str], None]
) -> Ablation:
    """An ablation with the rows that an earlier one has of kinds that were not asked for now.

    Holm's correction is done anew, for all rows together.

    Args:
        path: the file of the earlier one; there may be none.
        kinds: that were asked for now; none, or `ALL`, for all.
        say: told what becomes of the earlier rows.
    """
    earlier = _read(path)
    if earlier is None:
        return found
    whole = not kinds or ALL in kinds
    other = [name for name in SAME if getattr(earlier, name) != getattr(found, name)]
    if whole or other:
        why = "all kinds were asked for" if whole else f"it has another {_words(other[0], earlier, found)}"
        say(f"the ablation that {path.name} held is replaced: {why}")
        return found
    kept = [row for row in earlier.worths if row.kind not in kinds]
    if kept:
        say(f"{len(kept)} earlier rows of other kinds are kept; Holm's correction is for all together")
    left = {**earlier.alternatives, **found.alternatives}
    return replace(
        found,
        networks=found.networks + len(kept) * found.done * found.folds,
        seconds=round(found.seconds + earlier.seconds, 3) if kept else found.seconds,
        worths=ranked([*kept, *found.worths]),
        skipped=(*(row for row in earlier.skipped if row.kind not in kinds), *found.skipped),
        alternatives={
            kind: left[kind] for kind in sorted(left) if kind in found.alternatives or kind not in kinds
        },
    )


def _read(path: Path) -> Ablation | None:
    try:
        return read_ablation(path)
    except StudyCorrupt:  # it is about to be made anew
        return None


def _words(name: str, earlier: Ablation, found: Ablation) -> str:
    if name == "config":
        return "winner"
    words = {"done": "number of complete seeds", "seeds": "number of seeds", "trial": "winner"}.get(
        name, name
    )
    return f"{words} ({getattr(earlier, name)}, now {getattr(found, name)})"
