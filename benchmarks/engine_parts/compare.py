"""The long rounds: all sides of a case in turn, ours among them."""

import math
import statistics
import time
from dataclasses import dataclass
from typing import Any

from cotune.engine.parallel import cores
from engine_parts.cases import CASES, Case
from engine_parts.crew import Crew, Unavailable
from engine_parts.limits import RATES, Machine, limit
from engine_parts.ours import has_network
from engine_parts.settle import settle
from engine_parts.spec import Spec

NOTES = {
    "sklearn": "scikit-learn has no dropout, and a penalty in place of decoupled weight decay",
    "compiled": "compile time is not counted",
}


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Args:
        rounds: that count, after one that does not.
        seconds: that a peer's measurement takes, about; ours takes at least an epoch.
        patience: seconds in which a loop must be compiled.
        longest: seconds after which no further round begins, once there are `FEWEST`; for a machine that others use.
    """

    rounds: int
    seconds: float
    patience: float
    longest: float


FEWEST = 3


class UntrainedError(Exception):
    """A side whose loss does not fall."""


def compare(name: str, machine: Machine, effort: Effort) -> dict[str, Any]:
    """The row of a case, but for its limit: medians over alternating rounds, ratio to the best peer.

    Args:
        name: of the case.
        machine: measured again between the rounds.
        effort: how long to measure.
    """
    case = CASES[name]
    lanes = max(case.lanes, 2 * cores())
    ours = Spec("ours", "ours", cores(), lanes)
    began = time.monotonic()
    with Crew(name) as crew:
        left_out = crew.agree()
        trials = settle(crew, case, effort.patience)
        notes = trials.notes | {n: text for n, text in NOTES.items() if any(s.kind == n for s in trials.stay)}
        notes |= {"left out": "; ".join(left_out)} if left_out else {}
        steps = {spec: _steps(case, spec, trials.seen[spec], effort.seconds) for spec in trials.stay}
        if has_network(case):
            try:
                crew.ask("make", ours)
                steps[ours] = case.steps
            except Unavailable as error:
                notes["ours"] = str(error)
        else:
            notes["ours"] = "the engine has no such network"
        for spec in RATES:
            crew.ask("make", spec)
        settled = time.monotonic()
        taken, losses = _rounds(crew, steps, effort, machine)
    row = {"case": name, "network": case.words, "lanes": lanes}
    row |= {"seconds": {"settling": round(settled - began), "rounds": round(time.monotonic() - settled)}}
    row |= _figures(taken, ours)
    return row | {"losses": {_words(spec): pair for spec, pair in losses.items()}, "notes": notes}


def _words(spec: Spec) -> str:
    return "ours" if spec.kind == "ours" else spec.words(cores())


def _steps(case: Case, spec: Spec, cost: float, seconds: float) -> int:
    """Steps of a peer's measurement."""
    processes = cores() if spec.place == "each" else 1
    return max(3, min(case.steps, round(seconds * 1e6 / (cost * spec.lanes * processes))))


def _rounds(
    crew: Crew, steps: dict[Spec, int], effort: Effort, machine: Machine
) -> tuple[dict[Spec, list[float]], dict[Spec, tuple[float, float]]]:
    """Microseconds of every round, forwards and backwards in turn, and losses after the first and the last.

    Raises:
        UntrainedError: a side's loss has not fallen.
    """
    taken: dict[Spec, list[float]] = {spec: [] for spec in steps}
    before = {spec: crew.loss(spec) for spec in steps}
    began = time.monotonic()
    for number in range(effort.rounds + 1):
        if number > FEWEST and time.monotonic() - began > effort.longest:
            break
        machine.measure(crew)
        for spec in sorted(steps, key=list(steps).index, reverse=number % 2 == 1):
            taken[spec].append(crew.cost(spec, steps[spec]))
            if number == 0 and math.isnan(before[spec]):
                before[spec] = crew.loss(spec)
    losses = {spec: (round(before[spec], 4), round(crew.loss(spec), 4)) for spec in steps}
    for spec, (first, last) in losses.items():
        if not last < first:
            raise UntrainedError(f"{_words(spec)}: loss {first} before the rounds, {last} after them")
    return {spec: values[1:] for spec, values in taken.items()}, losses


def _figures(taken: dict[Spec, list[float]], ours: Spec) -> dict[str, Any]:
    """Medians, the best peer, and how much it costs over ours in each round."""
    medians = {spec: statistics.median(values) for spec, values in taken.items()}
    best = min((spec for spec in medians if spec != ours), key=medians.__getitem__)
    ratios = [peer / our for peer, our in zip(taken[best], taken.get(ours, ()), strict=False)]
    return {
        "rounds": len(taken[best]),
        "microseconds": {"ours": None} | {_words(spec): round(value, 2) for spec, value in medians.items()},
        "best_peer": _words(best),
        "ratio": round(statistics.median(ratios), 3) if ratios else None,
        "ratio_range": [round(min(ratios), 3), round(max(ratios), 3)] if ratios else None,
    }


def of_limit(row: dict[str, Any], machine: Machine) -> dict[str, Any]:
    """What a row says of its limit, once the machine has been measured to the end."""
    least = limit(CASES[row["case"]], machine, row["lanes"])
    cost = row["microseconds"]["ours"]
    return {
        "limit_us": round(least.microseconds, 3),
        "limit_kind": least.kind,
        "arithmetic_us": round(least.arithmetic, 3),
        "memory_us": round(least.memory, 3),
        "fraction": None if cost is None else round(least.microseconds / cost, 4),
    }
