"""What `cotune show` prints, and the last lines of a run."""

from pathlib import Path

from cotune.listing.kinds import NEW, kind_of
from cotune.listing.ranking import mean_and_sd
from cotune.listing.tables import short
from cotune.records import StudyView
from cotune.report.facts import generates, made_rows
from cotune.report.forecasts import beside_baselines
from cotune.report.front import front
from cotune.report.made import is_ensemble, whose
from cotune.types import Status


def print_summary(view: StudyView) -> None:
    """What `cotune show` says."""
    summary = view.summary()
    best, counts = summary["best"], summary["trials"]
    print(
        f"{view.meta['name']}: {summary['task']}{_of_target(view)}, {summary['direction']} {summary['metric']}"
    )
    if best is None:
        print("best      none yet")
    else:
        single, model = summary["single_test_score"], summary["model"]
        test = "not tested yet" if single is None else f"test {short(single)}"
        print(f"best      trial {best['trial']}: validation {short(best['score'])}, {test}")
        if best["confirmed"]:
            seeds = len(best["confirmed"]["scores"])
            said = f"{mean_and_sd(best['confirmed'])} with {seeds} fresh seeds"
            print(f"expect    validation {short(best['confirmed']['expected'])}; {said}")
        if model is not None and is_ensemble(view.meta["result"]):
            said = f"validation {short(model['score'])}, test {short(best['test_score'])}"
            print(f"model     {whose(view.meta['result'])}, {model['networks']} networks: {said}")
        if model is not None and model["temperature"] is not None:
            before, after = map(short, model["log_loss"])
            by = f"temperature {short(model['temperature'])}"
            print(f"scaled    probabilities by {by}: validation log loss {before} → {after}")
        if model is not None and model["threshold"] is not None:
            print(f"labels    positive above a probability of {short(model['threshold'])}")
    for line in beside_the_score(view):
        print(line)
    for line in beside_baselines(view):
        print(f"against   {line}")
    for sentence in summary["findings"]:
        print(f"noticed   {sentence}")
    training = sum(trial.status is Status.RUNNING for trial in view.trials)
    words = [f"{count} {word}" for word, count in counts.items()] + (
        [f"{training} in training"] if training else []
    )
    print("trials    " + ", ".join(words))
    used = summary["capacity_used"]
    capacity = "" if used is None else f", {used:.0%} of the capacity used"
    print(f"work      {summary['lane_steps']:,} lane-steps in {summary['seconds']:.1f} s{capacity}")
    print(f"ended     {view.meta.get('finished') or 'not yet: `cotune resume` goes on'}")


def _of_target(view: StudyView) -> str:
    return "" if generates(view) else f" of {view.meta['target']}"


def beside_the_score(view: StudyView) -> list[str]:
    """Lines of the front, and of the best trial's costs beside their limits, where there are any."""
    lines, members, best = [], front(view), next(iter(view.ranked()), None)
    if members:
        names, knee = ", ".join([view.metric, *view.objectives]), next(m for m in members if m.knee)
        few = ", ".join(str(member.result.number) for member in members[:SHOWN])
        more = ", …" if len(members) > SHOWN else ""
        lines.append(f"front     {len(members)} trials by {names}: {few}{more}; knee {knee.result.number}")
    limits = view.meta.get("at_most") or {}
    if limits and best is not None and best.number in view.costs:
        costs = view.costs[best.number]
        said = ", ".join(f"{name} {costs[name]:g} of at most {limit:g}" for name, limit in limits.items())
        lines.append(f"limits    {said}")
    return lines


SHOWN = 12
"""Trials of a front in one line."""


def print_conclusion(view: StudyView, path: Path, report: Path) -> None:
    """The last lines of a run."""
    print_summary(view)
    if report.exists():
        print(f"report    {report}")
        if generates(view):
            print(f"use       cotune sample {path} -n 100 -o {made_rows(view)}")
            return
        new, what = NEW[kind_of(view)]
        print(f"use       cotune predict {path} {new} -o predictions.csv{what}")
    if not view.meta.get("finished"):
        print(f"go on     cotune resume {path}")
