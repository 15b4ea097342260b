"""What a trial costs beside its training: ask, place, tell, record.

    python benchmarks/trials.py [--json] [--quick]

A study of 1,000 trials, and one of 10,000, run through the same objects as any other, on a small table and in the
default space of eight parameters. Only the training is left out: figures come from a formula, so that rungs, patience,
refill and the model's history are as in earnest. What remains is the time a trial costs beside its training, by part:

- `ask`: the sampler proposes; `tell`: it is told of starts and results, and the ledger judges every boundary;
- `place`: a configuration becomes lanes, first weights are drawn, lanes join their population and leave it;
- `record`: one synchronous transaction a boundary, snapshots, progress; `end`: the study read back, the leaderboard.

Each study runs several times; of wall-clock times, which other programs can only lengthen, the least total is taken.
"""

import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from common import Bar, arguments, finish, say
from sklearn.datasets import load_breast_cancer

from cotune.data import load, split
from cotune.engine.lanes import Lane
from cotune.engine.loop import Engine
from cotune.engine.outcome import Halt, Outcome, never
from cotune.engine.plan import Plan
from cotune.recipe import make
from cotune.records import Store, read_view, write_leaderboard
from cotune.space import from_recipe
from cotune.study.directory import Directory
from cotune.study.facts import facts_of
from cotune.study.lanes import LaneFactory
from cotune.study.loop import Study
from cotune.study.prepared import Prepared, fit_to_machine
from cotune.study.settling.resolve import resolve
from cotune.types import Record

METRIC = "log_loss"
LIMITS = {1_000: 2.0, 10_000: 4.0}
"""Milliseconds a trial may cost beside its training, by trials of the study."""


class Untrained(Engine):
    """An engine that takes no steps: epochs pass, and figures come from a formula."""

    seconds = 0.0
    """Spent on the formula; no part of what a trial costs."""

    def plan(self, lanes: Sequence[Lane]) -> Plan:  # noqa: ARG002
        """As on any CPU. Measuring it is a matter of the study, not of a trial, and is training."""
        return Plan("compiled", False, {"compiled": 30.0})

    def train_epoch(self, *, halt: Halt = never) -> Outcome:  # noqa: ARG002
        """Every lane is an epoch older."""
        began = time.perf_counter()
        records = []
        for population in self.populations:
            state = population.state
            state.epoch.add_(1)
            state.step.add_(population.structure.steps)
            epochs, best = state.epoch.tolist(), state.best.tolist()
            for i, lane in enumerate(population.lanes):
                loss = figure(lane, epochs[i])
                if not loss >= best[i]:
                    state.best[i] = loss
                steps = epochs[i] * population.structure.steps
                records.append(Record(lane.id, epochs[i], steps, loss, {METRIC: loss, "loss": loss}, 1e-3))
        steps = sum(p.structure.steps * len(p.lanes) for p in self.populations)
        outcome = Outcome(tuple(sorted(records, key=lambda record: record.lane)), (), (), steps)
        self.seconds += time.perf_counter() - began
        return outcome


def figure(lane: Lane, epoch: int) -> float:
    """A loss that depends on the configuration, falls with the epochs, and is a little noisy."""
    n = lane.numbers
    far = (math.log10(n["lr"]) + 2.3) ** 2 + n["dropout"] ** 2 + (math.log10(n["weight_decay"]) + 3) ** 2 / 9
    noise = (lane.seed * 2_654_435_761 + epoch * 40_503) % 65_536 / 65_536
    return 0.2 + 0.3 * far + 1.0 / (epoch + 1) + 0.02 * noise


