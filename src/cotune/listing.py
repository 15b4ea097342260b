"""What the command line prints about a study."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from cotune.catalogue import Technique
from cotune.errors import RecipeError
from cotune.recipe import make
from cotune.recipe.schema import domains, foreign
from cotune.recipe.settings import Domain
from cotune.records import StudyView
from cotune.records.ablation import Ablation, Worth
from cotune.records.lineage import lineage, schedule
from cotune.report.facts import generates, made_rows
from cotune.report.forecasts import beside_baselines
from cotune.report.foresight import forecast, forecast_line
from cotune.report.front import front
from cotune.report.made import is_ensemble, whose
from cotune.search.structure import FREE, GROUP
from cotune.searched import rows, searched
from cotune.space import from_recipe
from cotune.study.lr_find import LrCurve
from cotune.study.rules.mending import mended
from cotune.study.rules.rule import Given
from cotune.types import Status, TrialResult


def print_leaderboard(rows: Sequence[Mapping[str, Any]], *, total: int) -> None:
    """A table: rank, trial, status, score, further figures, epochs, and each searched parameter."""
    if not rows:
        print("no trial has started yet")
        return
    names = list(dict.fromkeys(name for row in rows for name in row["params"]))
    again = ["mean ± sd of fresh seeds"] if any(row["confirmed"] for row in rows) else []
    header = ["rank", "trial", "status", str(rows[0]["metric"]), *again, *rows[0]["also"], "epochs", *names]
    lines = [
        [str(row["rank"]), str(row["trial"]), row["status"], _number(row["score"])]
        + [mean_and_sd(row["confirmed"]) for _ in again]
        + [*map(_number, row["also"].values()), str(row["epochs"])]
        + [_number(row["params"].get(name)) for name in names]
        for row in rows
    ]
    _print_table(header, lines)
    if total > len(rows):
        print(f"… and {total - len(rows)} more (--top 0 prints all)")


def mean_and_sd(found: Mapping[str, Any] | None) -> str:
    """What came of fresh seeds, in few words."""
    if not found:
        return "–"
    return _number(found["mean"]) + (f" ± {found['sd']:.2g}" if found["sd"] is not None else "")


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
        test = "not tested yet" if single is None else f"test {_number(single)}"
        print(f"best      trial {best['trial']}: validation {_number(best['score'])}, {test}")
        if best["confirmed"]:
            seeds = len(best["confirmed"]["scores"])
            said = f"{mean_and_sd(best['confirmed'])} with {seeds} fresh seeds"
            print(f"expect    validation {_number(best['confirmed']['expected'])}; {said}")
        if model is not None and is_ensemble(view.meta["result"]):
            said = f"validation {_number(model['score'])}, test {_number(best['test_score'])}"
            print(f"model     {whose(view.meta['result'])}, {model['networks']} networks: {said}")
        if model is not None and model["temperature"] is not None:
            before, after = map(_number, model["log_loss"])
            by = f"temperature {_number(model['temperature'])}"
            print(f"scaled    probabilities by {by}: validation log loss {before} → {after}")
        if model is not None and model["threshold"] is not None:
            print(f"labels    positive above a probability of {_number(model['threshold'])}")
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


def print_front(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """A table: trial, score, further objectives, what stands out."""
    if not rows:
        print("there is no front: the study has one objective, or no trial with a score yet")
        return
    names = list(rows[0]["objectives"])
    lines = []
    for row in rows:
        said = [word for word, on in (("the model", row["model"]), ("knee", row["knee"])) if on]
        values = [_number(row["objectives"][name]) for name in names]
        lines.append([str(row["trial"]), _number(row["score"]), *values, ", ".join(said)])
    _print_table(["trial", str(rows[0]["metric"]), *names, ""], lines)
    print(f"\nuse another: cotune predict {path} NEW --pick TRIAL")


def print_conclusion(view: StudyView, path: Path, report: Path) -> None:
    """The last lines of a run."""
    print_summary(view)
    if report.exists():
        print(f"report    {report}")
        if generates(view):
            print(f"use       cotune sample {path} -n 100 -o {made_rows(view)}")
            return
        new, what = NEW[_kind(view)]
        print(f"use       cotune predict {path} {new} -o predictions.csv{what}")
    if not view.meta.get("finished"):
        print(f"go on     cotune resume {path}")


def _of_target(view: StudyView) -> str:
    return "" if generates(view) else f" of {view.meta['target']}"


NEW = {
    "table": ("NEW.csv", ""),
    "forecast": ("NEW.csv", " (NEW.csv: the series up to now)"),
    "image": ("NEW", " (NEW: a folder of images, or a file)"),
    "series": ("NEW.ts", " (NEW.ts: series, or an .npz of arrays)"),
    "text": ("NEW.txt", " (NEW.txt: a text in each line)"),
    "graph": ("NEW", " (NEW: an .npz of a graph, or a folder with edges.csv and nodes.csv)"),
    "tensors": ("NEW.npy", " (NEW.npy: an array of rows)"),
}
"""Kind of data → what stands for new rows, and what that may be."""


def _kind(view: StudyView) -> str:
    """The kind of data; studies from before it was kept were of tables or images."""
    data = view.meta["data"]
    images = any(column["kind"] == "image" for column in data["columns"])
    return str(data.get("kind", "image" if images else "table"))


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
    others = foreign(_kind(view))
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
        f"{facts['metric']} {_number(facts['score'])}, rank {facts['rank']} of {facts['of']}, "
        f"best at epoch {facts['best_epoch'] or '–'} of {facts['epochs']}, {facts['seconds']:.1f} s"
    )
    if facts["also"]:
        print(
            "at that epoch "
            + ", ".join(f"{name} {_number(figure)}" for name, figure in facts["also"].items())
        )
    peers = facts["peers"]
    if peers["median"] is not None:
        print(
            f"of {peers['reached_it']} trials that reached epoch {peers['epoch']}, "
            f"the median had {_number(peers['median'])}"
        )
    if facts["forecast"] is not None:
        print(forecast_line(facts["forecast"]))
    lines = [
        [name, _number(value), _number(peers["leaders_have"].get(name))]
        for name, value in facts["params"].items()
    ]
    if lines:
        print()
        count = peers["leaders"]
        best = f"typical of the {count} best" if count > 1 else "the best"
        _print_table(["parameter", "this trial", best], lines)
    if facts["lineage"]:
        print("\nits networks began as copies of others, which had been trained with other settings")
        header, rows = schedule(facts["lineage"])
        _print_table(header, [[row[0], *map(_number, row[1:])] for row in rows])
    for sentence in facts["mended"]:
        print(f"mended: {sentence}")
    fixed = ", ".join(f"{name}={_number(value)}" for name, value in facts["fixed"].items())
    print(f"\nthe same for all trials: {fixed}")


WAYS = {
    "compiled": "compiled loops, a network at a time on each core",
    "batched": "PyTorch's batched kernels, many networks together",
    "alone": "PyTorch's kernels, a network at a time",
}
"""How lanes can be trained, in words."""


def explain_plan(view: StudyView) -> dict[str, Any]:
    """How trials are trained: what was measured for each kind of network, and what was chosen."""
    plans = []
    for kind, saved in sorted(view.meta.get("plans", {}).items()):
        chosen = "alone" if saved["alone"] else saved["way"]
        plans.append({"kind": kind, "chosen": chosen, "microseconds": dict(saved["microseconds"])})
    return {
        "parameters": searched(view),
        "constraints": list(view.meta["resolved"]["search"].get("constraints", ())),
        "plans": plans,
        "structures": _structures(view),
        "capacity_used": view.summary()["capacity_used"],
    }


def _structures(view: StudyView) -> dict[str, Any]:
    """How trials share structures, and how many there came to be."""
    names = [p["name"] for p in view.meta["parameters"] if not p["fusable"] and p["name"] not in FREE]
    found = Counter(tuple((name, t.params.get(name)) for name in names) for t in view.trials)
    return {
        "group": view.meta["resolved"]["search"].get("structure_group", GROUP),
        "parameters": names,
        "found": len(found) if names else min(1, len(view.trials)),
        "trials": len(view.trials),
        "largest": max(found.values(), default=0),
    }


def print_plan(facts: Mapping[str, Any]) -> None:
    """What `cotune explain` says of a study."""
    _print_table(["parameter", "searched", "as", "where trials differ in it"], rows(facts["parameters"]))
    print()
    for constraint in facts["constraints"]:
        print(f"always: {constraint}")
    if not facts["plans"]:
        print("no trial has been trained yet, so nothing was measured")
        return
    print(
        "microseconds of one core, or of the GPU, for an optimizer step of one network, measured before training:\n"
    )
    ways = list(dict.fromkeys(way for plan in facts["plans"] for way in plan["microseconds"]))
    lines = []
    for plan in facts["plans"]:
        taken = [plan["microseconds"].get(way) for way in ways]
        lines.append([plan["kind"], *("–" if t is None else f"{t:,.0f}" for t in taken), plan["chosen"]])
    _print_table(["networks", *ways, "chosen"], lines)
    print()
    for way in ways:
        if way in WAYS:
            print(f"{way}: {WAYS[way]}")
    print("chosen: the fastest; compiled loops also where another way is faster by less than a quarter")
    print()
    for line in lines_of_structures(facts["structures"]):
        print(line)
    if facts["capacity_used"] is not None:
        print(f"\nslots in use on average: {100 * facts['capacity_used']:.0f} %")


def lines_of_structures(structures: Mapping[str, Any]) -> list[str]:
    """What is said of trials that share a structure: how many do, and why."""
    names = ", ".join(structures["parameters"])
    if not names:
        return ["structures: one; whatever is searched is a number of each lane"]
    count, trials, group = structures["found"], structures["trials"], structures["group"]
    said = (
        f"structures ({names}): {count} in {trials} trials, {structures['largest']} trials in the largest; "
    )
    if group == 1:
        return [
            f"{said}every trial chooses its own (structure_group 1), since the way that was chosen trains a lane "
            "at the same price alone: sharing would save nothing, and look at fewer structures"
        ]
    return [
        f"{said}{group} consecutive trials share one (structure_group {group}), since lanes of equal structure "
        f"train as one computation; the price is that structures are chosen {group} times less often than all else"
    ]


BARS = 40
"""Characters of the longest bar."""


def print_rates(found: LrCurve) -> None:
    """What `cotune lr-find` says: the loss by learning rate, as a table with bars, and what follows from it."""
    marks = {found.suggested: "suggested", found.largest_stable: "largest stable"}
    finite = [loss for loss in found.losses if loss is not None]
    low, high = (min(finite), finite[0]) if finite else (0.0, 0.0)
    lines = []
    for rate, loss in zip(found.rates, found.losses, strict=True):
        share = 0.0 if loss is None or high <= low else min(1.0, (loss - low) / (high - low))
        bar = "diverged" if loss is None else "█" * round(BARS * share)
        lines.append([f"{rate:.2e}", _number(loss), bar.ljust(BARS), marks.get(rate, "")])
    _print_table(["lr", found.loss, "", ""], lines)
    print(
        f"\n{found.loss} on training rows, mean of the last half of {found.steps} steps; the same first weights"
    )
    if found.suggested is None:
        print("suggested       none: no learning rate lowers the loss")
    else:
        print(f"suggested       {found.suggested:.2e}, the smallest with nine tenths of the fall")
    if found.largest_stable is not None:
        print(f"lowest loss     {found.lowest:.2e}")
        print(f"largest stable  {found.largest_stable:.2e}")


def print_techniques(techniques: Sequence[Technique]) -> None:
    """A table for each kind: name, what turns it on, what it does, where it comes from."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for kind, some in groupby(techniques, key=lambda found: found.kind):
        table = Table("name", "turned on by", "what it does", "source", title=kind, title_justify="left")
        for found in some:
            cells = (found.name, found.typed, found.summary, found.reference)
            table.add_row(*map(Text, cells))
        console.print(table)


