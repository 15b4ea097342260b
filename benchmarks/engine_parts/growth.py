"""What a step of one network costs as there are more of them."""

import statistics
from typing import Any

from engine_parts.crew import Crew
from engine_parts.spec import Spec

CASE = "mlp-64"
COUNTS = tuple(1 << power for power in range(11))
SETTLED = 16
"""Lanes from which on the cost is to stay as it is."""


def growth(rounds: int) -> dict[str, Any]:
    """Microseconds of the whole machine for a step of one network, with 1, 2, 4 … 1024 of them in training."""
    specs = [Spec("ours", "ours", lanes=count) for count in COUNTS]
    taken: dict[Spec, list[float]] = {spec: [] for spec in specs}
    with Crew(CASE) as crew:
        for spec in specs:
            crew.ask("make", spec)
        for _ in range(rounds + 1):
            for spec in specs:
                taken[spec].append(crew.cost(spec, _steps(spec.lanes)))
    medians = {spec.lanes: statistics.median(values[1:]) for spec, values in taken.items()}
    settled = [cost for count, cost in medians.items() if count >= SETTLED]
    return {
        "case": "growth",
        "network": CASE,
        "rounds": rounds,
        "microseconds": {str(count): round(cost, 2) for count, cost in medians.items()},
        "spread": round(max(settled) / min(settled), 3),
    }


def _steps(lanes: int) -> int:
    """Enough that a measurement is no shorter than 16 lanes' epoch."""
    return max(1, SETTLED // lanes) * 100