class Stopwatch:
    """Adds up the time that methods take, by part; one inside another counts once, for the outer."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._running = False

    def watch(self, part: str, owner: object, *names: str) -> None:
        """Count these methods of an object as `part`."""
        for name in names:
            setattr(owner, name, self._timed(part, getattr(owner, name)))

    def _timed(self, part: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **named: Any) -> Any:
            if self._running:
                return method(*args, **named)
            self._running, began = True, time.perf_counter()
            try:
                return method(*args, **named)
            finally:
                self._running = False
                self.seconds[part] += time.perf_counter() - began

        return timed


def prepare(strategy: str, trials: int) -> Prepared:
    """Everything up to the first trial."""
    table = load_breast_cancer(as_frame=True)
    dataset = load(table.frame.astype({"target": str}), target="target")
    recipe = make(strategy=strategy, trials=trials, metric=METRIC)
    splits = split(dataset, recipe.split, seed=0)
    resolved = resolve(recipe, dataset, splits)
    space = from_recipe(resolved)
    factory = LaneFactory(resolved, space, dataset, splits)
    speed, resolved = fit_to_machine(recipe, resolved, space, factory)
    return Prepared(resolved, space, dataset, splits, factory.with_recipe(resolved), speed)


def measure(strategy: str, trials: int, folder: Path) -> dict[str, Any]:
    """Run one study; milliseconds a trial, in all and by part."""
    prepared = prepare(strategy, trials)
    directory = Directory(folder / "study")
    directory.create()
    engine, watch = Untrained(metric=METRIC), Stopwatch()
    with Store.create(directory.store, facts_of(prepared, prepared.recipe, version="benchmark")) as store:
        study = Study(
            recipe=prepared.recipe,
            space=prepared.space,
            factory=prepared.factory,
            engine=engine,
            store=store,
            directory=directory,
            speed=prepared.speed,
            show=lambda _: None,
            interrupted=lambda: False,
            began=time.monotonic(),
        )
        watch.watch("ask", study._several.sampler, "ask")
        watch.watch("tell", study._several.sampler, "add", "tell")
        watch.watch("tell", study._ledger, "judge")
        watch.watch("place", prepared.factory, "lanes")
        watch.watch("place", engine, "join", "leave", "best")
        watch.watch("record", store, "commit")
        watch.watch("record", study._snapshots, "save")
        watch.watch("record", study, "progress")
        began = time.perf_counter()
        study.train()
        trained = time.perf_counter()
        view = read_view(store)
        write_leaderboard(view, directory.leaderboard)
        watch.seconds["end"] = time.perf_counter() - trained
        total = time.perf_counter() - began - engine.seconds
    watch.seconds["other"] = total - watch.seconds.total()
    return {
        "strategy": strategy,
        "trials": len(view.trials),
        "slots": prepared.recipe.search.lanes,
        "boundaries": len(view.boundaries),
        "lane_epochs": sum(map(len, view.records.values())),
        "capacity_used": view.summary()["capacity_used"],
        "milliseconds": round(1e3 * total / trials, 3),
        "parts": {part: round(1e3 * seconds / trials, 3) for part, seconds in watch.seconds.items()},
    }


def least(strategy: str, trials: int, times: int) -> dict[str, Any]:
    """The run with the least total."""
    found = []
    for _ in range(times):
        with tempfile.TemporaryDirectory(prefix="cotune-bench-") as scratch:
            found.append(measure(strategy, trials, Path(scratch)))
    row = min(found, key=lambda row: float(row["milliseconds"]))
    row["range"] = [row["milliseconds"], max(other["milliseconds"] for other in found)]
    say(f"{strategy}, {trials:,} trials: {row['milliseconds']} ms a trial {row['parts']}")
    return row


def main() -> int:
    """Measure the default search, and random search and TPE beside it; only the default is held to a bar."""
    asked = arguments("What a trial costs beside its training.").parse_args()
    with tempfile.TemporaryDirectory(prefix="cotune-bench-") as scratch:
        measure("auto", 100, Path(scratch))  # what is loaded or compiled once is no part of a trial
    times = 2 if asked.quick else 5
    rows = [least(strategy, trials, times) for trials in LIMITS for strategy in ("auto", "random")]
    # Optuna's TPE goes through all its history for every trial: ten thousand would take hours.
    rows.append(least("tpe", 300 if asked.quick else 1_000, 1))
    bars = [
        Bar(f"milliseconds a trial, default search, {row['trials']:,} trials", row["milliseconds"],
            LIMITS[row["trials"]], direction="at most")
        for row in rows
        if row["strategy"] == "auto"
    ]  # fmt: skip
    return finish(rows, bars, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
