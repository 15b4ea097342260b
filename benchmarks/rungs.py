"""Ways to stop weak trials, side by side on the real curves of TaskSet: regret by engine time; how good forecasts are.

    python benchmarks/rungs.py --json [--data FOLDER] [--orders 5]

An engine of 16 slots takes configurations in a random order; a slot that is freed is filled at the same boundary. Time
is counted in full trainings of all slots. A regret of 0 is the best of a task's thousand configurations, 1 the median.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from cotune.search import make_judge
from cotune.search.curves import extrapolate, usual_gain
from cotune.search.rungs.table import RUNGS

EPOCHS, SLOTS = 51, 16
MOMENTS = (0.5, 1, 2, 4)
LEFT_OUT = {"pbt"}  # it needs trials that change their settings, and curves are of fixed ones


def regret(losses: np.ndarray, order: np.ndarray, name: str) -> tuple[list[float], int, float]:
    """The regret at each moment, trials begun, and seconds of judging a trial-epoch."""
    judge = make_judge(name, epochs=EPOCHS, first=3, reduction=3, maximize=False)
    final = losses.min(axis=1)
    low, middle = float(final.min()), float(np.median(final))
    training: list[list[int]] = []
    begun, best, seen, asked, seconds, found = 0, np.inf, {}, 0, 0.0, []
    for _ in range(int(MOMENTS[-1] * EPOCHS)):
        while len(training) < SLOTS and begun < len(order):
            training.append([begun, 0])
            begun += 1
        arrivals = []
        for slot in training:
            slot[1] += 1
            figure = float(losses[order[slot[0]], slot[1] - 1])
            seen[slot[0]] = min(seen.get(slot[0], np.inf), figure)
            arrivals.append((slot[0], slot[1], seen[slot[0]]))
            best = min(best, seen[slot[0]])
        since = time.process_time()
        stopped = judge.judge(arrivals) if judge else frozenset()
        seconds, asked = seconds + time.process_time() - since, asked + len(arrivals)
        training = [slot for slot in training if slot[0] not in stopped and slot[1] < EPOCHS]
        found.append((best - low) / (middle - low))
    return [found[int(moment * EPOCHS) - 1] for moment in MOMENTS], begun, seconds / asked


def coverage(tasks: list[np.ndarray]) -> dict[str, float]:
    """Which part of the final figures the intervals of 80 % hold, by the epochs seen."""
    held: dict[str, list[float]] = {}
    for losses in tasks:
        whole = -losses[(losses < 1e8).all(axis=1)][:200]
        for n in (4, 6, 9, 15, 27, 40):
            seen = whole[:, :n].tolist()
            low, high = extrapolate(seen, epochs=EPOCHS, usual=usual_gain(seen)).interval(0.8)
            final = whole.max(axis=1)
            held.setdefault(str(n), []).append(float(np.mean((low <= final) & (final <= high))))
    return {n: round(float(np.mean(shares)), 3) for n, shares in held.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("COTUNE_DATA", "data")))
    parser.add_argument("--orders", type=int, default=5, help="random orders of each task's configurations")
    asked = parser.parse_args()
    files = sorted((asked.data / "hpo" / "taskset").glob("*.npz"))
    if not files:
        sys.exit(f"no curves of TaskSet in {asked.data / 'hpo' / 'taskset'}; name the folder with --data")
    tasks = [np.load(path)["valid"][:, :EPOCHS].astype(float) for path in files]
    tasks = [np.where(np.isfinite(losses), losses, 1e9) for losses in tasks]
    told: dict[str, Any] = {"tasks": len(tasks), "orders": asked.orders, "moments": MOMENTS, "rungs": {}}
    for name in (name for name in RUNGS if name not in LEFT_OUT):
        runs = [
            regret(losses, np.random.default_rng(seed).permutation(len(losses)), name)
            for losses in tasks
            for seed in range(asked.orders)
        ]
        told["rungs"][name] = {
            "median_regret": [
                round(float(np.median([r[0][i] for r in runs])), 3) for i in range(len(MOMENTS))
            ],
            "mean_trials": round(float(np.mean([r[1] for r in runs]))),
            "judging_ms_a_trial_epoch": round(1e3 * float(np.mean([r[2] for r in runs])), 4),
        }
    told["intervals_of_80_percent_hold"] = coverage(tasks)
    print(json.dumps(told, indent=2 if asked.json else None))


if __name__ == "__main__":
    main()
