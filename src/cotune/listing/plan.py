"""What `cotune explain` says of a study: what is searched, and how trials are trained."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from cotune.listing.tables import print_table
from cotune.records import StudyView
from cotune.search.structure import FREE, GROUP
from cotune.searched import rows, searched

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
        "strategy": _strategy(view),
        "constraints": list(view.meta["resolved"]["search"].get("constraints", ())),
        "plans": plans,
        "structures": _structures(view),
        "capacity_used": view.summary()["capacity_used"],
    }


def _strategy(view: StudyView) -> str:
    """The strategy, and where a rule chose it, why."""
    by_rule = next((said for said in view.meta["plan"] if said.startswith("Bayesian search is ")), None)
    return by_rule or f"search: {view.meta['resolved']['search']['strategy']}"


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
    print_table(["parameter", "searched", "as", "where trials differ in it"], rows(facts["parameters"]))
    print()
    print(facts["strategy"])
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
    print_table(["networks", *ways, "chosen"], lines)
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
