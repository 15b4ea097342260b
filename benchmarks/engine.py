"""The engine against the best of what else trains the same networks, and against what the machine can do.

    python benchmarks/engine.py                 seven cases and the cost of more lanes, about 30 minutes
    python benchmarks/engine.py --quick         the same with fewer rounds, within 10 minutes
    python benchmarks/engine.py --case mlp-64   one of them

Figures are microseconds of the whole machine for one optimizer step of one network: medians over rounds in which all
sides take turns. The peers: a plain PyTorch loop, the same compiled, scikit-learn's MLP, a pack of networks after
TabPack, and the same lanes under vmap; each in one process with its best number of threads, and as a one-thread process
for each core. Short rounds settle each peer's best form first. See `engine_parts`.
"""

import sys
import time
from dataclasses import asdict
from typing import Any

from common import Bar, arguments, finish, say
from engine_parts.cases import CASES, Aim
from engine_parts.compare import Effort, compare, of_limit
from engine_parts.growth import growth
from engine_parts.limits import Machine
from engine_parts.serve import serve

QUICK = Effort(rounds=5, seconds=0.2, patience=30, longest=25)
FULL = Effort(rounds=21, seconds=0.5, patience=180, longest=150)
GROWTH_ROUNDS = {True: 4, False: 11}
FLAT = 1.2
"""Largest over smallest cost once there are lanes enough."""


def bars_of(row: dict[str, Any]) -> list[Bar]:
    """What a row must amount to."""
    if row["case"] == "growth":
        words = "cost per lane-step with 16 to 1024 lanes: largest / smallest"
        return [Bar(words, row["spread"], FLAT, direction="at most")]
    if row["case"] == "machine":
        return []
    case = CASES[row["case"]]
    aims: list[tuple[str, str, Aim | None]] = [
        ("cost of the best peer / ours", "ratio", case.ratio),
        ("limit / ours", "fraction", case.fraction),
    ]
    return [
        Bar(f"{case.words}: {words}", row[key], aim.bar, aim.goal)
        for words, key, aim in aims
        if aim is not None
    ]


def main() -> int:
    """Measure what the command line asks for."""
    parser = arguments("The engine against its peers and against the machine's limits.")
    names = [*CASES, "growth"]
    parser.add_argument("--case", action="append", choices=names, help="what to measure; all by default")
    parser.add_argument("--serve", type=int, help="be a process of the benchmark (used by itself)")
    asked = parser.parse_args()
    if asked.serve is not None:
        serve(asked.serve)
        return 0
    machine = Machine()
    rows: list[dict[str, Any]] = []
    for name in asked.case or names:
        began = time.monotonic()
        if name == "growth":
            row = growth(GROWTH_ROUNDS[asked.quick])
        else:
            row = compare(name, machine, QUICK if asked.quick else FULL)
        rows.append(row)
        say(f"{name}, {time.monotonic() - began:.0f} s: {row['microseconds']}, ratio {row.get('ratio')}")
    rows = [row if row["case"] == "growth" else row | of_limit(row, machine) for row in rows]
    rows += [{"case": "machine", **asdict(machine)}] if machine.gflops else []
    return finish(rows, [bar for row in rows for bar in bars_of(row)], as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
