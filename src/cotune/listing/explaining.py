"""What `cotune explain` says of one trial."""

import statistics
from collections.abc import Mapping
from typing import Any

from cotune.errors import RecipeError
from cotune.listing.kinds import kind_of
from cotune.listing.tables import print_table, short
from cotune.recipe import make
from cotune.recipe.schema import domains, foreign
from cotune.recipe.settings import Domain
from cotune.records import StudyView
from cotune.records.lineage import lineage, schedule
from cotune.report.facts import generates
from cotune.report.foresight import forecast, forecast_line
from cotune.space import from_recipe
from cotune.study.rules.mending import mended
from cotune.study.rules.rule import Given
from cotune.types import TrialResult


def explain_trial(view: StudyView, number: int) -> dict[str, Any]:
    """What one trial was and how it went, against the others.

    Raises:
        RecipeError: there is no such trial.
    """
    found = next((trial for trial in view.trials if trial.number == number), None)
    if found is None:
        count = len(view.trials)
        known = f"trials 0 to {count - 1}" if count else "no trial yet"
        raise RecipeError(
            f"there is no trial {number}: the study has {known} (`cotune leaderboard` lists them)"
        )
    ranked = [trial.number for trial in view.ranked()]
    return {
        "trial": number,
        "rank": ranked.index(number) + 1,
        "of": len(ranked),
        "status": found.status.value,
        "reason": found.reason,
        "score": found.score,
        "metric": view.metric,
        "also": view.also_of(found),
        "params": dict(found.params),
        "fixed": _fixed(view, found),
        "mended": _mended(view, found),
        "epochs": found.epochs,
        "seconds": round(found.seconds, 3),
        "lanes": len({record.lane for record in view.records.get(number, ())}),
        "best_epoch": view.best_epoch(found),
        "curve": view.figures_of(found),
        "forecast": forecast(view, found),
        "peers": _peers(view, found),
        "lineage": lineage(view, number),
    }


def _fixed(view: StudyView, trial: TrialResult) -> dict[str, Any]:
    """Values that are the same for all trials, of the keys that have a meaning in this one."""
    found: dict[str, Any] = {}
    for section in ("prepare", "network", *(["generation"] if generates(view) else []), "training"):
        settings = view.meta["resolved"][section]
        found |= {
            k: v for k, v in settings.items() if k not in trial.params and not isinstance(v, list | dict)
        }
    others = foreign(kind_of(view))
    everything, known = {**found, **trial.params}, domains()
    return {
        name: value
        for name, value in found.items()
        if name not in others and (name not in known or _has_meaning(known[name][1], everything))
    }


def _has_meaning(domain: Domain, values: Mapping[str, Any]) -> bool:
    return domain.when is None or values.get(domain.when[0]) in domain.when[1]


def _mended(view: StudyView, trial: TrialResult) -> list[str]:
    """What was changed in the trial's configuration because it made no sense, a sentence each."""
    given = view.meta.get("given")
    if given is None:
        return []
    config = from_recipe(make(view.meta["resolved"])).complete(trial.params)
    found = mended(config, Given(**{**given, "metrics": tuple(given["metrics"])}))[1]
    return [each.words for each in found]


def _peers(view: StudyView, trial: TrialResult) -> dict[str, Any]:
    """Where the trial stood among those that reached its last epoch, and each parameter's median among the best."""
    epoch = trial.epochs
    figures = [figure for t in view.trials for e, _, figure in t.curve if e == epoch]
    leaders = [t for t in view.ranked() if t.score is not None][:10]
    medians: dict[str, Any] = {}
    for name, value in trial.params.items():
        values = [t.params[name] for t in leaders if name in t.params]
        numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        if isinstance(value, int | float) and not isinstance(value, bool) and numbers:
            medians[name] = statistics.median(numbers)
        elif values:
            medians[name] = statistics.mode(values)
    return {
        "epoch": epoch,
        "reached_it": len(figures),
        "median": statistics.median(figures) if figures else None,
        "leaders": len(leaders),
        "leaders_have": medians,
    }


def print_explanation(facts: Mapping[str, Any]) -> None:
    """What `cotune explain` says."""
    print(f"trial {facts['trial']}: {facts['status']} ({facts['reason'] or 'in training'})")
    print(
        f"{facts['metric']} {short(facts['score'])}, rank {facts['rank']} of {facts['of']}, "
        f"best at epoch {facts['best_epoch'] or '–'} of {facts['epochs']}, {facts['seconds']:.1f} s"
    )
    if facts["also"]:
        print(
            "at that epoch " + ", ".join(f"{name} {short(figure)}" for name, figure in facts["also"].items())
        )
    peers = facts["peers"]
    if peers["median"] is not None:
        print(
            f"of {peers['reached_it']} trials that reached epoch {peers['epoch']}, "
            f"the median had {short(peers['median'])}"
        )
    if facts["forecast"] is not None:
        print(forecast_line(facts["forecast"]))
    lines = [
        [name, short(value), short(peers["leaders_have"].get(name))]
        for name, value in facts["params"].items()
    ]
    if lines:
        print()
        count = peers["leaders"]
        best = f"typical of the {count} best" if count > 1 else "the best"
        print_table(["parameter", "this trial", best], lines)
    if facts["lineage"]:
        print("\nits networks began as copies of others, which had been trained with other settings")
        header, rows = schedule(facts["lineage"])
        print_table(header, [[row[0], *map(short, row[1:])] for row in rows])
    for sentence in facts["mended"]:
        print(f"mended: {sentence}")
    fixed = ", ".join(f"{name}={short(value)}" for name, value in facts["fixed"].items())
    print(f"\nthe same for all trials: {fixed}")
