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
from typing import Any

from common import Bar, arguments, finish, say
from engine_parts.cases import CASES, Aim
from engine_parts.compare import Effort, compare
from engine_parts.growth import growth, machine
from engine_parts.serve import serve

QUICK, FULL = Effort(rounds=5, seconds=0.2), Effort(rounds=21, seconds=0.5)
GROWTH_ROUNDS = {True: 2, False: 5}
FLAT = 1.2
"""Largest over smallest cost once there are lanes enough."""


def bars_of(row: dict[str, Any]) -> list[Bar]:
    """What a row must amount to."""
    if row["case"] == "growth":
        words = "cost per lane-step with 16 to 1024 lanes: largest / smallest"
        return [Bar(words, row["spread"], FLAT, direction="at most")]
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
    rates = machine()
    say(f"all cores: {rates.gflops:.0f} GFLOP/s, {rates.gbytes:.1f} GB/s")
    rows: list[dict[str, Any]] = [{"case": "machine", "gflops": rates.gflops, "gbytes": rates.gbytes}]
    bars: list[Bar] = []
    for name in asked.case or names:
        row = (
            growth(GROWTH_ROUNDS[asked.quick])
            if name == "growth"
            else compare(name, rates, QUICK if asked.quick else FULL)
        )
        say(f"{name}: {row['microseconds']}, ratio {row.get('ratio')}, fraction {row.get('fraction')}")
        rows.append(row)
        bars += bars_of(row)
    return finish(rows, bars, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
