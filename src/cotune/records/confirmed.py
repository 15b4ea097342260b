"""What came of the best trials when they were trained again with fresh seeds, as the facts of a study have it."""

from collections.abc import Mapping
from typing import Any


def rank(facts: Mapping[str, Any] | None, trial: int, *, maximize: bool) -> tuple[int, float] | None:
    """Place of a trial among those that were trained again, smaller is better; `None` if it was not, or not to the end.

    One that diverged with some seeds is behind all that did not.

    Args:
        facts: {seeds, finished, trials: {number: {scores, mean, sd, expected, diverged}}}.
    """
    found = confirmed(facts, trial)
    if found is None:
        return None
    return (found["diverged"], -found["mean"] if maximize else found["mean"])


def confirmed(facts: Mapping[str, Any] | None, trial: int) -> dict[str, Any] | None:
    """{scores, mean, sd, expected, diverged} of a trial; `None` where there is none."""
    found = facts["trials"].get(str(trial)) if facts and facts["finished"] else None
    return None if found is None or found["mean"] is None else dict(found)
