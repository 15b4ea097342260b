"""What was made of the trained networks after training, in words and as a table."""

from collections.abc import Mapping
from typing import Any

from cotune.records.view import StudyView
from cotune.report import facts
from cotune.report.tables import Table
from cotune.report.words import count, figure, metric, percent, whole

KINDS = {
    "average": "an equal average",
    "weighted": "an average weighted by loss",
    "greedy": "a greedy ensemble",
    "stacking": "a stacked ensemble",
    "soup": "a soup (mean weights)",
    "snapshot": "a snapshot ensemble",
}
"""Ensembles, by the recipe's name."""


def after(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the result says of the time after training; empty in studies of older versions."""
    return result.get("after") or {}


def is_ensemble(result: Mapping[str, Any]) -> bool:
    """Whether the model is more than the best trial at its best epoch."""
    return len(after(result).get("members") or ()) > 1


def whose(result: Mapping[str, Any]) -> str:
    """Who the model is made of: `a greedy ensemble of 7 trials`, `a soup (mean weights) of trial 3 at 2 epochs`."""
    found = after(result)
    members = found.get("members") or ()
    if not is_ensemble(result):
        return f"trial {result.get('trial')}"
    trials = {member["trial"] for member in members}
    kind = KINDS.get(found["ensemble"], found["ensemble"])
    if len(trials) == 1:
        return f"{kind} of trial {min(trials)} at {count(len(members), 'epoch')}"
    further = len(members) - len(trials)
    more = f" and {count(further, 'further epoch')}" if further else ""
    return f"{kind} of {count(len(trials), 'trial')}{more}"


def sentences(view: StudyView) -> list[str]:
    """What was done, a sentence each."""
    result = facts.result(view)
    found, said = after(result), []
    validation = found.get("validation")
    if validation and is_ensemble(result):
        one, together = figure(validation["single"]), figure(validation["ensemble"])
        name = metric(validation["metric"])
        said.append(
            f"The model is {whose(result)}: validation {name} {together}, the best trial alone {one}."
        )
    if calibration := found.get("calibration"):
        before, now = (figure(x) for x in calibration["log_loss"])
        wrong, less = (percent(x) for x in calibration["ece"])
        said.append(
            f"Probabilities are scaled by the temperature {figure(calibration['temperature'], 2)}: validation log loss "
            f"{before} → {now}, calibration error {wrong} → {less}."
        )
    if threshold := found.get("threshold"):
        before, now = figure(threshold["before"]), figure(threshold["after"])
        least, name = figure(threshold["value"], 3), metric(view.metric)
        said.append(f"Labels are positive above {least}: validation {name} {before} → {now}.")
    return [*said, *(f"{note[:1].upper()}{note[1:]}." for note in found.get("notes") or ())]


def members(view: StudyView) -> Table:
    """Who the model is made of, the weightiest first; no rows where it is one trial."""
    result = facts.result(view)
    found = sorted(after(result).get("members") or (), key=lambda m: (-m["weight"], m["trial"]))
    scores = {trial.number: trial.score for trial in view.trials}
    rows = tuple(
        (
            str(member["trial"]),
            "best" if member["epoch"] is None else str(member["epoch"]),
            percent(member["weight"]),
            figure(scores.get(member["trial"])),
        )
        for member in found
    )
    heads = ("trial", "epoch", "weight", f"validation {metric(view.metric)}, alone")
    size = f"{count(result.get('lanes', 0), 'network')}, {whole(result.get('parameters'))} weights"
    caption = f"What the model is made of: {size}."
    return Table(caption, heads, rows if is_ensemble(result) else (), frozenset({0, 2, 3}))
