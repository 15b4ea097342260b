"""Runs that are kept: a long comparison can be interrupted, and goes on where it was.

A run is a JSON file, named after contender, its version, task, seed and length. It appears whole or not at all.
"""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

from search_parts.contenders import CONTENDERS
from search_parts.simulator import Run
from search_parts.slots import play
from search_parts.tasks import LCBench, Task, TaskSet, lcbench_names, taskset_names


def task_names() -> list[str]:
    """Every task: "lcbench NUMBER" and "taskset NAME", taking turns as far as there are both."""
    a, b = [f"lcbench {n}" for n in lcbench_names()], [f"taskset {n}" for n in taskset_names()]
    step = max(1, len(a) // max(1, len(b)))
    mixed: list[str] = []
    for i in range(0, len(a), step):
        mixed += a[i : i + step] + b[i // step : i // step + 1]
    return mixed


def task_of(name: str) -> Task:
    """A task by its name in `task_names`."""
    kind, _, rest = name.partition(" ")
    return LCBench(rest) if kind == "lcbench" else TaskSet(rest)


def path_of(folder: Path, contender: str, task: str, seed: int, trainings: float) -> Path:
    """Where a run is kept."""
    words = [contender, CONTENDERS[contender].version(), task, str(seed), f"{trainings:g}"]
    digest = hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
    return folder / contender.replace(" ", "-") / f"{task.replace(' ', '-')}-{seed}-{digest}.json"


def kept(folder: Path, contender: str, task: str, seed: int, trainings: float) -> Run | None:
    """A run that was made before."""
    file = path_of(folder, contender, task, seed, trainings)
    if not file.exists():
        return None
    found = json.loads(file.read_text())
    found["best"] = tuple(float("nan") if figure is None else figure for figure in found["best"])
    return Run(**found)


def run(folder: Path, contender: str, task: str, seed: int, trainings: float) -> Run:
    """A run, made now unless it is kept."""
    found = kept(folder, contender, task, seed, trainings)
    if found is not None:
        return found
    subject = task_of(task)
    player = CONTENDERS[contender].make(subject, seed)
    try:
        found = play(subject, player, trainings=trainings)
    finally:
        player.close()
    file = path_of(folder, contender, task, seed, trainings)
    file.parent.mkdir(parents=True, exist_ok=True)
    row = asdict(found)
    row["best"] = [None if figure != figure else figure for figure in found.best]
    part = file.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(row))
    part.replace(file)
    return found
