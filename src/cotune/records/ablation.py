"""What each technique was worth, as a file of the study: `ablation.json`, derived and so to be had again."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from cotune.errors import StudyCorrupt
from cotune.files import write_text
from cotune.types import Params, Value

HELPS, HURTS, UNSEEN = "helps", "hurts", "no effect seen"
"""The directions of a worth."""


@dataclass(frozen=True)
class Worth:
    """What one technique was worth: the winner against the winner without it, or with it where it was not in use.

    Args:
        technique, kind: as the catalogue has them.
        added: whether the counterpart is the winner with it, rather than without.
        changes: the keys in which the counterpart differs from the winner, with its values.
        scores: the counterpart's, by seed; `None` where it could not be trained.
        worth: mean over seeds of score with − score without, so turned that above 0 is better with it.
        low, high: its 95 % interval.
        p: of the paired t-test that the worth is 0.
        p_holm: the same after Holm's correction for all that were taken out, or for all that were put in.
        direction: `HELPS`, `HURTS` or `UNSEEN`.
        note: what a reader must know besides; may be empty.
        differs: whether any figure of any epoch differed between the two.
    """

    technique: str
    kind: str
    added: bool
    changes: Mapping[str, Value]
    scores: tuple[float | None, ...]
    worth: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    direction: str
    note: str
    differs: bool = True


@dataclass(frozen=True)
class Skipped:
    """A technique that was not tried, and why."""

    technique: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Ablation:
    """What each technique was worth on the study's data.

    Args:
        trial: number of the winner.
        metric, maximize: the figure of all scores, on validation rows.
        seeds: asked for; `done` of them are in the figures.
        folds: each score is the mean over them.
        epochs: that every network was trained.
        networks: that were trained to their end, for all rows.
        seconds: they took.
        ended: "complete", "interrupted" or "time limit".
        config: of the winner.
        scores: the winner's, by seed.
        worths: those taken out, then those put in; of each the highest first.
        skipped: not tried, though asked for.
        alternatives: by kind, how many techniques were left out that would take the place of one in use.
    """

    trial: int
    metric: str
    maximize: bool
    seeds: int
    done: int
    folds: int
    epochs: int
    networks: int
    seconds: float
    ended: str
    config: Params
    scores: tuple[float | None, ...]
    worths: tuple[Worth, ...]
    skipped: tuple[Skipped, ...]
    alternatives: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """As `cotune ablate --json` prints it."""
        return asdict(self)


def write_ablation(ablation: Ablation, path: Path) -> None:
    """Write it; a crash leaves the old file or the new one."""
    write_text(path, json.dumps(ablation.as_json(), indent=1, allow_nan=False) + "\n")


def read_ablation(path: Path) -> Ablation | None:
    """Read it; `None` where there is none.

    Raises:
        StudyCorrupt: the file is damaged.
    """
    if not path.exists():
        return None
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        found = {field.name: tree[field.name] for field in fields(Ablation)}
        found["scores"] = tuple(found["scores"])
        found["worths"] = tuple(Worth(**{**row, "scores": tuple(row["scores"])}) for row in found["worths"])
        found["skipped"] = tuple(Skipped(**row) for row in found["skipped"])
        return Ablation(**found)
    except (OSError, ValueError, KeyError, TypeError) as error:
        law = f"{path} cannot be read ({type(error).__name__}: {error})"
        raise StudyCorrupt(f"{law}; delete it, or make it anew with `cotune ablate {path.parent}`") from None