def print_ablation(found: Ablation, report: Path) -> None:
    """What `cotune ablate` says."""
    over = f" of {found.seeds}" if found.done < found.seeds else ""
    known = [score for score in found.scores if score is not None]
    print(
        f"trial {found.trial}: validation {found.metric} {_number(statistics.fmean(known))}, "
        f"mean over {found.done}{over} seeds" + (f" × {found.folds} folds" if found.folds > 1 else "")
    )
    if found.ended != "complete":
        print(f"ended early ({found.ended}): the seeds that were complete are below")
    turned = "" if found.maximize else ", turned round as less is better"
    print(f"worth: {found.metric} with the technique − without{turned}; 95 % interval\n")
    for added, words in ((False, "taken out"), (True, "put in")):
        lines = [_worth_line(worth) for worth in found.worths if worth.added is added]
        if lines:
            print(f"{words}, one by one:")
            _print_table(["technique", "kind", "worth", "from", "to", "p", "Holm", ""], lines)
            print()
    if found.skipped:
        print("not tried:")
        for skipped in found.skipped:
            print(f"  {skipped.technique} ({skipped.kind}): {skipped.reason}")
    if found.alternatives:
        kinds = ", ".join(f"{count} of {kind}" for kind, count in found.alternatives.items())
        print(f"not tried, as another has their place: {kinds}; --kind KIND tries them")
    print(f"\nreport    {report}")


def _worth_line(worth: Worth) -> list[str]:
    figures = [
        *map(_signed, (worth.worth, worth.low, worth.high)),
        *map(_probability, (worth.p, worth.p_holm)),
    ]
    return [
        worth.technique,
        worth.kind,
        *figures,
        worth.direction + (f" ({worth.note})" if worth.note else ""),
    ]


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.4g}" if value else "0"


def _probability(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"


def _number(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _print_table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[i]) for row in [header, *lines]) for i in range(len(header))]
    for row in [header, *lines]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
