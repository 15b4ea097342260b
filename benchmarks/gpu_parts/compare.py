"""All sides of a case in turn, each with the count of networks that suits it best."""

import gc
import math
import statistics
from dataclasses import dataclass
from typing import Any

import torch
from common import say
from engine_parts.cases import CASES, Case

from cotune.engine.devices import Compute
from cotune.engine.memory import is_out_of_memory
from gpu_parts.ours import Ours
from gpu_parts.peers import Peer, forms

LANES = (1, 4, 16, 64, 256, 1024)
"""Networks at once on our side."""


@dataclass(frozen=True)
class Effort:
    """Rounds that count, seconds that a measurement takes about, and networks at once at most."""

    rounds: int
    seconds: float
    most: int


def compare(name: str, compute: Compute, effort: Effort) -> dict[str, Any]:
    """The row of a case: medians over alternating rounds, ratio of the best peer to our best count."""
    case = CASES[name]
    sides, notes = _sides(case, compute, effort.most)
    steps = {words: _steps(side, case, effort.seconds) for words, side in sides.items()}
    first = {words: side.loss() for words, side in sides.items()}
    taken: dict[str, list[float]] = {words: [] for words in sides}
    for number in range(effort.rounds):
        for words in sorted(sides, reverse=number % 2 == 1):
            taken[words].append(sides[words].measure(steps[words]))
    for words, side in sides.items():
        last = side.loss()
        if not (last < first[words] or math.isnan(first[words])) or not math.isfinite(last):
            raise RuntimeError(f"{name}, {words}: the loss was {first[words]:.4f}, and is {last:.4f}")
    row = {"case": name, "precision": compute.precision, "deterministic": compute.deterministic}
    row |= _figures(taken) | {"notes": notes}
    row["chunks"] = {words: side.chunk for words, side in sides.items() if isinstance(side, Ours)}
    row["swept"] = max((s for s in sides.values() if isinstance(s, Ours)), key=lambda s: s.lanes).swept
    if compute.device.type == "cuda":
        row["peak_memory_gb"] = round(torch.cuda.max_memory_allocated(compute.device) / 2**30, 3)
    return row


def _sides(case: Case, compute: Compute, most: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Who can train the case; and why the others cannot."""
    sides: dict[str, Any] = {}
    notes: dict[str, str] = {}
    for form in forms(case, compute, most):
        try:
            sides[form.words] = Peer(case, form, compute)
            sides[form.words].measure(case.steps)  # compiles, and settles the allocator
        except Exception as error:  # PyTorch has many kinds for what it cannot do
            sides.pop(form.words, None)
            notes[form.words] = (str(error).strip().splitlines() or [repr(error)])[0][:300]
            say(f"  left out: {form.words}: {notes[form.words]}")
            gc.collect()
    for lanes in LANES:
        if lanes <= most:
            try:
                sides[_ours(lanes)] = Ours(case, lanes, compute)
                sides[_ours(lanes)].measure(case.steps)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                sides.pop(_ours(lanes), None)
                notes[_ours(lanes)] = "does not fit into memory beside the others"
    return sides, notes


def _ours(lanes: int) -> str:
    return f"cotune, K={lanes}"


def _steps(side: Any, case: Case, seconds: float) -> int:
    """Steps, of each network, that take about so long."""
    lanes = getattr(side, "lanes", None) or side._form.lanes
    cost = side.measure(case.steps) * lanes / 1e6
    return max(case.steps, round(seconds / cost))


def _figures(taken: dict[str, list[float]]) -> dict[str, Any]:
    medians = {words: statistics.median(values) for words, values in taken.items()}
    ours = {words: value for words, value in medians.items() if words.startswith("cotune")}
    peers = {words: value for words, value in medians.items() if words not in ours}
    best, best_peer = min(ours, key=ours.__getitem__), min(peers, key=peers.__getitem__)
    ratios = [peer / our for peer, our in zip(taken[best_peer], taken[best], strict=True)]
    return {
        "microseconds": {words: round(value, 3) for words, value in medians.items()},
        "best": best,
        "best_peer": best_peer,
        "ratio": round(statistics.median(ratios), 3),
        "ratio_range": [round(min(ratios), 3), round(max(ratios), 3)],
    }
