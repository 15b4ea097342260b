"""Where a trial of population based training comes from: the schedule of settings that its networks went through."""

from collections.abc import Mapping, Sequence
from typing import Any

from cotune.records.view import StudyView


def lineage(view: StudyView, number: int) -> list[dict[str, Any]]:
    """The stretches that a trial's networks went through, the first ancestor's first; empty without ancestors.

    Each has trial, from_epoch and to_epoch (it trained the epochs between them, the last included), params, and
    changed: the names of those that are not as in the stretch before.
    """
    if number not in view.parents:
        return []
    trials = {trial.number: trial for trial in view.trials}
    steps: list[dict[str, Any]] = []
    until = trials[number].epochs
    at: int | None = number
    while at is not None:
        parent = view.parents.get(at)
        begun = 0 if parent is None else parent.epoch
        params = dict(trials[at].params)
        before = {} if parent is None else trials[parent.trial].params
        changed = [] if parent is None else [name for name in params if params[name] != before.get(name)]
        steps.append(
            {"trial": at, "from_epoch": begun, "to_epoch": until, "params": params, "changed": changed}
        )
        at, until = (None, 0) if parent is None else (parent.trial, parent.epoch)
    return steps[::-1]


def schedule(steps: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """A lineage as header and rows: the parameters that ever changed, stretch by stretch."""
    names = [name for name in steps[-1]["params"] if any(name in step["changed"] for step in steps)]
    rows = [
        [f"trial {step['trial']}, epochs {step['from_epoch'] + 1}–{step['to_epoch']}"]
        + [step["params"].get(name) for name in names]
        for step in steps
    ]
    return ["lineage", *names], rows
